/* Random damage to requests, which a seed repeats. */
#ifndef OMNIHOOK_TESTS_SUPPORT_MUTATE_H
#define OMNIHOOK_TESTS_SUPPORT_MUTATE_H

#include "common/strbuf.h"

#include <stdint.h>

/* splitmix64: every state is a good one. */
uint64_t random_next(uint64_t *random);
size_t random_below(uint64_t *random, size_t limit); /* limit above 0 */

/* Changes request, which is not empty, in some places: bytes, lines, lengths; other is one to take
   pieces from. Stays below the ceiling of request. */
void mutate(uint64_t *random, struct strbuf *request, const struct strbuf *other);

#endif
