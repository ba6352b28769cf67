/* dj-whisperer's RetryCountdownConfigSerializer: {"choice": ..., "kwargs": {...}}. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_COUNTDOWN_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_COUNTDOWN_H

#include "tests/omnitron_sim/settings.h"
#include "tests/omnitron_sim/validate.h"

/* The value as the server stores it: kwargs by their serializer ("60" becomes 60, what it does not
   know is dropped). NULL: result->errors or result->is_crash tell why. The caller owns both. */
json_t *countdown_validate(const struct settings *settings, const json_t *value, bool is_partial,
                           struct validation *result);

#endif
