/* Users and rows put in directly, as /_sim/users and /_sim/hooks take them. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_SEED_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_SEED_H

#include "common/error.h"

#include <jansson.h>

struct sim;

/* {"username", "password", "token", "superuser", "is_active"}: adds or changes a user. Without
   "token" the user has none until a login. */
bool seed_user(struct sim *sim, json_t *item, struct error *err) MUST_CHECK;

/* {"username", "target_url", "event_type", ...any other field}: one row, unchecked, so that there
   may be two with one key; or {"username", "event_type", "target_prefix", "count", ...}: so many
   rows, with target_url the prefix and 0, 1, 2, ... */
bool seed_hooks(struct sim *sim, json_t *item, struct error *err) MUST_CHECK;

#endif
