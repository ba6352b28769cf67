#include "common/mem.h"
#include "common/text.h"
#include "common/webhook.h"

/* What a row says of the fields that count. */
struct fields {
    bool has_id;
    int64_t id;
    char *event_type; /* owned; NULL when it is not there, or no text */
    char *target_url;
    bool is_active;
    bool is_active_odd; /* neither true nor false nor null */
};

static void set_trimmed(char **field, const struct json_slice *value)
{
    char *text = json_slice_get_text(value);
    mem_free(*field); /* of two members with one key the last one counts, as for jansson */
    *field = text == NULL ? NULL : text_trim(text);
    mem_free(text);
}

static void read_field(struct fields *fields, const struct json_slice *key,
                       const struct json_slice *value)
{
    if (json_slice_is_text(key, "id")) {
        fields->has_id = json_slice_get_int(value, &fields->id);
    } else if (json_slice_is_text(key, "event_type")) {
        set_trimmed(&fields->event_type, value);
    } else if (json_slice_is_text(key, "target_url")) {
        set_trimmed(&fields->target_url, value);
    } else if (json_slice_is_text(key, "is_active")) {
        fields->is_active = true;
        fields->is_active_odd =
            !json_slice_get_bool(value, &fields->is_active) && !json_slice_is_null(value);
    }
}

static struct fields read_fields(const struct json_slice *row)
{
    struct fields fields = {.is_active = true};
    struct json_slice key;
    struct json_slice value;
    struct json_walk walk = json_walk_start(row);
    while (json_slice_is_object(row) && json_walk_next(&walk, &key, &value)) {
        read_field(&fields, &key, &value);
    }
    return fields;
}

bool registered_hook_parse(struct registered_hook *hook, const struct json_slice *row,
                           struct error *err)
{
    struct fields fields = read_fields(row);
    *hook = (struct registered_hook){
        .id = fields.id,
        .event_type = fields.event_type,
        .target_url = fields.target_url,
        .is_active = fields.is_active,
    };
    if (!fields.has_id || fields.event_type == NULL || fields.target_url == NULL) {
        registered_hook_clear(hook);
        return error_set(err, ERROR_PROTOCOL,
                         "a webhook of the list has no usable id, event_type or target_url");
    }
    if (fields.is_active_odd) {
        registered_hook_clear(hook);
        return error_set(err, ERROR_BAD_INPUT, "is_active of webhook %lld is not true or false",
                         (long long)fields.id);
    }
    secret_set(&hook->row, row->bytes, row->size);
    return true;
}

void registered_hook_clear(struct registered_hook *hook)
{
    mem_free(hook->event_type);
    mem_free(hook->target_url);
    secret_clear(&hook->row);
    *hook = (struct registered_hook){0};
}
