#include "tests/support/raw_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUE_SIZE = 32 };

static const char *find(const char *bytes, size_t size, const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at + length <= size; at++) {
        if (memcmp(bytes + at, text, length) == 0) {
            return bytes + at;
        }
    }
    return NULL;
}

/* Every line is "Name: value". */
static bool has_good_fields(const struct raw_answer *answer)
{
    const char *end = answer->fields + answer->fields_size;
    for (const char *at = answer->fields; at < end;) {
        const char *line_end = find(at, (size_t)(end - at), "\r\n");
        size_t name_size = strcspn(at, ": \r\n");
        if (line_end == NULL || name_size == 0 || strncmp(at + name_size, ": ", 2) != 0) {
            return false;
        }
        at = line_end + 2;
    }
    return true;
}

char *raw_answer_header(const struct raw_answer *answer, const char *name, char *value, size_t size)
{
    const char *end = answer->fields + answer->fields_size;
    size_t name_size = strlen(name);
    for (const char *at = answer->fields; at < end;) {
        const char *line_end = find(at, (size_t)(end - at), "\r\n");
        if (strncasecmp(at, name, name_size) == 0 && at[name_size] == ':') {
            (void)snprintf(value, size, "%.*s", (int)(line_end - at - (long)name_size - 2),
                           at + name_size + 2);
            return value;
        }
        at = line_end + 2;
    }
    return NULL;
}

/* False when it is not clear where the body ends. */
static bool find_body_size(struct raw_answer *answer, bool is_head)
{
    char value[VALUE_SIZE];
    if (raw_answer_header(answer, "Transfer-Encoding", value, sizeof value) != NULL) {
        return false;
    }
    bool has_none = is_head || answer->status == 204 || answer->status / 100 == 1;
    bool has_length = raw_answer_header(answer, "Content-Length", value, sizeof value) != NULL;
    if (has_length && (value[0] == '\0' || value[strspn(value, "0123456789")] != '\0')) {
        return false;
    }
    answer->body_size = has_none || !has_length ? 0 : strtoul(value, NULL, 10);
    return has_none || has_length;
}

/* "HTTP/1.1 200 OK", with a reason. */
static bool read_status(struct raw_answer *answer, const char *bytes)
{
    bool is_http = strncmp(bytes, "HTTP/1.0 ", 9) == 0 || strncmp(bytes, "HTTP/1.1 ", 9) == 0;
    if (!is_http || strspn(bytes + 9, "0123456789") != 3 || bytes[12] != ' ') {
        return false;
    }
    answer->status = (int)strtol(bytes + 9, NULL, 10);
    answer->reason = bytes + 13;
    return true;
}

enum raw_answer_state raw_answer_read(struct raw_answer *answer, const char *bytes, size_t size,
                                      bool is_head)
{
    const char *end = find(bytes, size, "\r\n\r\n");
    if (end == NULL) {
        return RAW_ANSWER_MORE;
    }
    if (!read_status(answer, bytes)) {
        return RAW_ANSWER_BROKEN;
    }
    answer->fields = find(bytes, size, "\r\n") + 2;
    answer->fields_size = (size_t)(end + 2 - answer->fields);
    answer->body = end + 4;
    if (!has_good_fields(answer) || !find_body_size(answer, is_head)) {
        return RAW_ANSWER_BROKEN;
    }
    answer->size = (size_t)(answer->body - bytes) + answer->body_size;
    return answer->size <= size ? RAW_ANSWER_WHOLE : RAW_ANSWER_MORE;
}
