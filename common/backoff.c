#include "common/backoff.h"

int64_t backoff_delay_ms(const struct backoff *backoff, unsigned attempt, uint32_t jitter)
{
    int64_t ceiling = backoff->base_ms < backoff->max_ms ? backoff->base_ms : backoff->max_ms;
    for (unsigned i = 1; i < attempt && ceiling < backoff->max_ms; i++) {
        ceiling = ceiling > backoff->max_ms / 2 ? backoff->max_ms : ceiling * 2;
    }
    /* ceiling is at most an hour, so the product stays far below 2^63. */
    return (int64_t)(((uint64_t)jitter * ((uint64_t)ceiling + 1)) >> 32);
}
