/* Exponential backoff with full jitter (as in Amazon's "Exponential Backoff And Jitter"): the delay
   is uniform in 0 .. min(max, base * 2^(attempt - 1)). Pure. */
#ifndef OMNIHOOK_COMMON_BACKOFF_H
#define OMNIHOOK_COMMON_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t base_ms;
    int64_t max_ms;
};

/* Delay in ms before the try that follows the attempt-th failure (1 = the first). jitter is 32
   random bits. */
int64_t backoff_delay_ms(const struct backoff *backoff, unsigned attempt, uint32_t jitter);

#endif
