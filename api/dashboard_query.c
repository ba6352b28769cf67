#include "api/dashboard_query.h"

#include "common/mem.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

enum { NUMBER_DIGITS_MAX = 9 };

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte at text, of which size bytes are left; *used tells how many it stands for, 0 = it is not
   well formed. As the browsers' URLSearchParams writes it. */
static char decode_byte(const char *text, size_t size, size_t *used)
{
    *used = 1;
    if (text[0] == '+') {
        return ' ';
    }
    if (text[0] != '%') {
        return text[0];
    }
    int high = size > 2 ? hex_value(text[1]) : -1;
    int low = size > 2 ? hex_value(text[2]) : -1;
    *used = high < 0 || low < 0 ? 0 : 3;
    return (char)(unsigned char)((unsigned)high * 16 + (unsigned)low);
}

/* False when it is not well formed, or too long. */
static bool decode(const char *text, size_t size, char value[QUERY_VALUE_MAX_BYTES + 1])
{
    size_t count = 0;
    size_t used = 0;
    for (size_t at = 0; at < size; at += used) {
        char byte = decode_byte(text + at, size - at, &used);
        if (used == 0 || count == QUERY_VALUE_MAX_BYTES) {
            return false;
        }
        value[count++] = byte;
    }
    value[count] = '\0';
    return text_is_utf8(value, count) && !text_has_control(value);
}

static const char *find_name(const char *const *allowed, const char *text, size_t size)
{
    for (; *allowed != NULL; allowed++) {
        if (strlen(*allowed) == size && memcmp(*allowed, text, size) == 0) {
            return *allowed;
        }
    }
    return NULL;
}

static bool refuse_name(const char *name, size_t size, struct error *err)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    bool is_plain = size > 0 && size <= QUERY_VALUE_MAX_BYTES && strspn(name, letters) >= size;
    return is_plain ? error_set(err, ERROR_BAD_INPUT, "%.*s: is not known here.", (int)size, name)
                    : error_set(err, ERROR_BAD_INPUT,
                                "The query has a parameter that is not known here.");
}

static bool add(struct dashboard_query *query, const char *text, size_t size,
                const char *const *allowed, struct error *err)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals == NULL ? size : (size_t)(equals - text);
    const char *name = find_name(allowed, text, name_size);
    if (name == NULL) {
        return refuse_name(text, name_size, err);
    }
    if (dashboard_query_text(query, name) != NULL || query->count == QUERY_PARAMETERS_MAX) {
        return error_set(err, ERROR_BAD_INPUT, "%s: is there more than once.", name);
    }
    char value[QUERY_VALUE_MAX_BYTES + 1];
    const char *start = equals == NULL ? text + size : equals + 1;
    if (!decode(start, (size_t)(text + size - start), value)) {
        return error_set(err, ERROR_BAD_INPUT,
                         "%s: must be percent-encoded UTF-8 of at most %d bytes without control "
                         "characters.",
                         name, QUERY_VALUE_MAX_BYTES);
    }
    query->parameters[query->count++] =
        (struct query_parameter){.name = name, .value = mem_copy_text(value)};
    return true;
}

bool dashboard_query_parse(struct dashboard_query *query, const char *text,
                           const char *const *allowed, struct error *err)
{
    *query = (struct dashboard_query){.count = 0};
    if (text == NULL || text[0] == '\0') {
        return true;
    }
    if (strlen(text) > QUERY_BYTES_MAX) {
        return error_set(err, ERROR_BAD_INPUT, "The query is longer than %d bytes.",
                         QUERY_BYTES_MAX);
    }
    bool is_good = true;
    while (is_good) {
        size_t size = strcspn(text, "&");
        is_good = add(query, text, size, allowed, err);
        if (text[size] == '\0') {
            break;
        }
        text += size + 1;
    }
    if (!is_good) {
        dashboard_query_clear(query);
    }
    return is_good;
}

void dashboard_query_clear(struct dashboard_query *query)
{
    for (size_t i = 0; i < query->count; i++) {
        mem_free(query->parameters[i].value);
    }
    *query = (struct dashboard_query){.count = 0};
}

const char *dashboard_query_text(const struct dashboard_query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (strcmp(query->parameters[i].name, name) == 0) {
            return query->parameters[i].value;
        }
    }
    return NULL;
}

bool dashboard_query_number(const struct dashboard_query *query, const char *name, int64_t min,
                            int64_t max, int64_t *number, struct error *err)
{
    const char *text = dashboard_query_text(query, name);
    if (text == NULL) {
        return true;
    }
    size_t size = strlen(text);
    int64_t value = 0;
    bool is_good = size > 0 && size <= NUMBER_DIGITS_MAX && strspn(text, "0123456789") == size;
    for (size_t i = 0; is_good && i < size; i++) {
        value = value * 10 + (text[i] - '0');
    }
    if (!is_good || value < min || value > max) {
        return error_set(err, ERROR_BAD_INPUT, "%s: must be %" PRId64 " to %" PRId64 ".", name, min,
                         max);
    }
    *number = value;
    return true;
}
