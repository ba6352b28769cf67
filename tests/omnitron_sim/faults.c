#include "tests/omnitron_sim/faults.h"

#include "common/mem.h"

#include <stdio.h>
#include <string.h>

struct fault {
    struct fault *next;
    json_t *spec; /* owned; every text below is borrowed from it */
    const char *name;
    const char *method; /* NULL in the four: any */
    const char *path;
    const char *username;
    const char *match;
    json_int_t skip;  /* requests still to let pass */
    json_int_t times; /* hits still to come; negative: for ever */
    json_int_t hits;
    struct fault_action action;
};

struct faults {
    struct fault *first;
    unsigned last_unnamed;
};

struct faults *faults_new(void)
{
    return mem_new(1, sizeof(struct faults));
}

static void free_fault(struct fault *fault)
{
    json_decref(fault->spec);
    mem_free(fault);
}

void faults_remove_all(struct faults *faults)
{
    while (faults->first != NULL) {
        struct fault *fault = faults->first;
        faults->first = fault->next;
        free_fault(fault);
    }
}

void faults_free(struct faults *faults)
{
    faults_remove_all(faults);
    mem_free(faults);
}

static bool parse_close(const char *text, enum fault_close *close)
{
    static const char *const names[] = {
        [CLOSE_BEFORE] = "before", [CLOSE_AFTER] = "after", [CLOSE_MID] = "mid"};
    *close = CLOSE_NEVER;
    for (unsigned i = CLOSE_BEFORE; text != NULL && i <= CLOSE_MID; i++) {
        if (strcmp(text, names[i]) == 0) {
            *close = (enum fault_close)i;
        }
    }
    return text == NULL || *close != CLOSE_NEVER;
}

/* jansson's strict mode ('!') refuses what has a wrong type or an unknown name. */
static bool parse_action(json_t *spec, struct fault_action *action, struct error *err)
{
    *action = (struct fault_action){.truncate_at = -1};
    const char *close = NULL;
    int apply = -1;
    int hang = 0;
    json_int_t delay_ms = 0;
    json_int_t drip_ms = 0;
    json_int_t truncate_at = -1;
    json_error_t why;
    if (json_unpack_ex(spec, &why, 0, "{s?i, s?s, s?o, s?o, s?I, s?b, s?s, s?b, s?I, s?I !}",
                       "status", &action->status, "body", &action->body, "json", &action->json,
                       "headers", &action->headers, "delay_ms", &delay_ms, "apply", &apply, "close",
                       &close, "hang", &hang, "drip_ms", &drip_ms, "truncate", &truncate_at) != 0) {
        return error_set(err, ERROR_BAD_INPUT, "action: %s", why.text);
    }
    if (!parse_close(close, &action->close)) {
        return error_set(err, ERROR_BAD_INPUT, "action.close: before, after or mid");
    }
    action->has_answer = action->status != 0 || action->body != NULL || action->json != NULL;
    bool is_replaced = action->has_answer || action->close == CLOSE_BEFORE || hang == 1;
    action->is_applied = apply == -1 ? !is_replaced : apply == 1;
    action->is_hanging = hang == 1;
    action->delay_ms = delay_ms;
    action->drip_ms = drip_ms;
    action->truncate_at = truncate_at;
    return true;
}

static bool parse_fault(struct fault *fault, struct error *err)
{
    json_t *action = NULL;
    json_error_t why;
    fault->times = 1;
    /* The form s?s refuses null, which here means "any": those are read by hand. */
    json_t *ignored = NULL;
    if (json_unpack_ex(fault->spec, &why, 0, "{s?o, s?o, s?o, s?o, s?o, s?I, s?I, s:o !}", "name",
                       &ignored, "method", &ignored, "path", &ignored, "username", &ignored,
                       "match", &ignored, "skip", &fault->skip, "times", &fault->times, "action",
                       &action) != 0) {
        return error_set(err, ERROR_BAD_INPUT, "fault: %s", why.text);
    }
    fault->name = json_string_value(json_object_get(fault->spec, "name"));
    fault->method = json_string_value(json_object_get(fault->spec, "method"));
    fault->path = json_string_value(json_object_get(fault->spec, "path"));
    fault->username = json_string_value(json_object_get(fault->spec, "username"));
    fault->match = json_string_value(json_object_get(fault->spec, "match"));
    return parse_action(action, &fault->action, err);
}

static struct fault **link_of_name(struct faults *faults, const char *name)
{
    struct fault **link = &faults->first;
    while (*link != NULL && strcmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    return link;
}

bool faults_put(struct faults *faults, const json_t *spec, struct error *err)
{
    struct fault *fault = mem_new(1, sizeof *fault);
    fault->spec = json_deep_copy(spec);
    if (!json_is_string(json_object_get(spec, "name"))) {
        char name[32];
        (void)snprintf(name, sizeof name, "fault-%u", ++faults->last_unnamed);
        json_object_set_new(fault->spec, "name", json_string(name));
    }
    if (!parse_fault(fault, err)) {
        free_fault(fault);
        return false;
    }
    struct fault **link = link_of_name(faults, fault->name);
    struct fault *old = *link;
    if (old != NULL) {
        fault->next = old->next;
        free_fault(old);
    }
    *link = fault;
    return true;
}

static bool contains(const char *bytes, size_t size, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(bytes + i, text, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_met(const struct fault *fault, const struct request *request, const char *username)
{
    if (fault->method != NULL && strcmp(fault->method, request->method_name) != 0) {
        return false;
    }
    if (fault->path != NULL && strncmp(fault->path, request->path, strlen(fault->path)) != 0) {
        return false;
    }
    if (fault->username != NULL && (username == NULL || strcmp(fault->username, username) != 0)) {
        return false;
    }
    return fault->match == NULL || strstr(request->query_text, fault->match) != NULL ||
           contains(request->body, request->body_size, fault->match);
}

bool faults_take(struct faults *faults, const struct request *request, const char *username,
                 struct fault_action *action)
{
    for (struct fault *fault = faults->first; fault != NULL; fault = fault->next) {
        if (fault->times == 0 || !is_met(fault, request, username)) {
            continue;
        }
        if (fault->skip > 0) {
            fault->skip--;
            continue;
        }
        fault->times -= fault->times > 0;
        fault->hits++;
        *action = fault->action;
        return true;
    }
    return false;
}

json_t *faults_to_json(const struct faults *faults)
{
    json_t *array = json_array();
    for (const struct fault *fault = faults->first; fault != NULL; fault = fault->next) {
        json_t *object = json_deep_copy(fault->spec);
        json_object_set_new(object, "hits", json_integer(fault->hits));
        json_array_append_new(array, object);
    }
    return array;
}
