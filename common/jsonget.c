#include "common/jsonget.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A key is shown up to here: a fault is a line for people. */
enum { KEY_SHOWN_MAX = 128, PATH_MAX_BYTES = 4096, TEXT_MAX_BYTES = 256 };

/* A key that is empty is to be seen. */
static const char *shown_key(const char *key)
{
    return key[0] == '\0' ? "\"\"" : key;
}

bool jsonget_init(struct jsonget *get, json_t *value, const char *path, struct faults *faults)
{
    *get = (struct jsonget){.object = value, .path = path, .faults = faults, .is_good = true};
    if (!json_is_object(value)) {
        faults_add(faults, "%s: must be a JSON object", path);
        get->is_good = false;
    }
    return get->is_good;
}

char *jsonget_path(const struct jsonget *get, const char *key)
{
    struct strbuf path;
    strbuf_init(&path, PATH_MAX_BYTES);
    strbuf_addf(&path, "%s%s%.*s", get->path, get->path[0] == '\0' ? "" : ".", KEY_SHOWN_MAX,
                shown_key(key));
    return strbuf_take(&path);
}

char *jsonget_element_path(const struct jsonget *get, const char *key, size_t index)
{
    struct strbuf path;
    strbuf_init(&path, PATH_MAX_BYTES);
    strbuf_addf(&path, "%s%s%.*s[%zu]", get->path, get->path[0] == '\0' ? "" : ".", KEY_SHOWN_MAX,
                key, index);
    return strbuf_take(&path);
}

void jsonget_fault(struct jsonget *get, const char *key, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *path = jsonget_path(get, key);
    faults_add(get->faults, "%s: %s", path, text);
    mem_free(path);
    get->is_good = false;
}

static bool is_known(const char *key, const char *const *known)
{
    while (*known != NULL && strcmp(*known, key) != 0) {
        known++;
    }
    return *known != NULL;
}

void jsonget_check_keys(struct jsonget *get, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach(get->object, key, value)
    {
        if (!is_known(key, known)) {
            jsonget_fault(get, key, "unknown key");
        }
    }
}

json_t *jsonget_value(const struct jsonget *get, const char *key)
{
    json_t *value = json_object_get(get->object, key);
    return json_is_null(value) ? NULL : value;
}

bool jsonget_require(struct jsonget *get, const char *key)
{
    if (jsonget_value(get, key) == NULL) {
        jsonget_fault(get, key, "is required");
        return false;
    }
    return true;
}

static json_t *typed_value(struct jsonget *get, const char *key, json_type type,
                           const char *expected)
{
    json_t *value = jsonget_value(get, key);
    if (value != NULL && json_typeof(value) != type) {
        jsonget_fault(get, key, "must be %s", expected);
        return NULL;
    }
    return value;
}

json_t *jsonget_array(struct jsonget *get, const char *key)
{
    return typed_value(get, key, JSON_ARRAY, "a JSON array");
}

json_t *jsonget_object(struct jsonget *get, const char *key)
{
    return typed_value(get, key, JSON_OBJECT, "a JSON object");
}

const char *jsonget_text(struct jsonget *get, const char *key)
{
    return json_string_value(typed_value(get, key, JSON_STRING, "a text"));
}

bool jsonget_bool(struct jsonget *get, const char *key, bool fallback)
{
    json_t *value = jsonget_value(get, key);
    if (value == NULL) {
        return fallback;
    }
    if (!json_is_boolean(value)) {
        jsonget_fault(get, key, "must be true or false");
        return fallback;
    }
    return json_is_true(value);
}

int64_t jsonget_int(struct jsonget *get, const char *key, int64_t fallback, int64_t min,
                    int64_t max)
{
    json_t *value = jsonget_value(get, key);
    if (value == NULL) {
        return fallback;
    }
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < min || number > max) {
        jsonget_fault(get, key, "must be a whole number from %" PRId64 " to %" PRId64, min, max);
        return fallback;
    }
    return number;
}

unsigned jsonget_choice(struct jsonget *get, const char *key, const char *const *choices)
{
    json_t *value = jsonget_value(get, key);
    if (value == NULL) {
        return 0;
    }
    struct strbuf list;
    strbuf_init(&list, TEXT_MAX_BYTES);
    for (unsigned i = 0; choices[i] != NULL; i++) {
        if (json_is_string(value) && strcmp(choices[i], json_string_value(value)) == 0) {
            strbuf_clear(&list);
            return i;
        }
        strbuf_addf(&list, "%s\"%s\"", i == 0 ? "" : " or ", choices[i]);
    }
    jsonget_fault(get, key, "must be %s", list.bytes);
    strbuf_clear(&list);
    return 0;
}
