#include "tests/omnitron_sim/hooks.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/omnitron_sim/map.h"
#include "tests/omnitron_sim/users.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum field {
    RETRY_COUNTDOWN_CONFIG,
    TARGET_URL,
    IS_ACTIVE,
    SECRET_KEY,
    EVENT_TYPE,
    CALLBACK,
    ADDITIONAL_HEADERS,
    CONFIG,
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
    "retry_countdown_config", "target_url", "is_active", "secret_key", "event_type", "callback",
    "additional_headers",     "config",
};

static const char *const field_defaults[FIELD_COUNT] = {
    [RETRY_COUNTDOWN_CONFIG] = "{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}}",
    [IS_ACTIVE] = "true",
    [SECRET_KEY] = "null",
    [CALLBACK] = "null",
    [ADDITIONAL_HEADERS] = "{}",
    [CONFIG] = "{}",
};

/* How many rows have one key: above 1 only by hooks_insert's having skipped the check. */
struct slot {
    size_t count;
    bool is_reported;
};

/* The fields are kept as the JSON they are sent as: a row costs a few hundred bytes, and printing
   one is a copy. */
struct hook {
    int64_t id;
    struct user *owner;
    char *fields[FIELD_COUNT];
    char *target_url; /* decoded, for look-ups */
    char *event_type;
    char *key;
    struct slot *slot;
    int64_t created_ms;
    int64_t modified_ms;
};

struct hooks {
    struct hook_list all;
    struct map *slots;
    int64_t last_id;
};

struct hooks *hooks_new(void)
{
    struct hooks *hooks = mem_new(1, sizeof *hooks);
    hooks->slots = map_new();
    return hooks;
}

void hooks_free(struct hooks *hooks)
{
    hooks_remove(hooks, NULL);
    mem_free(hooks->all.rows);
    map_free(hooks->slots);
    mem_free(hooks);
}

static void list_add(struct hook_list *list, struct hook *hook)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        list->rows = mem_resize(list->rows, list->capacity, sizeof(struct hook *));
    }
    list->rows[list->count++] = hook;
}

/* The unique key (user, target_url, event_type) as one text. The length keeps it unambiguous. */
static char *key_of(const struct user *owner, const char *target_url, const char *event_type)
{
    struct strbuf key;
    strbuf_init(&key, SIZE_MAX / 2);
    strbuf_addf(&key, "%u:%zu:", owner->id, strlen(event_type));
    strbuf_add_text(&key, event_type);
    strbuf_add_text(&key, target_url);
    return strbuf_take(&key);
}

static void leave_slot(struct hooks *hooks, struct hook *hook)
{
    if (hook->slot != NULL && --hook->slot->count == 0) {
        map_remove(hooks->slots, hook->key);
        mem_free(hook->slot);
    }
    mem_free(hook->key);
    hook->slot = NULL;
    hook->key = NULL;
}

static void enter_slot(struct hooks *hooks, struct hook *hook)
{
    hook->key = key_of(hook->owner, hook->target_url, hook->event_type);
    hook->slot = map_get(hooks->slots, hook->key);
    if (hook->slot == NULL) {
        hook->slot = mem_new(1, sizeof *hook->slot);
        map_put(hooks->slots, hook->key, hook->slot);
    }
    hook->slot->count++;
}

static void set_decoded(char **place, const json_t *value)
{
    if (value != NULL) {
        mem_free(*place);
        *place = mem_copy_text(json_string_value(value));
    }
}

static void set_fields(struct hooks *hooks, struct hook *hook, const json_t *fields)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const json_t *value = json_object_get(fields, field_names[i]);
        if (value != NULL) {
            mem_free(hook->fields[i]);
            hook->fields[i] = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
            assert(hook->fields[i] != NULL);
        }
    }
    leave_slot(hooks, hook);
    set_decoded(&hook->target_url, json_object_get(fields, "target_url"));
    set_decoded(&hook->event_type, json_object_get(fields, "event_type"));
    assert(hook->target_url != NULL && hook->event_type != NULL);
    enter_slot(hooks, hook);
    hook->modified_ms = now_wall_ms();
}

struct hook *hooks_insert(struct hooks *hooks, struct user *owner, const json_t *fields)
{
    struct hook *hook = mem_new(1, sizeof *hook);
    hook->id = ++hooks->last_id;
    hook->owner = owner;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        hook->fields[i] = mem_copy_text(field_defaults[i]);
    }
    set_fields(hooks, hook, fields);
    hook->created_ms = hook->modified_ms;
    list_add(&hooks->all, hook);
    list_add(&owner->hooks, hook);
    return hook;
}

void hooks_update(struct hooks *hooks, struct hook *hook, const json_t *fields)
{
    set_fields(hooks, hook, fields);
}

static const char *text_or(const json_t *fields, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(fields, name));
    return text == NULL ? otherwise : text;
}

bool hooks_is_taken(const struct hooks *hooks, const struct user *owner, const json_t *fields,
                    const struct hook *except)
{
    const char *target_url = text_or(fields, "target_url", except ? except->target_url : "");
    const char *event_type = text_or(fields, "event_type", except ? except->event_type : "");
    char *key = key_of(owner, target_url, event_type);
    const struct slot *slot = map_get(hooks->slots, key);
    mem_free(key);
    if (slot == NULL) {
        return false;
    }
    return except == NULL || except->slot != slot || slot->count > 1;
}

struct hook *hooks_by_id(const struct hooks *hooks, int64_t id)
{
    size_t low = 0;
    size_t high = hooks->all.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (hooks->all.rows[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_found = low < hooks->all.count && hooks->all.rows[low]->id == id;
    return is_found ? hooks->all.rows[low] : NULL;
}

const struct hook_list *hooks_all(const struct hooks *hooks)
{
    return &hooks->all;
}

static void free_hook(struct hooks *hooks, struct hook *hook)
{
    leave_slot(hooks, hook);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        mem_free(hook->fields[i]);
    }
    mem_free(hook->target_url);
    mem_free(hook->event_type);
    mem_free(hook);
}

void hooks_remove(struct hooks *hooks, struct user *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < hooks->all.count; i++) {
        struct hook *hook = hooks->all.rows[i];
        if (owner == NULL || hook->owner == owner) {
            hook->owner->hooks.count = 0;
            free_hook(hooks, hook);
        } else {
            hooks->all.rows[kept++] = hook;
        }
    }
    hooks->all.count = kept;
}

void hooks_reset(struct hooks *hooks)
{
    hooks_remove(hooks, NULL);
    hooks->last_id = 0;
}

json_t *hooks_duplicates(const struct hooks *hooks)
{
    json_t *duplicates = json_array();
    for (size_t i = 0; i < hooks->all.count; i++) {
        const struct hook *hook = hooks->all.rows[i];
        if (hook->slot->count > 1 && !hook->slot->is_reported) {
            hook->slot->is_reported = true;
            json_array_append_new(
                duplicates, json_pack("{s:s, s:s, s:s, s:I}", "username", hook->owner->username,
                                      "target_url", hook->target_url, "event_type",
                                      hook->event_type, "count", (json_int_t)hook->slot->count));
        }
    }
    for (size_t i = 0; i < hooks->all.count; i++) {
        hooks->all.rows[i]->slot->is_reported = false;
    }
    return duplicates;
}

int64_t hook_id(const struct hook *hook)
{
    return hook->id;
}

struct user *hook_owner(const struct hook *hook)
{
    return hook->owner;
}

const char *hook_target_url(const struct hook *hook)
{
    return hook->target_url;
}

const char *hook_event_type(const struct hook *hook)
{
    return hook->event_type;
}

bool hook_is_active(const struct hook *hook)
{
    return strcmp(hook->fields[IS_ACTIVE], "true") == 0;
}

static void add_quoted(struct strbuf *text, const char *value)
{
    json_t *string = json_string(value);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY);
    strbuf_add_text(text, quoted);
    mem_free(quoted);
    json_decref(string);
}

void hook_print(const struct hook *hook, bool with_owner, struct strbuf *text)
{
    strbuf_addf(text, "{\"id\":%" PRId64, hook->id);
    if (with_owner) {
        strbuf_add_text(text, ",\"owner\":");
        add_quoted(text, hook->owner->username);
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        strbuf_addf(text, ",\"%s\":", field_names[i]);
        strbuf_add_text(text, hook->fields[i]);
        if (i == RETRY_COUNTDOWN_CONFIG) {
            char created[NOW_ISO_SIZE];
            char modified[NOW_ISO_SIZE];
            strbuf_addf(text, ",\"created_date\":\"%s\",\"modified_date\":\"%s\"",
                        now_iso(created, hook->created_ms), now_iso(modified, hook->modified_ms));
        }
    }
    strbuf_add_text(text, "}");
}
