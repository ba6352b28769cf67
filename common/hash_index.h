/* From keys (any bytes) to numbers, usually the index of an array's element: O(1), with no
   allocation for a key. Safe with keys that an outsider chooses: hashing is seeded at random, and
   keys are compared in constant time. */
#ifndef OMNIHOOK_COMMON_HASH_INDEX_H
#define OMNIHOOK_COMMON_HASH_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define HASH_INDEX_NONE SIZE_MAX

/* SipHash-1-3: without the seed nobody can choose keys that collide. */
struct hash_seed {
    uint64_t words[2];
};
void hash_seed_init(struct hash_seed *seed);
uint64_t hash_bytes(const struct hash_seed *seed, const void *bytes, size_t size);

struct hash_slot;

/* Embedded: pair hash_index_init with hash_index_clear. */
struct hash_index {
    struct hash_slot *slots; /* owned */
    size_t capacity;
    size_t count;
    struct hash_seed seed;
};

/* expected keys fit without growing; it is no limit. */
void hash_index_init(struct hash_index *index, size_t expected);
void hash_index_clear(struct hash_index *index);

/* Adds key, which is borrowed for the index's life, and returns HASH_INDEX_NONE; or changes nothing
   and returns the value of the equal key that is already there. value is not HASH_INDEX_NONE. */
size_t hash_index_add(struct hash_index *index, const void *key, size_t size, size_t value);

/* HASH_INDEX_NONE when there is no such key. */
size_t hash_index_find(const struct hash_index *index, const void *key, size_t size);

#endif
