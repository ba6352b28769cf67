/* The child's side: it tells how it is. */
#include "common/supervisor_internal.h"

#include "common/mem.h"
#include "common/now.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { BEAT_MS = 250 };

size_t supervisor_slot_number(const struct supervisor_slot *slot)
{
    return slot->number;
}

struct supervisor_beat {
    struct supervisor_slot *slot;
    struct event *timer;
    void (*get_health)(void *arg, struct ops_health *health);
    void *arg;
};

static void put_text(char place[HEALTH_TEXT_SIZE], const char *text)
{
    (void)snprintf(place, HEALTH_TEXT_SIZE, "%s", text == NULL ? "" : text);
}

static void on_beat(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct supervisor_beat *beat = arg;
    struct ops_health health = {.not_ready = NULL};
    beat->get_health(beat->arg, &health);
    put_text(beat->slot->not_ready, health.not_ready);
    put_text(beat->slot->settings_fault, health.settings_fault);
    atomic_store(&beat->slot->is_ready, health.not_ready == NULL);
    atomic_store(&beat->slot->has_fault, health.settings_fault != NULL);
    atomic_store(&beat->slot->beaten_at_ms, now_boot_ms());
    loop_timer_start(beat->timer, BEAT_MS);
}

struct supervisor_beat *supervisor_beat_new(struct loop *loop, struct supervisor_slot *slot,
                                            void (*health)(void *arg, struct ops_health *health),
                                            void *arg)
{
    struct supervisor_beat *beat = mem_new(1, sizeof *beat);
    *beat = (struct supervisor_beat){.slot = slot, .get_health = health, .arg = arg};
    beat->timer = loop_timer_new(loop, on_beat, beat);
    loop_timer_start(beat->timer, 0);
    return beat;
}

void supervisor_beat_leave(struct supervisor_beat *beat)
{
    if (beat == NULL) {
        return;
    }
    loop_timer_stop(beat->timer);
    atomic_store(&beat->slot->is_leaving, true);
    if (getppid() == beat->slot->parent) {
        (void)kill(beat->slot->parent, SIGCHLD);
    }
}

void supervisor_beat_free(struct supervisor_beat *beat)
{
    if (beat == NULL) {
        return;
    }
    event_free(beat->timer);
    mem_free(beat);
}
