#include "common/queue_gauges.h"

#include "common/job_queue_view.h"
#include "common/mem.h"
#include "common/metrics.h"

#include <jansson.h>

/* Until the first answer nothing is shown of the queue, so that is soon asked for again. */
enum { PERIOD_MS = 5000, FIRST_PERIOD_MS = 250 };

struct queue_gauges {
    struct job_queue *queue;
    struct event *timer;
    bool is_known;
};

static void show_totals(const json_t *overview)
{
    const char *name;
    json_t *total;
    json_object_foreach(json_object_get(overview, "totals"), name, total)
    {
        metrics_set(METRIC_JOBS, name, json_integer_value(total));
    }
}

static void on_overview(void *arg, const char *document, size_t size, const struct error *why_not)
{
    static const struct {
        enum metric metric;
        const char *member;
    } gauges[] = {
        {METRIC_QUEUE_LENGTH, "length"},   {METRIC_QUEUE_OLDEST_AGE, "oldest_age_ms"},
        {METRIC_QUEUE_DELAYED, "delayed"}, {METRIC_QUEUE_DEAD, "dead"},
        {METRIC_QUEUE_ACTIVE, "active"},
    };
    struct queue_gauges *queue_gauges = arg;
    if (why_not != NULL && why_not->code == ERROR_CANCELLED) {
        return;
    }
    queue_gauges->is_known |= why_not == NULL;
    loop_timer_start(queue_gauges->timer, queue_gauges->is_known ? PERIOD_MS : FIRST_PERIOD_MS);
    if (why_not != NULL) {
        return;
    }
    json_t *overview = json_loadb(document, size, 0, NULL);
    const json_t *queue = json_object_get(overview, "queue");
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        metrics_set(gauges[i].metric, NULL,
                    json_integer_value(json_object_get(queue, gauges[i].member)));
    }
    metrics_set(METRIC_WORKERS, NULL, json_integer_value(json_object_get(overview, "workers")));
    show_totals(overview);
    metrics_count(METRIC_QUEUE_READS, NULL, NULL);
    json_decref(overview);
}

static void on_due(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct queue_gauges *gauges = arg;
    job_queue_get_overview(gauges->queue, on_overview, gauges);
}

struct queue_gauges *queue_gauges_new(struct loop *loop, struct job_queue *queue)
{
    struct queue_gauges *gauges = mem_new(1, sizeof *gauges);
    gauges->queue = queue;
    gauges->timer = loop_timer_new(loop, on_due, gauges);
    loop_timer_start(gauges->timer, 0);
    return gauges;
}

void queue_gauges_free(struct queue_gauges *gauges)
{
    if (gauges == NULL) {
        return;
    }
    event_free(gauges->timer);
    mem_free(gauges);
}
