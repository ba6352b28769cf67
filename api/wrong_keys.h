/* How many wrong keys have come from where: who tries many is slowed down. Good keys are never
   counted and never asked about here, so callers behind one address do not suffer for each other.
   Of fixed size: an address that is new may push out one that has tried less. Pure. */
#ifndef OMNIHOOK_API_WRONG_KEYS_H
#define OMNIHOOK_API_WRONG_KEYS_H

#include "common/ip_range.h"

#include <stdint.h>

/* So many at once, and then one each WRONG_KEY_EVERY_MS. */
enum { WRONG_KEYS_AT_ONCE = 40, WRONG_KEY_EVERY_MS = 2000 };

struct wrong_keys;

struct wrong_keys *wrong_keys_new(void);
void wrong_keys_free(struct wrong_keys *wrong_keys);

/* 0 = address may try one more; else ms until it may. now_ms: any clock that never steps back, from
   1 on. */
int64_t wrong_keys_wait_ms(const struct wrong_keys *wrong_keys, const struct ip_address *address,
                           int64_t now_ms);

/* It has tried one; not to be called while it has to wait. */
void wrong_keys_add(struct wrong_keys *wrong_keys, const struct ip_address *address,
                    int64_t now_ms);

#endif
