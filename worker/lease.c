#include "worker/lease.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/now.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HOST_SIZE = 256, BEATS_PER_LEASE = 3, MARGIN_DIVISOR = 10 };
/* A registration that could not be ended runs out by itself. */
enum { UNREGISTER_FAILURES_MAX = 2 };

static const struct backoff retry = {.base_ms = 100, .max_ms = 2000};

/*   LEASE_NONE    -- register answered -->  LEASE_HELD
     LEASE_HELD    -- deadline, or a beat came too late -->  LEASE_NONE, with a new name
     any           -- lease_end -->  LEASE_ENDING  -->  LEASE_ENDED                             */
enum lease_state {
    LEASE_NONE,   /* not registered; registering */
    LEASE_HELD,   /* registered; beating */
    LEASE_ENDING, /* ending the registration */
    LEASE_ENDED,  /* nothing more will be done */
};

struct lease {
    struct lease_options options;
    enum lease_state state;
    char host[HOST_SIZE];
    char worker[JOB_WORKER_SIZE];
    int64_t started_at_ms;        /* wall */
    bool is_calling;              /* at most one call at a time, so replies cannot be mistaken */
    bool is_hurried;              /* another call was asked for while one was under way */
    int64_t sent_at_ms;           /* boot: before the call under way was sent */
    int64_t deadline_ms;          /* boot */
    unsigned failures;            /* in a row */
    struct event *step_timer;     /* the next call */
    struct event *deadline_timer; /* urgent: before any reply that waits */
    void (*on_ended)(void *arg);
    void *on_ended_arg;
};

/* Names are shown and used in keys: only what needs no quoting anywhere. */
static void find_host(char host[HOST_SIZE])
{
    if (gethostname(host, HOST_SIZE - 1) != 0 || host[0] == '\0') {
        (void)snprintf(host, HOST_SIZE, "localhost");
    }
    host[HOST_SIZE - 1] = '\0';
    for (char *c = host; *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '.' || *c == '-' || *c == '_';
        if (!is_plain) {
            *c = '_';
        }
    }
}

static void take_new_name(struct lease *lease)
{
    char id[RANDOM_ID_SIZE];
    /* 64 random bits do beside host and pid. The name stands in the record of each job that runs,
       whose values should not be longer than 64 bytes (prelude.lua). */
    (void)snprintf(lease->worker, sizeof lease->worker, "%s:%ld:%.16s", lease->host, (long)getpid(),
                   random_id_make(id));
    lease->started_at_ms = now_wall_ms();
}

static struct worker_info info_of(const struct lease *lease)
{
    const struct worker_figures *figures = lease->options.figures;
    return (struct worker_info){
        .name = lease->worker,
        .host = lease->host,
        .pid = getpid(),
        .started_at_ms = lease->started_at_ms,
        .concurrency = lease->options.concurrency,
        .running = figures->running,
        .done = figures->done,
        .failed = figures->failed,
    };
}

static void step_later(struct lease *lease, int64_t delay_ms)
{
    loop_timer_start(lease->step_timer, delay_ms);
}

/* After a failed call. */
static void step_after_failure(struct lease *lease)
{
    lease->failures++;
    if (lease->is_hurried) {
        lease->is_hurried = false;
        step_later(lease, 0);
        return;
    }
    int64_t limit_ms = lease->options.lease_ms / BEATS_PER_LEASE;
    int64_t delay_ms = backoff_delay_ms(&retry, lease->failures, random_bits());
    step_later(lease, delay_ms < limit_ms ? delay_ms : limit_ms);
}

/* The call under way was answered: prolongs the deadline that its sending allows. */
static void prolong(struct lease *lease)
{
    int64_t lease_ms = lease->options.lease_ms;
    lease->failures = 0;
    lease->deadline_ms = lease->sent_at_ms + lease_ms - lease_ms / MARGIN_DIVISOR;
    loop_timer_start(lease->deadline_timer, lease->deadline_ms - now_boot_ms());
    step_later(lease, lease->is_hurried ? 0 : lease_ms / BEATS_PER_LEASE);
    lease->is_hurried = false;
}

static void lose(struct lease *lease, const struct error *why)
{
    lease->state = LEASE_NONE;
    loop_timer_stop(lease->deadline_timer);
    lease->options.on_lost(lease->options.arg, why);
    take_new_name(lease);
    step_later(lease, 0);
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct lease *lease = arg;
    if (lease->state != LEASE_HELD) {
        return;
    }
    /* The timer's clock and the boot clock may differ by a little. */
    int64_t left_ms = lease->deadline_ms - now_boot_ms();
    if (left_ms > 0) {
        loop_timer_start(lease->deadline_timer, left_ms);
        return;
    }
    struct error why;
    (void)error_set(&why, ERROR_TIMEOUT, "Redis confirmed no beat in time");
    lose(lease, &why);
}

bool lease_may_send(void *arg)
{
    struct lease *lease = arg;
    bool is_past = now_boot_ms() >= lease->deadline_ms;
    if (lease->state == LEASE_HELD && is_past) {
        /* The machine was suspended: the timer's clock stood still. Not here: the asker is in the
           middle of a transfer that the loss cancels. */
        loop_timer_start(lease->deadline_timer, 0);
    }
    return lease->state == LEASE_HELD && !is_past;
}

static void on_registered(void *arg, const struct error *why_not)
{
    struct lease *lease = arg;
    lease->is_calling = false;
    if (lease->state != LEASE_NONE) {
        step_later(lease, 0);
        return;
    }
    if (why_not != NULL) {
        if (why_not->code == ERROR_LOST) {
            /* An earlier try got through, but its lease has run out since. */
            take_new_name(lease);
        }
        step_after_failure(lease);
        return;
    }
    lease->state = LEASE_HELD;
    prolong(lease);
    lease->options.on_held(lease->options.arg);
}

static void on_beaten(void *arg, const char *const *aborted, size_t aborted_count,
                      const struct error *why_not)
{
    struct lease *lease = arg;
    lease->is_calling = false;
    if (lease->state != LEASE_HELD) {
        step_later(lease, 0);
        return;
    }
    if (why_not != NULL && why_not->code == ERROR_LOST) {
        lose(lease, why_not);
        return;
    }
    if (why_not != NULL) {
        step_after_failure(lease);
        return;
    }
    prolong(lease);
    for (size_t i = 0; i < aborted_count; i++) {
        lease->options.on_aborted(lease->options.arg, aborted[i]);
    }
}

static void finish_ending(struct lease *lease)
{
    lease->state = LEASE_ENDED;
    loop_timer_stop(lease->deadline_timer);
    lease->on_ended(lease->on_ended_arg);
}

static void on_unregistered(void *arg, const struct error *why_not)
{
    struct lease *lease = arg;
    lease->is_calling = false;
    if (why_not == NULL || lease->failures == UNREGISTER_FAILURES_MAX) {
        finish_ending(lease);
        return;
    }
    step_after_failure(lease);
}

/* Makes the call that the state asks for, unless one is under way. */
static void lease_step(struct lease *lease)
{
    if (lease->is_calling || lease->state == LEASE_ENDED) {
        return;
    }
    struct worker_info info = info_of(lease);
    lease->is_calling = true;
    lease->sent_at_ms = now_boot_ms();
    switch (lease->state) {
    case LEASE_NONE:
        job_queue_register(lease->options.queue, &info, on_registered, lease);
        return;
    case LEASE_HELD:
        job_queue_beat(lease->options.queue, &info, on_beaten, lease);
        return;
    case LEASE_ENDING:
        job_queue_unregister(lease->options.queue, lease->worker, on_unregistered, lease);
        return;
    case LEASE_ENDED:
        return;
    }
}

static void on_step(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    lease_step(arg);
}

struct lease *lease_new(struct loop *loop, const struct lease_options *options)
{
    struct lease *lease = mem_new(1, sizeof *lease);
    lease->options = *options;
    lease->step_timer = loop_timer_new(loop, on_step, lease);
    lease->deadline_timer = loop_timer_new(loop, on_deadline, lease);
    (void)event_priority_set(lease->deadline_timer, LOOP_URGENT);
    find_host(lease->host);
    take_new_name(lease);
    step_later(lease, 0);
    return lease;
}

void lease_free(struct lease *lease)
{
    if (lease == NULL) {
        return;
    }
    event_free(lease->step_timer);
    event_free(lease->deadline_timer);
    mem_free(lease);
}

const char *lease_worker(const struct lease *lease)
{
    return lease->worker;
}

void lease_hurry(struct lease *lease)
{
    if (lease->is_calling) {
        lease->is_hurried = true;
        return;
    }
    step_later(lease, 0);
}

void lease_end(struct lease *lease, void (*fn)(void *arg), void *arg)
{
    assert(lease->state == LEASE_NONE || lease->state == LEASE_HELD);
    lease->on_ended = fn;
    lease->on_ended_arg = arg;
    lease->state = LEASE_ENDING;
    lease->failures = 0;
    step_later(lease, 0);
}
