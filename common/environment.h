/* The environment of the process, looked up in O(1). */
#ifndef OMNIHOOK_COMMON_ENVIRONMENT_H
#define OMNIHOOK_COMMON_ENVIRONMENT_H

#include "common/hash_index.h"

struct environment {
    char *const *entries; /* borrowed: NAME=value, NULL at the end; as environ */
    struct hash_index index;
};

/* Embedded: pair environment_init with environment_clear. */
void environment_init(struct environment *environment, char *const *entries);
void environment_clear(struct environment *environment);

/* Borrowed. An empty variable counts as unset: NULL. */
const char *environment_get(const struct environment *environment, const char *name);

#endif
