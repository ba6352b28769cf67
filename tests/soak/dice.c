#include "tests/soak/dice.h"

/* splitmix64 (Steele, Lea, Flood 2014): every state is a good one, so any seed is. */
static uint64_t next(struct dice *dice)
{
    dice->state += 0x9e3779b97f4a7c15U;
    uint64_t bits = dice->state;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31);
}

void dice_init(struct dice *dice, uint64_t seed, uint64_t stream)
{
    dice->state = seed;
    dice->state = next(dice) ^ stream;
    (void)next(dice);
}

size_t dice_roll(struct dice *dice, size_t sides)
{
    return (size_t)(next(dice) % sides);
}

bool dice_percent(struct dice *dice, unsigned percent)
{
    return dice_roll(dice, 100) < percent;
}

int64_t dice_between(struct dice *dice, int64_t low, int64_t high)
{
    return low + (int64_t)dice_roll(dice, (size_t)(high - low) + 1);
}
