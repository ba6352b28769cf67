#include "common/redis_info.h"

#include <string.h>

const char *redis_info_value(const char *info, const char *name, size_t *size)
{
    size_t name_size = strlen(name);
    for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, name_size) == 0 && line[name_size] == ':') {
            const char *value = line + name_size + 1;
            *size = strcspn(value, "\r\n");
            return value;
        }
    }
    return NULL;
}

bool redis_info_is(const char *info, const char *name, const char *expected)
{
    size_t size = 0;
    const char *value = redis_info_value(info, name, &size);
    return value != NULL && size == strlen(expected) && strncmp(value, expected, size) == 0;
}
