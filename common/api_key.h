/* API keys are kept as SHA-256 hashes only, written "sha256:<64 hex digits>". */
#ifndef OMNIHOOK_COMMON_API_KEY_H
#define OMNIHOOK_COMMON_API_KEY_H

#include "common/faults.h"

#include <stddef.h>

enum { API_KEY_HASH_SIZE = 32, API_KEY_TEXT_SIZE = sizeof "sha256:" + 64 };

/* SHA-256 of an API key. */
struct api_key_hash {
    unsigned char bytes[API_KEY_HASH_SIZE];
};

/* The hash of a key as a caller presents it. */
void api_key_hash_of(struct api_key_hash *hash, const void *key, size_t size);

/* The first size bytes of text, or false when they are not in the written form. */
MUST_CHECK bool api_key_parse(struct api_key_hash *hash, const char *text, size_t size);

/* Writes the written form, 0-terminated, and returns text. */
char *api_key_print(char text[API_KEY_TEXT_SIZE], const struct api_key_hash *hash);

/* A comma list, white space around its elements ignored. Adds one fault for each bad element, which
   starts with place and the element's number; *keys (owned by the caller) and *count have the good
   ones. False when a fault was added. */
bool api_key_parse_list(struct api_key_hash **keys, size_t *count, const char *list,
                        const char *place, struct faults *faults);

#endif
