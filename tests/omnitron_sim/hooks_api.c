#include "tests/omnitron_sim/hooks_api.h"

#include "tests/omnitron_sim/sim.h"
#include "tests/omnitron_sim/validate.h"

#include <string.h>

static void answer_hook(const struct hook *hook, int status, struct answer *answer)
{
    answer_start_json(answer, status);
    hook_print(hook, false, &answer->body);
}

/* 406 is Omnitron's status for business rules; the code is what makes it "already registered". */
static void answer_already_registered(struct sim *sim, struct answer *answer)
{
    counters_add(sim->counters, COUNTER_DUPLICATE_POSTS);
    answer_json(
        answer, 406,
        json_pack("{s:s, s:s}", "code", "webhook_100_2", "en", "Webhook already registered"));
}

/* The body, validated; NULL: the answer says why not. The caller owns the object. */
static json_t *read_fields(struct sim *sim, const struct request *request, struct answer *answer)
{
    json_t *data = NULL;
    if (!request_data(request, &data, answer)) {
        return NULL;
    }
    struct validation validation;
    validate_hook(&sim->settings, data, request->method == EVHTTP_REQ_PATCH, &validation);
    json_decref(data);
    json_t *fields = NULL;
    if (validation.is_crash) {
        answer_server_error(answer);
    } else if (validation.errors != NULL) {
        answer_json(answer, 400, json_incref(validation.errors));
    } else {
        fields = json_incref(validation.fields);
    }
    validation_clear(&validation);
    return fields;
}

void hooks_api_create(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer)
{
    (void)route;
    json_t *fields = read_fields(sim, request, answer);
    if (fields == NULL) {
        return;
    }
    if (hooks_is_taken(sim->hooks, request->user, fields, NULL)) {
        answer_already_registered(sim, answer);
    } else {
        answer_hook(hooks_insert(sim->hooks, request->user, fields), 201, answer);
        counters_add_created(sim->counters, request->user->username);
    }
    json_decref(fields);
}

/* get_object(): the row if the user may see it. NULL: the answer is 404. */
static struct hook *find_hook(struct sim *sim, const struct request *request,
                              const struct route *route, struct answer *answer)
{
    int64_t id = 0;
    for (size_t i = 0; i < route->id_size; i++) {
        char digit = route->id[i];
        bool is_digit = digit >= '0' && digit <= '9' && id < INT64_MAX / 10 - 10;
        id = is_digit ? id * 10 + (digit - '0') : -1;
        if (id < 0) {
            break;
        }
    }
    struct hook *hook = hooks_by_id(sim->hooks, id);
    if (hook == NULL || (!request->user->is_superuser && hook_owner(hook) != request->user)) {
        answer_not_found(answer);
        return NULL;
    }
    return hook;
}

void hooks_api_detail(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer)
{
    const struct hook *hook = find_hook(sim, request, route, answer);
    if (hook != NULL) {
        answer_hook(hook, 200, answer);
    }
}

void hooks_api_update(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer)
{
    struct hook *hook = find_hook(sim, request, route, answer);
    json_t *fields = hook == NULL ? NULL : read_fields(sim, request, answer);
    if (fields == NULL) {
        return;
    }
    /* The service looks for a clash among the rows of whoever sends the request; the database, by
       its unique key, among those of the owner, and that error nobody catches. */
    if (hooks_is_taken(sim->hooks, request->user, fields, hook)) {
        answer_already_registered(sim, answer);
    } else if (hooks_is_taken(sim->hooks, hook_owner(hook), fields, hook)) {
        answer_server_error(answer);
    } else {
        hooks_update(sim->hooks, hook, fields);
        answer_hook(hook, 200, answer);
    }
    json_decref(fields);
}

void hooks_api_delete(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer)
{
    struct hook *hook = find_hook(sim, request, route, answer);
    if (hook != NULL) {
        json_t *fields = json_pack("{s:b}", "is_active", 0);
        hooks_update(sim->hooks, hook, fields);
        json_decref(fields);
        answer_empty(answer, 204);
    }
}

void hooks_api_registry(struct sim *sim, const struct request *request, const struct route *route,
                        struct answer *answer)
{
    (void)request;
    (void)route;
    if (sim->settings.registry == NULL) {
        /* An old version: "registry" is then the id of a hook that is not there. */
        answer_not_found(answer);
    } else {
        answer_json(answer, 200, json_incref(sim->settings.registry));
    }
}
