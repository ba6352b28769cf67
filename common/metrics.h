/* The figures of this process, for Prometheus: counters, gauges and histograms in one block of
   memory, which may be shared with the process that prints them. Counting costs a search through a
   few short label values and one addition; nothing is allocated. Names follow
   https://prometheus.io/docs/practices/naming/. docs/metrics.md lists them all. */
#ifndef OMNIHOOK_COMMON_METRICS_H
#define OMNIHOOK_COMMON_METRICS_H

#include "common/strbuf.h"

#include <stdatomic.h>
#include <stdint.h>

/* Their labels, and the values that a label may have, are in metrics.c. */
enum metric {
    /* The API. */
    METRIC_HTTP_REQUESTS, /* {route, status} */
    METRIC_HTTP_DURATION, /* {route}, histogram */
    METRIC_HTTP_OPEN_REQUESTS,
    METRIC_HTTP_OPEN_CONNECTIONS,
    METRIC_OPERATOR_ACTS, /* {act, result} */
    METRIC_DASHBOARD_STREAMS,
    /* The worker. */
    METRIC_RUNS, /* {end} */
    METRIC_RUN_DURATION,
    METRIC_RUNS_GOING,
    METRIC_CONCURRENCY,
    METRIC_LAST_SUCCESS, /* ms since 1970 */
    METRIC_WEBHOOKS,     /* {outcome} */
    METRIC_LEASES_LOST,
    METRIC_RUNS_FENCED,
    METRIC_JOBS_RECOVERED,
    /* Omnitron. */
    METRIC_WEBHOOKS_INACTIVE,
    METRIC_OMNITRON_ANSWERS,  /* {method, status}: status by hundreds, "none" = no answer */
    METRIC_OMNITRON_DURATION, /* {method}, histogram */
    METRIC_OMNITRON_REPEATS,
    METRIC_OMNITRON_THROTTLED,
    METRIC_OMNITRON_LOGINS,
    METRIC_OMNITRON_LOGINS_HELD_BACK,
    METRIC_OMNITRON_BREAKER_OPENINGS,
    /* Redis, and the queue in it: every process of every daemon shows the same queue. */
    METRIC_REDIS_CONNECTIONS,
    METRIC_REDIS_RECONNECTS,
    METRIC_QUEUE_READS, /* from here to METRIC_JOBS nothing is shown before the first of them */
    METRIC_QUEUE_LENGTH,
    METRIC_QUEUE_OLDEST_AGE,
    METRIC_QUEUE_DELAYED,
    METRIC_QUEUE_DEAD,
    METRIC_QUEUE_ACTIVE,
    METRIC_WORKERS,
    METRIC_JOBS, /* {event}: the totals of the namespace */
    /* Settings. */
    METRIC_ACCOUNTS,
    METRIC_SETTINGS_BROKEN,
    METRIC_SETTINGS_FAULTS,
    METRICS
};

enum { METRICS_NUMBERS = 1024 };

/* All zero = nothing has happened. */
struct metrics_block {
    _Atomic int64_t numbers[METRICS_NUMBERS];
};

/* From now on this process counts in shared, and no other does: one that a parent shares with it.
   Without this call it counts in a block of its own. */
void metrics_use(struct metrics_block *shared);
/* The process that counted in of_ended has ended: what it had open is gone, what it counted stays.
 */
void metrics_clear_gauges(struct metrics_block *of_ended);
struct metrics_block *metrics_block(void);

/* label and second are the values of the metric's labels, NULL where it has none; a value that it
   does not know counts as "other". */
void metrics_count(enum metric metric, const char *label, const char *second);
void metrics_add(enum metric metric, const char *label, const char *second, int64_t number);
void metrics_set(enum metric metric, const char *label, int64_t value);
void metrics_observe(enum metric metric, const char *label, int64_t microseconds);

/* What is counted so far, of one pair of labels, or of all together: for tests. */
int64_t metrics_read(enum metric metric, const char *label, const char *second);
int64_t metrics_read_all(enum metric metric);

enum metrics_program { METRICS_API = 1, METRICS_WORKER = 2 };

/* Prometheus's text format, version 0.0.4: the program's metrics, of the sums of count blocks.
   Source: https://prometheus.io/docs/instrumenting/exposition_formats/ */
void metrics_print(enum metrics_program program, const struct metrics_block *const *blocks,
                   size_t count, struct strbuf *text);

#endif
