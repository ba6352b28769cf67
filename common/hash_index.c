/* Open addressing with linear probing, at most three quarters full. */
#include "common/hash_index.h"

#include "common/mem.h"
#include "common/random_id.h"

#include <openssl/crypto.h>
#include <stdbool.h>

struct hash_slot {
    const void *key; /* NULL = free */
    size_t size;
    uint64_t hash;
    size_t value;
};

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return (word << bits) | (word >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

void hash_seed_init(struct hash_seed *seed)
{
    for (int i = 0; i < 2; i++) {
        seed->words[i] = (uint64_t)random_bits() << 32 | random_bits();
    }
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF". */
uint64_t hash_bytes(const struct hash_seed *seed, const void *key, size_t size)
{
    const unsigned char *bytes = key;
    uint64_t v[4] = {
        seed->words[0] ^ UINT64_C(0x736f6d6570736575),
        seed->words[1] ^ UINT64_C(0x646f72616e646f6d),
        seed->words[0] ^ UINT64_C(0x6c7967656e657261),
        seed->words[1] ^ UINT64_C(0x7465646279746573),
    };
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)bytes[i] << (8 * (i % 8));
        if (i % 8 == 7) {
            v[3] ^= word;
            sip_round(v);
            v[0] ^= word;
            word = 0;
        }
    }
    word |= (uint64_t)size << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void hash_index_init(struct hash_index *index, size_t expected)
{
    size_t capacity = 16;
    while (capacity / 4 * 3 < expected) {
        capacity *= 2;
    }
    *index = (struct hash_index){
        .slots = mem_new(capacity, sizeof *index->slots),
        .capacity = capacity,
    };
    hash_seed_init(&index->seed);
}

void hash_index_clear(struct hash_index *index)
{
    mem_free(index->slots);
    *index = (struct hash_index){0};
}

/* The slot that holds the key, or the free one where it belongs. */
static struct hash_slot *slot_of(const struct hash_index *index, const struct hash_slot *wanted)
{
    size_t at = (size_t)wanted->hash & (index->capacity - 1);
    for (;;) {
        struct hash_slot *slot = &index->slots[at];
        if (slot->key == NULL || (slot->hash == wanted->hash && slot->size == wanted->size &&
                                  CRYPTO_memcmp(slot->key, wanted->key, wanted->size) == 0)) {
            return slot;
        }
        at = (at + 1) & (index->capacity - 1);
    }
}

static void grow(struct hash_index *index)
{
    struct hash_slot *old = index->slots;
    size_t old_capacity = index->capacity;
    index->capacity *= 2;
    index->slots = mem_new(index->capacity, sizeof *index->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != NULL) {
            *slot_of(index, &old[i]) = old[i];
        }
    }
    mem_free(old);
}

size_t hash_index_add(struct hash_index *index, const void *key, size_t size, size_t value)
{
    if (index->count >= index->capacity / 4 * 3) {
        grow(index);
    }
    struct hash_slot wanted = {
        .key = key, .size = size, .hash = hash_bytes(&index->seed, key, size), .value = value};
    struct hash_slot *slot = slot_of(index, &wanted);
    if (slot->key != NULL) {
        return slot->value;
    }
    *slot = wanted;
    index->count++;
    return HASH_INDEX_NONE;
}

size_t hash_index_find(const struct hash_index *index, const void *key, size_t size)
{
    struct hash_slot wanted = {
        .key = key, .size = size, .hash = hash_bytes(&index->seed, key, size)};
    const struct hash_slot *slot = slot_of(index, &wanted);
    return slot->key == NULL ? HASH_INDEX_NONE : slot->value;
}
