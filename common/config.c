#include "common/config.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };
static const char file_suffix[] = "_FILE";

void *config_field(const struct config_row *row, void *target)
{
    return (char *)target + row->offset;
}

/* Digits only: strtoll would take white space and a sign. */
static bool parse_decimal(const char *text, int64_t *number)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    *number = strtoll(text, NULL, 10);
    return errno == 0;
}

bool config_int(const struct config_row *row, const struct secret *value, void *target,
                struct faults *faults)
{
    int64_t number;
    if (!parse_decimal(value->value, &number) || number < row->min || number > row->max) {
        faults_add(faults, "%s: must be a whole number from %" PRId64 " to %" PRId64, row->name,
                   row->min, row->max);
        return false;
    }
    int64_t *field = config_field(row, target);
    *field = number;
    return true;
}

bool config_text(const struct config_row *row, const struct secret *value, void *target,
                 struct faults *faults)
{
    if (!text_is_utf8(value->value, value->size) || text_has_control(value->value)) {
        faults_add(faults, "%s: must be UTF-8 without control characters", row->name);
        return false;
    }
    return config_path(row, value, target, faults);
}

bool config_path(const struct config_row *row, const struct secret *value, void *target,
                 struct faults *faults)
{
    (void)faults;
    char **field = config_field(row, target);
    mem_free(*field);
    *field = mem_copy_text(value->value);
    return true;
}

bool config_secret(const struct config_row *row, const struct secret *value, void *target,
                   struct faults *faults)
{
    (void)faults;
    struct secret *field = config_field(row, target);
    secret_set(field, value->value, value->size);
    return true;
}

bool config_choice(const struct config_row *row, const struct secret *value, void *target,
                   struct faults *faults)
{
    struct strbuf expected;
    strbuf_init(&expected, 256);
    for (unsigned i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(row->choices[i], value->value) == 0) {
            memcpy(config_field(row, target), &i, sizeof i);
            strbuf_clear(&expected);
            return true;
        }
        strbuf_addf(&expected, "%s%s", i == 0 ? "" : " or ", row->choices[i]);
    }
    faults_add(faults, "%s: must be %s", row->name, expected.bytes);
    strbuf_clear(&expected);
    return false;
}

bool config_read_file(struct file_watch *files, const char *path, size_t max_bytes,
                      struct secret *text, struct error *err)
{
    if (!file_watch_read(files, path, max_bytes, text, err)) {
        return false;
    }
    size_t size = text->size;
    size -= size > 0 && text->value[size - 1] == '\n' ? 1 : 0;
    size -= size > 0 && size < text->size && text->value[size - 1] == '\r' ? 1 : 0;
    text->value[size] = '\0';
    text->size = size;
    if (size == 0 || strlen(text->value) != size) {
        secret_clear(text);
        return error_set(err, ERROR_BAD_INPUT, size == 0 ? "is empty" : "holds a 0 byte");
    }
    return true;
}

struct file_name {
    char text[NAME_MAX_BYTES + sizeof file_suffix];
};

static struct file_name file_name_of(const char *name)
{
    struct file_name file_name;
    assert(strlen(name) <= NAME_MAX_BYTES);
    (void)snprintf(file_name.text, sizeof file_name.text, "%s%s", name, file_suffix);
    return file_name;
}

bool config_is_set(const struct environment *environment, const char *name)
{
    return environment_get(environment, name) != NULL ||
           environment_get(environment, file_name_of(name).text) != NULL;
}

/* False when the variable is set but cannot be used. An unset one leaves value unset. */
static bool read_value(const struct config_row *row, const struct config_source *source,
                       struct secret *value)
{
    struct file_name file_name = file_name_of(row->name);
    const char *plain = environment_get(source->environment, row->name);
    const char *path =
        row->file_max_bytes == 0 ? NULL : environment_get(source->environment, file_name.text);
    if (plain != NULL && path != NULL) {
        faults_add(source->faults, "%s: must not be set together with %s", row->name,
                   file_name.text);
        return false;
    }
    struct error err;
    if (path != NULL && !config_read_file(source->files, path, row->file_max_bytes, value, &err)) {
        faults_add(source->faults, "%s: %s", file_name.text, err.text);
        return false;
    }
    const char *text = plain != NULL ? plain : path == NULL ? row->fallback : NULL;
    if (text != NULL) {
        secret_set(value, text, strlen(text));
    } else if (path == NULL && row->is_required) {
        faults_add(source->faults, "%s: is required", row->name);
        return false;
    }
    return true;
}

bool config_read(const struct config_row *rows, size_t count, void *target,
                 const struct config_source *source)
{
    bool is_good = true;
    for (size_t i = 0; i < count; i++) {
        struct secret value = {0};
        bool is_read = read_value(&rows[i], source, &value);
        if (!is_read ||
            (secret_is_set(&value) && !rows[i].parse(&rows[i], &value, target, source->faults))) {
            is_good = false;
        }
        secret_clear(&value);
    }
    return is_good;
}

bool config_knows(const struct config_row *rows, size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(rows[i].name);
        if (size < length || memcmp(rows[i].name, name, length) != 0) {
            continue;
        }
        const char *rest = name + length;
        size_t left = size - length;
        if (left == 0 || (rows[i].file_max_bytes > 0 && left == sizeof file_suffix - 1 &&
                          memcmp(rest, file_suffix, left) == 0)) {
            return true;
        }
    }
    return false;
}
