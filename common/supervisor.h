/* Several processes of one program under one parent, which restarts what crashes, passes signals on
   and answers on the one ops listener for all, or has a process for that. Each child is a whole,
   single-threaded process. */
#ifndef OMNIHOOK_COMMON_SUPERVISOR_H
#define OMNIHOOK_COMMON_SUPERVISOR_H

#include "common/loop.h"
#include "common/metrics_page.h"
#include "common/ops_server.h"
#include "common/service_config.h"

/* A child's place in memory that it shares with the parent: there it tells its health. */
struct supervisor_slot;
/* From 0 on; a child that replaces another has its number. */
size_t supervisor_slot_number(const struct supervisor_slot *slot);

/* What the one more process knows that answers on the ops listener. */
struct supervisor_ops;
int supervisor_ops_listener(const struct supervisor_ops *ops);
/* An ops_health_fn and a get_process of metrics_page.h: ops is their arg. */
void supervisor_ops_get_health(void *ops, struct ops_health *health);
bool supervisor_ops_get_process(void *ops, size_t index, struct metrics_process *process);
void supervisor_ops_free(struct supervisor_ops *ops);

struct supervisor_options {
    const struct service_config *config; /* borrowed */
    enum metrics_program program;
    /* In the parent, when it stops, before any child is told to: closes what the parent alone would
       keep open, such as sockets on which nobody would accept any more. NULL = nothing to do. */
    void (*on_stop)(void *arg);
    void *arg;
};

/* Forks config->processes children. Returns true in each child, with *slot set: go on as the only
   process would, but without an ops listener of your own. Where ops is not NULL, and there is
   an ops listener, one more is forked, in which *ops is set and *slot is NULL: go on with that
   listener alone (its socket is opened before, and stays open when the process is started again).
   Where ops is NULL the parent answers there. Returns false in the parent after all
   children have ended; *exit_code is then the program's: 0 after a graceful stop.

   The parent restarts a child that ends unasked, with backoff; one that says that it is leaving is
   replaced at once. A child that fails before it has reported health once cannot start (its address
   is taken, say): then all are stopped, and its exit code is the program's. Children end with the
   parent, however it ends. Call before anything else is opened: no loop, no connection, no thread.
 */
MUST_CHECK bool supervisor_start(const struct supervisor_options *options,
                                 struct supervisor_slot **slot, struct supervisor_ops **ops,
                                 int *exit_code);

/* Starts to tell the parent, a few times a second, that this child's loop turns, and what
   get_health says. Pair with supervisor_beat_free; NULL is legal there. */
struct supervisor_beat;
struct supervisor_beat *
supervisor_beat_new(struct loop *loop, struct supervisor_slot *slot,
                    void (*get_health)(void *arg, struct ops_health *health), void *arg);
/* This child was told to stop: the parent may start the one that comes after it. It tells nothing
   more. NULL is legal. */
void supervisor_beat_leave(struct supervisor_beat *beat);
void supervisor_beat_free(struct supervisor_beat *beat);

#endif
