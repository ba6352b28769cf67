/* The common part of every call of a struct omnitron: it is listed, so that the omnitron's end can
   cancel it. Embedded as the first member of a call's own struct. For the omnitron_*.c files. */
#ifndef OMNIHOOK_COMMON_OMNITRON_CALL_H
#define OMNIHOOK_COMMON_OMNITRON_CALL_H

#include "common/omnitron_exchange.h"

struct omnitron_call {
    struct omnitron *omnitron;
    struct omnitron_call *next;
    struct omnitron_call *previous;
    bool is_part;                                  /* not listed */
    void (*free_call)(struct omnitron_call *call); /* cancels what is under way, and frees */
};

void omnitron_call_init(struct omnitron_call *call, struct omnitron *omnitron,
                        void (*free_call)(struct omnitron_call *call));
/* The same for a part of another call: that one ends it. */
void omnitron_call_init_part(struct omnitron_call *call, struct omnitron *omnitron,
                             void (*free_call)(struct omnitron_call *call));
/* Unlists and frees it. Before its callback is called with what was kept of it. */
void omnitron_call_end(struct omnitron_call *call);

/* Makes a zeroed exchange of the call's own, under its omnitron's session and guard. */
void omnitron_call_init_exchange(struct omnitron_call *call, struct exchange *exchange,
                                 exchange_judge_fn *judge, exchange_done_fn *done);

/* The hooks URL's path with rest behind it: ".../whisperer/hooks/" + "7/". Owned. */
char *omnitron_call_url(const struct omnitron_call *call, const char *rest);

const struct omnitron_settings *omnitron_call_settings(const struct omnitron_call *call);

#endif
