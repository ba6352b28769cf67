/* How the processes under a supervisor are, as read by the one that answers on the ops listener. */
#include "common/supervisor_internal.h"

#include "common/mem.h"
#include "common/now.h"

#include <unistd.h>

enum { BEAT_LATE_MS = 5000 }; /* a loop that has not turned for so long does not turn */

struct supervisor_ops {
    struct supervisor_roster roster;
    int listener;
};

/* Healthy = every process's loop turns; ready = every process is. */
void supervisor_roster_get_health(void *arg, struct ops_health *health)
{
    const struct supervisor_roster *roster = arg;
    int64_t late_ms = now_boot_ms() - BEAT_LATE_MS;
    for (size_t i = 0; i < roster->count; i++) {
        const struct supervisor_slot *slot = &roster->slots[i];
        if (atomic_load(&slot->has_fault)) {
            health->settings_fault = slot->settings_fault;
        }
        if (!atomic_load(&slot->is_running) || atomic_load(&slot->beaten_at_ms) < late_ms) {
            health->not_turning = "a process is not running, or its loop does not turn";
            health->not_ready = health->not_turning;
        } else if (!atomic_load(&slot->is_ready) && health->not_ready == NULL) {
            health->not_ready = slot->not_ready;
        }
    }
}

/* Each block of figures with the process that has it, then the operators' process, if there is one,
   and the parent. */
bool supervisor_roster_get_process(void *arg, size_t index, struct metrics_process *process)
{
    const struct supervisor_roster *roster = arg;
    size_t blocks = 2 * roster->count;
    if (index < blocks) {
        *process = (struct metrics_process){
            .block = &roster->figures[index],
            .pid = atomic_load(&roster->slots[index / 2].pids[index % 2]),
        };
        return true;
    }
    if (index == blocks && roster->operators != 0) {
        *process =
            (struct metrics_process){.block = &roster->figures[index], .pid = roster->operators};
        return true;
    }
    *process = (struct metrics_process){.pid = roster->parent};
    return index == blocks + (roster->operators != 0 ? 1 : 0);
}

struct supervisor_ops *supervisor_ops_new(const struct supervisor_roster *roster, int listener)
{
    struct supervisor_ops *ops = mem_new(1, sizeof *ops);
    ops->roster = *roster;
    ops->roster.operators = getpid();
    ops->listener = listener;
    return ops;
}

int supervisor_ops_listener(const struct supervisor_ops *ops)
{
    return ops->listener;
}

void supervisor_ops_get_health(void *ops, struct ops_health *health)
{
    struct supervisor_ops *own = ops;
    supervisor_roster_get_health(&own->roster, health);
}

bool supervisor_ops_get_process(void *ops, size_t index, struct metrics_process *process)
{
    struct supervisor_ops *own = ops;
    return supervisor_roster_get_process(&own->roster, index, process);
}

void supervisor_ops_free(struct supervisor_ops *ops)
{
    mem_free(ops);
}
