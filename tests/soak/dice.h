/* Chance from a seed: the same seed gives the same rolls everywhere. */
#ifndef OMNIHOOK_TESTS_SOAK_DICE_H
#define OMNIHOOK_TESTS_SOAK_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* stream: dice of one seed with different streams have nothing to do with each other. */
void dice_init(struct dice *dice, uint64_t seed, uint64_t stream);

/* 0 .. sides - 1 */
size_t dice_roll(struct dice *dice, size_t sides);
bool dice_percent(struct dice *dice, unsigned percent);
/* low .. high */
int64_t dice_between(struct dice *dice, int64_t low, int64_t high);

#endif
