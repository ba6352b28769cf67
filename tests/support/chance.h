/* Chance that can be had again: everything random here comes from a seed. */
#ifndef OMNIHOOK_TESTS_SUPPORT_CHANCE_H
#define OMNIHOOK_TESTS_SUPPORT_CHANCE_H

#include "common/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* The n-th of the streams that a seed has. */
struct chance chance_start(uint64_t seed, uint64_t n);

/* 0 to count - 1; count > 0. */
size_t chance_pick(struct chance *chance, size_t count);
/* True in so many cases of 1000. */
bool chance_hits(struct chance *chance, unsigned per_mille);
/* One of a table of texts. */
#define CHANCE_TEXT(chance, texts) ((texts)[chance_pick(chance, sizeof(texts) / sizeof(texts)[0])])

/* Appends so many bytes of any value. */
void chance_add_bytes(struct chance *chance, struct strbuf *text, size_t size);
/* Changes text in one to eight places: bits, bytes, pieces cut out, doubled, or put in. */
void chance_mutate(struct chance *chance, struct strbuf *text);

#endif
