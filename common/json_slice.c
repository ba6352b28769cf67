/* One pass checks the text; after it, walking may trust every byte and only looks for the ends of
   values. */
#include "common/json_slice.h"

#include "common/mem.h"
#include "common/text.h"

#include <jansson.h>
#include <string.h>

/* ---- Checking ---- */

struct check {
    const char *at;
    const char *end;
    unsigned depth;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void skip_space(struct check *check)
{
    while (check->at < check->end && is_space(*check->at)) {
        check->at++;
    }
}

/* The next byte; '\0' at the end, which is legal nowhere. */
static char peek(const struct check *check)
{
    if (check->at >= check->end) {
        return '\0';
    }
    return *check->at;
}

static bool take(struct check *check, char c)
{
    if (peek(check) != c) {
        return false;
    }
    check->at++;
    return true;
}

static bool check_word(struct check *check, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(check->end - check->at) < size || memcmp(check->at, word, size) != 0) {
        return false;
    }
    check->at += size;
    return true;
}

static bool check_digits(struct check *check)
{
    const char *start = check->at;
    while (is_digit(peek(check))) {
        check->at++;
    }
    return check->at > start;
}

static bool check_number(struct check *check)
{
    (void)take(check, '-');
    if (!take(check, '0') && !check_digits(check)) {
        return false;
    }
    if (take(check, '.') && !check_digits(check)) {
        return false;
    }
    if (take(check, 'e') || take(check, 'E')) {
        (void)(take(check, '+') || take(check, '-'));
        return check_digits(check);
    }
    return true;
}

/* Behind the backslash. */
static bool check_escape(struct check *check)
{
    char c = peek(check);
    check->at++;
    if (c != 'u') {
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    }
    for (int i = 0; i < 4; i++) {
        if (!is_hex(peek(check))) {
            return false;
        }
        check->at++;
    }
    return true;
}

/* A run of bytes above ASCII. */
static bool check_utf8(struct check *check)
{
    const char *start = check->at;
    while ((unsigned char)peek(check) >= 0x80) {
        check->at++;
    }
    return text_is_utf8(start, (size_t)(check->at - start));
}

static bool check_string(struct check *check)
{
    if (!take(check, '"')) {
        return false;
    }
    bool is_good = true;
    while (is_good && check->at < check->end && *check->at != '"') {
        if ((unsigned char)*check->at >= 0x80) {
            is_good = check_utf8(check);
        } else if (*check->at == '\\') {
            check->at++;
            is_good = check_escape(check);
        } else {
            is_good = *check->at >= ' ';
            check->at++;
        }
    }
    return is_good && take(check, '"');
}

static bool check_value(struct check *check);

static bool check_member(struct check *check)
{
    skip_space(check);
    if (!check_string(check)) {
        return false;
    }
    skip_space(check);
    return take(check, ':') && check_value(check);
}

/* Of an object (close is '}') or an array. */
static bool check_items(struct check *check, char close)
{
    check->at++;
    skip_space(check);
    if (take(check, close)) {
        return true;
    }
    do {
        if (!(close == '}' ? check_member(check) : check_value(check))) {
            return false;
        }
        skip_space(check);
    } while (take(check, ','));
    return take(check, close);
}

static bool check_value(struct check *check)
{
    skip_space(check);
    char c = peek(check);
    if (c == '{' || c == '[') {
        bool is_good = check->depth < JSON_SLICE_DEPTH_MAX;
        check->depth++;
        is_good = is_good && check_items(check, c == '{' ? '}' : ']');
        check->depth--;
        return is_good;
    }
    switch (c) {
    case '"':
        return check_string(check);
    case 't':
        return check_word(check, "true");
    case 'f':
        return check_word(check, "false");
    case 'n':
        return check_word(check, "null");
    default:
        return check_number(check);
    }
}

bool json_slice_init(struct json_slice *slice, const char *text, size_t size)
{
    struct check check = {.at = text, .end = text + size};
    skip_space(&check);
    const char *start = check.at;
    if (!check_value(&check)) {
        return false;
    }
    const char *end = check.at;
    skip_space(&check);
    if (check.at != check.end) {
        return false;
    }
    *slice = (struct json_slice){start, (size_t)(end - start)};
    return true;
}

/* ---- Walking through text that has been checked ---- */

static const char *after_space(const char *at)
{
    while (is_space(*at)) {
        at++;
    }
    return at;
}

static const char *after_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        at += *at == '\\'; /* what is escaped does not end it */
    }
    return at + 1;
}

/* Brackets are balanced, so counting both kinds together is enough. */
static const char *after_items(const char *at)
{
    size_t depth = 0;
    do {
        if (*at == '"') {
            at = after_string(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    } while (depth > 0);
    return at;
}

/* A number or a word that is inside an object or array ends there. */
static const char *after_value(const char *at)
{
    if (*at == '"') {
        return after_string(at);
    }
    if (*at == '{' || *at == '[') {
        return after_items(at);
    }
    while (*at != ',' && *at != '}' && *at != ']' && !is_space(*at)) {
        at++;
    }
    return at;
}

struct json_walk json_walk_start(const struct json_slice *slice)
{
    bool has_items = slice->bytes[0] == '{' || slice->bytes[0] == '[';
    return (struct json_walk){has_items ? after_space(slice->bytes + 1) : NULL};
}

bool json_walk_next(struct json_walk *walk, struct json_slice *key, struct json_slice *value)
{
    const char *at = walk->at;
    if (at == NULL || *at == '}' || *at == ']') {
        return false;
    }
    const char *end = after_value(at);
    const char *next = after_space(end);
    if (*next == ':') {
        if (key != NULL) {
            *key = (struct json_slice){at, (size_t)(end - at)};
        }
        at = after_space(next + 1);
        end = after_value(at);
        next = after_space(end);
    }
    *value = (struct json_slice){at, (size_t)(end - at)};
    walk->at = *next == ',' ? after_space(next + 1) : next;
    return true;
}

/* ---- Values ---- */

bool json_slice_is_object(const struct json_slice *slice)
{
    return slice->bytes[0] == '{';
}

bool json_slice_is_array(const struct json_slice *slice)
{
    return slice->bytes[0] == '[';
}

bool json_slice_is_null(const struct json_slice *slice)
{
    return slice->bytes[0] == 'n';
}

bool json_slice_get_bool(const struct json_slice *slice, bool *value)
{
    char c = slice->bytes[0];
    if (c != 't' && c != 'f') {
        return false;
    }
    *value = c == 't';
    return true;
}

bool json_slice_get_int(const struct json_slice *slice, int64_t *value)
{
    bool is_negative = slice->bytes[0] == '-';
    int64_t number = 0; /* minus the value: there is one more negative number than positive ones */
    for (size_t i = is_negative; i < slice->size; i++) {
        if (!is_digit(slice->bytes[i])) {
            return false;
        }
        int digit = slice->bytes[i] - '0';
        if (number < (INT64_MIN + digit) / 10) {
            return false;
        }
        number = number * 10 - digit;
    }
    if (!is_negative && number == INT64_MIN) {
        return false;
    }
    *value = is_negative ? number : -number;
    return true;
}

char *json_slice_get_text(const struct json_slice *slice)
{
    if (slice->bytes[0] != '"') {
        return NULL;
    }
    if (memchr(slice->bytes, '\\', slice->size) == NULL) {
        return mem_copy_bytes(slice->bytes + 1, slice->size - 2);
    }
    json_t *decoded = json_loadb(slice->bytes, slice->size, JSON_DECODE_ANY, NULL);
    char *text = mem_copy_text(json_string_value(decoded));
    json_decref(decoded);
    return text;
}

bool json_slice_is_text(const struct json_slice *slice, const char *text)
{
    if (slice->bytes[0] != '"') {
        return false;
    }
    if (memchr(slice->bytes, '\\', slice->size) == NULL) {
        size_t size = strlen(text);
        return slice->size == size + 2 && memcmp(slice->bytes + 1, text, size) == 0;
    }
    char *decoded = json_slice_get_text(slice);
    bool is_equal = decoded != NULL && strcmp(decoded, text) == 0;
    mem_free(decoded);
    return is_equal;
}
