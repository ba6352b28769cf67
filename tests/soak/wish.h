/* What one account wants to have registered, as it changes, and whether Omnitron has it. */
#ifndef OMNIHOOK_TESTS_SOAK_WISH_H
#define OMNIHOOK_TESTS_SOAK_WISH_H

#include "tests/soak/dice.h"

#include <jansson.h>

enum { WISH_HOOKS_MAX = 6 };

struct wish_hook {
    unsigned number;  /* tells its target URL and event type */
    unsigned seconds; /* of its countdown: what a change of an existing webhook changes */
    bool is_active;
};

struct wish {
    struct wish_hook hooks[WISH_HOOKS_MAX];
    size_t count;
    unsigned hooks_made; /* since the start; those that were dropped stay at Omnitron */
    unsigned version;
};

void wish_init(struct wish *wish);

/* One more webhook (then the oldest goes, when there are too many), another countdown of one, or
   one paused or not any more. */
void wish_change(struct wish *wish, struct dice *dice);

/* The array OMNITRON_WEBHOOKS, to be json_decref'd. */
json_t *wish_print(const struct wish *wish);

/* NULL when rows, the account's at the simulator, have each webhook of the wish exactly once and as
   the wish has it; else what is wrong, valid until the next call. */
const char *wish_find_fault(const struct wish *wish, const json_t *rows);

#endif
