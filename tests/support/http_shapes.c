#include "tests/support/http_shapes.h"

#include "tests/support/fail.h"

#include <stdlib.h>
#include <string.h>

json_t *http_shapes_load(void)
{
    json_error_t error;
    json_t *groups =
        json_load_file(TEST_SOURCE_DIR "/tests/e2e/http_shapes.json", JSON_ALLOW_NUL, &error);
    if (groups == NULL) {
        fail_because("http_shapes.json:%d: %s", error.line, error.text);
    }
    return groups;
}

/* What stands between { and }; false when it is nothing of ours. */
static bool add_place(struct strbuf *request, const char *place, size_t size, const char *key)
{
    if (size == 3 && memcmp(place, "api", 3) == 0) {
        return strbuf_add_text(request, "/api/v1/oms/setup/webhooks/");
    }
    if (size == 3 && memcmp(place, "key", 3) == 0) {
        return strbuf_addf(request, "Authorization: Token %s", key);
    }
    if (size == 9 && memcmp(place, "key value", 9) == 0) {
        return strbuf_add_text(request, key);
    }
    const char *star = memchr(place, '*', size);
    if (star == NULL || star[1] < '1' || star[1] > '9') {
        return false;
    }
    for (long left = strtol(star + 1, NULL, 10); left > 0; left--) {
        (void)strbuf_add(request, place, (size_t)(star - place));
    }
    return true;
}

static void add_text(struct strbuf *request, const json_t *text, const char *key)
{
    const char *at = json_string_value(text);
    const char *end = at + json_string_length(text);
    while (at < end) {
        const char *close = *at == '{' ? memchr(at, '}', (size_t)(end - at)) : NULL;
        if (close != NULL && add_place(request, at + 1, (size_t)(close - at - 1), key)) {
            at = close + 1;
        } else {
            (void)strbuf_add(request, at, 1);
            at++;
        }
    }
}

void http_shape_request(const json_t *row, const char *key, struct strbuf *request)
{
    const json_t *raw = json_object_get(row, "raw");
    if (raw != NULL) {
        add_text(request, raw, key);
        return;
    }
    size_t i = 0;
    const json_t *line = NULL;
    json_array_foreach(json_object_get(row, "head"), i, line)
    {
        add_text(request, line, key);
        (void)strbuf_add_text(request, "\r\n");
    }
    (void)strbuf_add_text(request, "\r\n");
    const json_t *body = json_object_get(row, "body");
    if (body != NULL) {
        add_text(request, body, key);
    }
}
