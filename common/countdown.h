/* retry_countdown_config: how long Omnitron waits before it delivers again. The rules are those of
   whisperer/validators.py and resources/serializers.py of dj-whisperer 0.2.x. */
#ifndef OMNIHOOK_COMMON_COUNTDOWN_H
#define OMNIHOOK_COMMON_COUNTDOWN_H

#include "common/jsonget.h"

/* get's "retry_countdown_config", checked and normalised; the default (fixed, 60 seconds) when
   there is none; NULL when a fault was added. Owned by the caller. */
json_t *countdown_parse(struct jsonget *get);

/* As the server stores it: of the known choices only the known kwargs, "60" and 60.0 turned into
   60, and no limit instead of a limit of null. Anything else as it is. Owned by the caller. */
json_t *countdown_normalise(json_t *value);

#endif
