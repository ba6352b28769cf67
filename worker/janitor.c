#include "worker/janitor.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"

/* A kind of work. A job waits for its retry up to promote's period too long; a dead worker's jobs
   wait the lease, the queue's grace and up to take_back's period (promise: lease plus 5 s); when
   their connections are gone, a second and up to watch's period twice. */
struct chore {
    const char *event; /* logged when something was moved; NULL = not worth a line */
    int64_t period_ms;
    void (*start)(struct job_queue *queue, job_swept_fn *fn, void *arg);
};

static const struct chore chores[] = {
    {NULL, 500, job_queue_promote},
    {"recovered", 1000, job_queue_take_back},
    {"recovered", 300, job_queue_watch},
    {"audit_mended", 60000, job_queue_audit},
};
enum { CHORES = sizeof chores / sizeof chores[0] };

struct round {
    const struct chore *chore;
    struct janitor *janitor;
    struct event *timer;
};

struct janitor {
    struct job_queue *queue;
    struct round rounds[CHORES];
};

/* Uniform in 75 % .. 125 % of the period. */
static void start_later(struct round *round)
{
    int64_t period_ms = round->chore->period_ms;
    int64_t jitter_ms = (int64_t)(random_bits() % (uint32_t)(period_ms / 2));
    loop_timer_start(round->timer, period_ms - period_ms / 4 + jitter_ms);
}

static void on_swept(void *arg, int64_t moved, const struct error *why_not)
{
    struct round *round = arg;
    if (why_not != NULL || moved == 0) {
        start_later(round);
        return;
    }
    if (round->chore->start == job_queue_take_back || round->chore->start == job_queue_watch) {
        metrics_add(METRIC_JOBS_RECOVERED, NULL, NULL, moved);
    }
    if (round->chore->event != NULL) {
        log_info(round->chore->event, log_int("jobs", moved));
    }
    /* Each call does a bounded piece: there may be more. */
    loop_timer_start(round->timer, 0);
}

static void on_due(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct round *round = arg;
    round->chore->start(round->janitor->queue, on_swept, round);
}

struct janitor *janitor_new(struct loop *loop, struct job_queue *queue)
{
    struct janitor *janitor = mem_new(1, sizeof *janitor);
    janitor->queue = queue;
    for (size_t i = 0; i < CHORES; i++) {
        struct round *round = &janitor->rounds[i];
        *round = (struct round){.chore = &chores[i], .janitor = janitor};
        round->timer = loop_timer_new(loop, on_due, round);
        start_later(round);
    }
    return janitor;
}

void janitor_free(struct janitor *janitor)
{
    if (janitor == NULL) {
        return;
    }
    for (size_t i = 0; i < CHORES; i++) {
        event_free(janitor->rounds[i].timer);
    }
    mem_free(janitor);
}
