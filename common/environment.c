#include "common/environment.h"

#include <string.h>

void environment_init(struct environment *environment, char *const *entries)
{
    environment->entries = entries;
    hash_index_init(&environment->index, 0);
    for (size_t i = 0; entries[i] != NULL; i++) {
        (void)hash_index_add(&environment->index, entries[i], strcspn(entries[i], "="), i);
    }
}

void environment_clear(struct environment *environment)
{
    hash_index_clear(&environment->index);
    environment->entries = NULL;
}

const char *environment_get(const struct environment *environment, const char *name)
{
    size_t length = strlen(name);
    size_t at = hash_index_find(&environment->index, name, length);
    if (at == HASH_INDEX_NONE || environment->entries[at][length] != '=' ||
        environment->entries[at][length + 1] == '\0') {
        return NULL;
    }
    return environment->entries[at] + length + 1;
}
