#include "common/mem.h"
#include "common/text.h"
#include "common/webhook.h"

static char *trimmed_text(json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text == NULL ? NULL : text_trim(text);
}

bool registered_hook_parse(struct registered_hook *hook, json_t *row, struct error *err)
{
    json_t *id = json_object_get(row, "id");
    json_t *is_active = json_object_get(row, "is_active");
    *hook = (struct registered_hook){
        .id = json_integer_value(id),
        .event_type = trimmed_text(row, "event_type"),
        .target_url = trimmed_text(row, "target_url"),
        .is_active = !json_is_false(is_active),
        .row = json_incref(row),
    };
    if (!json_is_integer(id) || hook->event_type == NULL || hook->target_url == NULL) {
        registered_hook_clear(hook);
        return error_set(err, ERROR_PROTOCOL,
                         "a webhook of the list has no usable id, event_type or target_url");
    }
    if (is_active != NULL && !json_is_boolean(is_active) && !json_is_null(is_active)) {
        int64_t number = hook->id;
        registered_hook_clear(hook);
        return error_set(err, ERROR_BAD_INPUT, "is_active of webhook %lld is not true or false",
                         (long long)number);
    }
    return true;
}

void registered_hook_clear(struct registered_hook *hook)
{
    mem_free(hook->event_type);
    mem_free(hook->target_url);
    json_decref(hook->row);
    *hook = (struct registered_hook){0};
}
