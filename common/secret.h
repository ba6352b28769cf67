/* A value that can be used but not printed: no function here gives it to a logger, and it is wiped
   when cleared. */
#ifndef OMNIHOOK_COMMON_SECRET_H
#define OMNIHOOK_COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret {
    char *value; /* owned, 0-terminated; NULL when unset */
    size_t size;
};

/* Takes a copy of size bytes. What was in it before is wiped. */
void secret_set(struct secret *secret, const void *bytes, size_t size);

/* Wipes and frees; the secret is unset afterwards. Legal on a zeroed struct. */
void secret_clear(struct secret *secret);

bool secret_is_set(const struct secret *secret);

/* Both unset, or the same bytes. Takes the same time wherever they differ. */
bool secret_equals(const struct secret *left, const struct secret *right);

/* Overwrites bytes that held a secret in a buffer of the caller's. */
void secret_wipe(void *bytes, size_t size);

#endif
