#include "common/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum kind {
    COUNTER,
    GAUGE,        /* the sum of all processes */
    SHARED_GAUGE, /* of something that all processes look at: the largest */
    SHARED_COUNTER,
    HISTOGRAM, /* of microseconds, shown as seconds */
};

struct label {
    const char *name;
    const char *const *values; /* ends with NULL; the last one stands for all others */
};

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ROUTE                                                                                      \
    {"route", VALUES("execute", "get_async_status", "is_required", "plan", "report", "abort",      \
                     "openapi.json", "other")}

struct family {
    const char *name; /* after "omnihook_" */
    const char *help;
    enum kind kind;
    struct label labels[2]; /* name NULL = none */
    unsigned programs;      /* that have it; 0 = all */
    bool is_of_queue;       /* not known, and not shown, before METRIC_QUEUE_READS */
    bool is_ms;             /* a gauge set in milliseconds, shown in seconds */
};

static const struct family families[METRICS] = {
    [METRIC_HTTP_REQUESTS] = {.programs = METRICS_API,
                              .name = "http_requests_total",
                              .help = "Calls of the API that were answered.",
                              .labels = {ROUTE,
                                         {"status", VALUES("200", "204", "400", "401", "404", "405",
                                                           "408", "413", "417", "429", "431", "500",
                                                           "502", "503", "504", "505", "other")}}},
    [METRIC_HTTP_DURATION] = {.programs = METRICS_API,
                              .name = "http_request_duration_seconds",
                              .help = "From a call's last byte to its answer.",
                              .kind = HISTOGRAM,
                              .labels = {ROUTE}},
    [METRIC_HTTP_OPEN_REQUESTS] = {.programs = METRICS_API,
                                   .name = "http_requests_in_flight",
                                   .help = "Calls that are not answered yet.",
                                   .kind = GAUGE},
    [METRIC_HTTP_OPEN_CONNECTIONS] = {.programs = METRICS_API,
                                      .name = "http_connections",
                                      .help = "Connections of callers that are open.",
                                      .kind = GAUGE},
    [METRIC_OPERATOR_ACTS] =
        {.programs = METRICS_API,
         .name = "operator_acts_total",
         .help = "What operators did with a key, on the dashboard or by its calls.",
         .labels = {{"act", VALUES("execute", "abort", "retry", "drop", "other")},
                    {"result", VALUES("done", "not_found", "failed", "other")}}},
    [METRIC_DASHBOARD_STREAMS] = {.programs = METRICS_API,
                                  .name = "dashboard_streams",
                                  .help = "Event streams of the dashboard that are open.",
                                  .kind = GAUGE},
    [METRIC_RUNS] = {.programs = METRICS_WORKER,
                     .name = "runs_total",
                     .help = "Runs of jobs that ended, by how; lost = another worker has the job.",
                     .labels = {{"end", VALUES("finished", "failed", "aborted", "retrying",
                                               "requeued", "lost", "other")}}},
    [METRIC_RUN_DURATION] = {.programs = METRICS_WORKER,
                             .name = "run_duration_seconds",
                             .help = "From the claim of a job to the end of its run.",
                             .kind = HISTOGRAM},
    [METRIC_RUNS_GOING] = {.programs = METRICS_WORKER,
                           .name = "runs_in_progress",
                           .help = "Jobs that this worker runs.",
                           .kind = GAUGE},
    [METRIC_CONCURRENCY] = {.programs = METRICS_WORKER,
                            .name = "concurrency",
                            .help = "How many jobs this worker may run at once.",
                            .kind = GAUGE},
    [METRIC_WEBHOOKS] = {.programs = METRICS_WORKER,
                         .name = "webhooks_total",
                         .help = "What ended runs did with their webhooks.",
                         .labels = {{"outcome",
                                     VALUES("created", "reactivated", "updated", "already",
                                            "drifted", "failed", "pending", "other")}}},
    [METRIC_WEBHOOKS_INACTIVE] = {.name = "webhooks_left_inactive_total",
                                  .help = "Webhooks found inactive, and left so as the policy "
                                          "says, by ended runs, is_required and plan."},
    [METRIC_LAST_SUCCESS] = {.programs = METRICS_WORKER,
                             .name = "last_success_timestamp_seconds",
                             .help = "When a run last finished its job; 0 = not since the start.",
                             .kind = SHARED_GAUGE,
                             .is_ms = true},
    [METRIC_LEASES_LOST] = {.programs = METRICS_WORKER,
                            .name = "leases_lost_total",
                            .help = "Times that this worker was silent for too long."},
    [METRIC_RUNS_FENCED] =
        {.programs = METRICS_WORKER,
         .name = "runs_fenced_total",
         .help = "Runs given up because another worker has the job, or may have it."},
    [METRIC_JOBS_RECOVERED] = {.programs = METRICS_WORKER,
                               .name = "jobs_recovered_total",
                               .help = "Jobs of dead workers that this worker put back."},
    [METRIC_OMNITRON_ANSWERS] = {.name = "omnitron_requests_total",
                                 .help = "Requests to Omnitron that ended, by the answer's status.",
                                 .labels = {{"method", VALUES("GET", "POST", "PATCH", "other")},
                                            {"status",
                                             VALUES("2xx", "3xx", "4xx", "5xx", "none")}}},
    [METRIC_OMNITRON_DURATION] = {.name = "omnitron_request_duration_seconds",
                                  .help = "From sending a request to Omnitron to its answer.",
                                  .kind = HISTOGRAM,
                                  .labels = {{"method", VALUES("GET", "POST", "PATCH", "other")}}},
    [METRIC_OMNITRON_REPEATS] = {.name = "omnitron_retries_total",
                                 .help = "Requests to Omnitron that were sent again."},
    [METRIC_OMNITRON_THROTTLED] = {.name = "omnitron_throttled_total",
                                   .help = "Answers 429 of Omnitron."},
    [METRIC_OMNITRON_LOGINS] = {.name = "omnitron_logins_total",
                                .help = "Logins at Omnitron, good or bad."},
    [METRIC_OMNITRON_LOGINS_HELD_BACK] =
        {.name = "omnitron_logins_held_back_total",
         .help = "Times that a login was not made, because the account had used up its few."},
    [METRIC_OMNITRON_BREAKER_OPENINGS] =
        {.name = "omnitron_breaker_openings_total",
         .help = "Times that an account's calls were stopped because Omnitron was down."},
    [METRIC_REDIS_CONNECTIONS] = {.name = "redis_connections",
                                  .help = "Connections to Redis that stand; a worker has three.",
                                  .kind = GAUGE},
    [METRIC_REDIS_RECONNECTS] = {.name = "redis_reconnects_total",
                                 .help = "Connections to Redis that were made again."},
    [METRIC_QUEUE_READS] = {.name = "queue_reads_total",
                            .help = "Times that the figures of the namespace were read of Redis."},
    [METRIC_QUEUE_LENGTH] = {.name = "queue_jobs",
                             .help = "Jobs that wait for a worker.",
                             .kind = SHARED_GAUGE,
                             .is_of_queue = true},
    [METRIC_QUEUE_OLDEST_AGE] = {.name = "queue_oldest_job_age_seconds",
                                 .help = "Age of the job that is taken next; 0 = none waits.",
                                 .kind = SHARED_GAUGE,
                                 .is_of_queue = true,
                                 .is_ms = true},
    [METRIC_QUEUE_DELAYED] = {.name = "delayed_jobs",
                              .help = "Jobs that wait for their next attempt.",
                              .kind = SHARED_GAUGE,
                              .is_of_queue = true},
    [METRIC_QUEUE_DEAD] = {.name = "dead_jobs",
                           .help = "Failed jobs that are remembered (1000 at most).",
                           .kind = SHARED_GAUGE,
                           .is_of_queue = true},
    [METRIC_QUEUE_ACTIVE] = {.name = "active_accounts",
                             .help = "Accounts whose job has not ended.",
                             .kind = SHARED_GAUGE,
                             .is_of_queue = true},
    [METRIC_WORKERS] = {.name = "workers",
                        .help = "Workers that are registered.",
                        .kind = SHARED_GAUGE,
                        .is_of_queue = true},
    [METRIC_JOBS] = {.name = "jobs_total",
                     .help = "What happened to the jobs of the whole namespace, since ever.",
                     .kind = SHARED_COUNTER,
                     .is_of_queue = true,
                     .labels = {{"event",
                                 VALUES("enqueued", "coalesced", "reruns", "finished", "failed",
                                        "aborted", "retried", "recovered", "fenced", "clock_jumps",
                                        "lease_ended", "watch_ended", "watch_wrong", "other")}}},
    [METRIC_ACCOUNTS] = {.name = "accounts",
                         .help = "Accounts of the settings in use.",
                         .kind = SHARED_GAUGE},
    [METRIC_SETTINGS_BROKEN] = {.name = "settings_broken",
                                .help = "Processes whose newest settings are broken: they go on "
                                        "with the ones before.",
                                .kind = GAUGE},
    [METRIC_SETTINGS_FAULTS] = {.name = "settings_load_failures_total",
                                .help = "Times that new settings were broken and the old kept."},
};

/* Upper bounds in microseconds. */
static const int64_t buckets[] = {1000,     2500,     5000,     10000,     25000,     50000,
                                  100000,   250000,   500000,   1000000,   2500000,   5000000,
                                  10000000, 30000000, 60000000, 120000000, 300000000, 600000000};
enum { BUCKETS = sizeof buckets / sizeof buckets[0], BUCKET_ABOVE = BUCKETS, BUCKET_SUM };
enum { HISTOGRAM_NUMBERS = BUCKETS + 2, MS_PER_S = 1000, US_PER_S = 1000000 };

static struct metrics_block own_block;
static struct metrics_block *block = &own_block;

static size_t value_count(const struct label *label)
{
    size_t count = 0;
    while (label->name != NULL && label->values[count] != NULL) {
        count++;
    }
    return count == 0 ? 1 : count;
}

static size_t series_count(const struct family *family)
{
    return value_count(&family->labels[0]) * value_count(&family->labels[1]);
}

static size_t numbers_of(const struct family *family)
{
    return family->kind == HISTOGRAM ? HISTOGRAM_NUMBERS : 1;
}

/* Where the numbers of a metric begin. */
static size_t offset_of(enum metric metric)
{
    static size_t offsets[METRICS];
    if (offsets[METRICS - 1] == 0) {
        for (size_t i = 1; i < METRICS; i++) {
            offsets[i] =
                offsets[i - 1] + series_count(&families[i - 1]) * numbers_of(&families[i - 1]);
        }
        assert(offsets[METRICS - 1] + HISTOGRAM_NUMBERS <= METRICS_NUMBERS);
    }
    return offsets[metric];
}

static size_t index_of(const struct label *label, const char *value)
{
    if (label->name == NULL) {
        assert(value == NULL);
        return 0;
    }
    size_t i = 0;
    while (label->values[i + 1] != NULL &&
           (value == NULL || strcmp(label->values[i], value) != 0)) {
        i++;
    }
    return i;
}

static size_t place_of(enum metric metric, const char *label, const char *second)
{
    const struct family *family = &families[metric];
    size_t series = index_of(&family->labels[0], label) * value_count(&family->labels[1]) +
                    index_of(&family->labels[1], second);
    return offset_of(metric) + series * numbers_of(family);
}

static int64_t load(const struct metrics_block *from, size_t place)
{
    return atomic_load_explicit(&from->numbers[place], memory_order_relaxed);
}

/* Each block has one writer, so that no addition needs a lock. */
static void store(size_t place, int64_t value)
{
    atomic_store_explicit(&block->numbers[place], value, memory_order_relaxed);
}

static void add(size_t place, int64_t number)
{
    store(place, load(block, place) + number);
}

void metrics_use(struct metrics_block *shared)
{
    block = shared;
}

void metrics_clear_gauges(struct metrics_block *of_ended)
{
    for (size_t i = 0; i < METRICS; i++) {
        size_t at = offset_of((enum metric)i);
        size_t end = at + series_count(&families[i]);
        for (; families[i].kind == GAUGE && at < end; at++) {
            atomic_store_explicit(&of_ended->numbers[at], 0, memory_order_relaxed);
        }
    }
}

struct metrics_block *metrics_block(void)
{
    return block;
}

void metrics_add(enum metric metric, const char *label, const char *second, int64_t number)
{
    add(place_of(metric, label, second), number);
}

void metrics_count(enum metric metric, const char *label, const char *second)
{
    metrics_add(metric, label, second, 1);
}

void metrics_set(enum metric metric, const char *label, int64_t value)
{
    store(place_of(metric, label, NULL), value);
}

void metrics_observe(enum metric metric, const char *label, int64_t microseconds)
{
    size_t place = place_of(metric, label, NULL);
    size_t bucket = 0;
    while (bucket < BUCKETS && microseconds > buckets[bucket]) {
        bucket++;
    }
    add(place + bucket, 1);
    add(place + BUCKET_SUM, microseconds);
}

int64_t metrics_read(enum metric metric, const char *label, const char *second)
{
    return load(block, place_of(metric, label, second));
}

int64_t metrics_read_all(enum metric metric)
{
    int64_t sum = 0;
    assert(families[metric].kind != HISTOGRAM);
    for (size_t i = 0; i < series_count(&families[metric]); i++) {
        sum += load(block, offset_of(metric) + i);
    }
    return sum;
}

/* ---- Printing ---- */

struct printer {
    const struct metrics_block *const *blocks;
    size_t count;
    struct strbuf *text;
};

static int64_t sum_of(const struct printer *printer, const struct family *family, size_t place)
{
    bool is_shared = family->kind == SHARED_GAUGE || family->kind == SHARED_COUNTER;
    int64_t sum = 0;
    for (size_t i = 0; i < printer->count; i++) {
        int64_t value = load(printer->blocks[i], place);
        sum = !is_shared ? sum + value : value > sum ? value : sum;
    }
    return sum;
}

static void print_value(struct strbuf *text, int64_t value, int64_t unit)
{
    if (unit == 1) {
        (void)strbuf_addf(text, "%" PRId64, value);
    } else {
        (void)strbuf_addf(text, "%.12g", (double)value / (double)unit);
    }
}

/* The labels of a series, and le where it is a bucket's; nothing when there are none. */
static void print_labels(struct strbuf *text, const struct family *family, size_t series,
                         const char *le)
{
    size_t seconds = value_count(&family->labels[1]);
    const size_t at[2] = {series / seconds, series % seconds};
    const char *separator = "{";
    for (size_t i = 0; i < 2 && family->labels[i].name != NULL; i++) {
        (void)strbuf_addf(text, "%s%s=\"%s\"", separator, family->labels[i].name,
                          family->labels[i].values[at[i]]);
        separator = ",";
    }
    if (le != NULL) {
        (void)strbuf_addf(text, "%sle=\"%s\"", separator, le);
        separator = ",";
    }
    (void)strbuf_add_text(text, separator[0] == ',' ? "} " : " ");
}

static void print_number(const struct printer *printer, const struct family *family, size_t place,
                         size_t series)
{
    int64_t value = sum_of(printer, family, place);
    if (value == 0 && family->labels[1].name != NULL) {
        return; /* most pairs of label values never happen */
    }
    (void)strbuf_addf(printer->text, "omnihook_%s", family->name);
    print_labels(printer->text, family, series, NULL);
    print_value(printer->text, value, family->is_ms ? MS_PER_S : 1);
    (void)strbuf_add_text(printer->text, "\n");
}

static void print_histogram(const struct printer *printer, const struct family *family,
                            size_t place, size_t series)
{
    struct strbuf *text = printer->text;
    int64_t count = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        char le[32] = "+Inf";
        if (i < BUCKETS) {
            (void)snprintf(le, sizeof le, "%g", (double)buckets[i] / US_PER_S);
        }
        count += sum_of(printer, family, place + i);
        (void)strbuf_addf(text, "omnihook_%s_bucket", family->name);
        print_labels(text, family, series, le);
        (void)strbuf_addf(text, "%" PRId64 "\n", count);
    }
    (void)strbuf_addf(text, "omnihook_%s_sum", family->name);
    print_labels(text, family, series, NULL);
    print_value(text, sum_of(printer, family, place + BUCKET_SUM), US_PER_S);
    (void)strbuf_addf(text, "\nomnihook_%s_count", family->name);
    print_labels(text, family, series, NULL);
    (void)strbuf_addf(text, "%" PRId64 "\n", count);
}

static void print_family(const struct printer *printer, const struct family *family, size_t place)
{
    for (size_t series = 0; series < series_count(family); series++) {
        if (family->kind == HISTOGRAM) {
            print_histogram(printer, family, place, series);
        } else {
            print_number(printer, family, place, series);
        }
        place += numbers_of(family);
    }
}

void metrics_print(enum metrics_program program, const struct metrics_block *const *blocks,
                   size_t count, struct strbuf *text)
{
    static const char *const types[] = {[COUNTER] = "counter",
                                        [GAUGE] = "gauge",
                                        [SHARED_GAUGE] = "gauge",
                                        [SHARED_COUNTER] = "counter",
                                        [HISTOGRAM] = "histogram"};
    const struct printer printer = {.blocks = blocks, .count = count, .text = text};
    bool is_queue_known =
        sum_of(&printer, &families[METRIC_QUEUE_READS], offset_of(METRIC_QUEUE_READS)) > 0;
    for (size_t metric = 0; metric < METRICS; metric++) {
        const struct family *family = &families[metric];
        if ((family->programs != 0 && (family->programs & program) == 0) ||
            (family->is_of_queue && !is_queue_known)) {
            continue;
        }
        (void)strbuf_addf(text, "# HELP omnihook_%s %s\n# TYPE omnihook_%s %s\n", family->name,
                          family->help, family->name, types[family->kind]);
        print_family(&printer, family, offset_of((enum metric)metric));
    }
}
