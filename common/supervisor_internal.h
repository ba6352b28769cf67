/* What the parent, its children and whoever answers on the ops listener share. */
#ifndef OMNIHOOK_COMMON_SUPERVISOR_INTERNAL_H
#define OMNIHOOK_COMMON_SUPERVISOR_INTERNAL_H

#include "common/supervisor.h"

#include <stdatomic.h>
#include <sys/types.h>

enum { HEALTH_TEXT_SIZE = 512 };

/* Written by one child, its second half by the parent; read by whoever answers on the ops listener.
   A text that is read while it is written may be mixed, but always ends: its last byte stays 0. */
struct supervisor_slot {
    size_t number;
    pid_t parent;
    _Atomic int64_t beaten_at_ms; /* boottime; 0 = not since its start */
    _Atomic bool is_ready;
    _Atomic bool has_fault;
    _Atomic bool is_leaving;
    char not_ready[HEALTH_TEXT_SIZE];
    char settings_fault[HEALTH_TEXT_SIZE];

    _Atomic pid_t pids[2]; /* of the processes that have its two blocks of figures; 0 = none */
    _Atomic bool is_running;
};

/* All processes, in memory that they share: what health and figures are read from. */
struct supervisor_roster {
    const struct supervisor_slot *slots;
    const struct metrics_block *figures; /* two blocks a slot, then the operators' process's */
    size_t count;
    pid_t parent;
    pid_t operators; /* this process is the operators' one; 0 = it is the parent */
};

/* An ops_health_fn and a get_process of metrics_page.h: a roster is their arg. */
void supervisor_roster_get_health(void *roster, struct ops_health *health);
bool supervisor_roster_get_process(void *roster, size_t index, struct metrics_process *process);

/* In the operators' process: copies the roster. */
struct supervisor_ops *supervisor_ops_new(const struct supervisor_roster *roster, int listener);

#endif
