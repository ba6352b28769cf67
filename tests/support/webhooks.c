#include "tests/support/webhooks.h"

#include "common/strbuf.h"

enum { JSON_MAX_BYTES = 16 * 1024 * 1024 };

char *webhooks_print(const char *prefix, size_t count, const char *more)
{
    struct strbuf json;
    strbuf_init(&json, JSON_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(&json, "%s{\"event_type\":\"package.created\",\"target_url\":\"%s%zu\"%s}",
                    i == 0 ? "[" : ",", prefix, i, more);
    }
    strbuf_add_text(&json, count == 0 ? "[]" : "]");
    return strbuf_take(&json);
}
