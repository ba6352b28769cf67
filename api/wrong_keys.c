/* Each address has one time: that at which it is clear of all it has tried. A try moves the time by
   WRONG_KEY_EVERY_MS, from now at the earliest, and it may lie so far ahead as WRONG_KEYS_AT_ONCE
   tries move it. (The "generic cell rate algorithm": a leaky bucket in one number.) */
#include "api/wrong_keys.h"

#include "common/hash_index.h"
#include "common/mem.h"

#include <string.h>

/* An address has its place in one set. 96 KiB. */
enum { SETS = 1024, WAYS = 4 };

struct tried {
    struct ip_address address;
    int64_t clear_at_ms; /* in the past = an empty place */
};

struct wrong_keys {
    struct hash_seed seed; /* nobody can choose addresses that share a set */
    struct tried sets[SETS][WAYS];
};

struct wrong_keys *wrong_keys_new(void)
{
    struct wrong_keys *wrong_keys = mem_new(1, sizeof *wrong_keys);
    hash_seed_init(&wrong_keys->seed);
    return wrong_keys;
}

void wrong_keys_free(struct wrong_keys *wrong_keys)
{
    mem_free(wrong_keys);
}

static size_t set_of(const struct wrong_keys *wrong_keys, const struct ip_address *address)
{
    return hash_bytes(&wrong_keys->seed, address->bytes, sizeof address->bytes) % SETS;
}

static bool is_same(const struct tried *tried, const struct ip_address *address)
{
    return memcmp(&tried->address, address, sizeof *address) == 0;
}

int64_t wrong_keys_wait_ms(const struct wrong_keys *wrong_keys, const struct ip_address *address,
                           int64_t now_ms)
{
    const struct tried *set = wrong_keys->sets[set_of(wrong_keys, address)];
    for (int i = 0; i < WAYS; i++) {
        if (is_same(&set[i], address)) {
            int64_t may_at_ms =
                set[i].clear_at_ms - (WRONG_KEYS_AT_ONCE - 1) * (int64_t)WRONG_KEY_EVERY_MS;
            return may_at_ms > now_ms ? may_at_ms - now_ms : 0;
        }
    }
    return 0;
}

void wrong_keys_add(struct wrong_keys *wrong_keys, const struct ip_address *address, int64_t now_ms)
{
    struct tried *set = wrong_keys->sets[set_of(wrong_keys, address)];
    struct tried *place = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (is_same(&set[i], address)) {
            place = &set[i];
            break;
        }
        if (set[i].clear_at_ms < place->clear_at_ms) {
            place = &set[i];
        }
    }
    if (!is_same(place, address)) {
        *place = (struct tried){.address = *address};
    }
    int64_t from_ms = place->clear_at_ms > now_ms ? place->clear_at_ms : now_ms;
    place->clear_at_ms = from_ms + WRONG_KEY_EVERY_MS;
}
