/* A system with many accounts, for the benchmarks of the worker. */
#ifndef OMNIHOOK_TESTS_BENCH_LOAD_H
#define OMNIHOOK_TESTS_BENCH_LOAD_H

#include "tests/support/stack.h"

struct load_options {
    size_t accounts;
    size_t webhooks; /* of each account */
    const char
        *fields;       /* of each webhook besides its URL, as JSON members; NULL = the event type */
    size_t registered; /* so many of these already */
    int latency_ms;    /* of the simulator */
    int page_size;     /* of its list; 0 = as it likes */
    const char *const *worker_env;
    size_t early_workers; /* there before the first job is enqueued; load_drain does not count their
                             CPU */
};

struct load {
    struct stack *stack;
    struct load_options options;
};

/* The system without a worker but the early ones; every account's job has been put on the queue. */
void load_start(struct load *load, const struct load_options *options);

struct load_result {
    double seconds; /* from the start of the workers until no account is active */
    double own_s;   /* from the first job's claim to the last one's end, by Redis's clock */
    double cpu_s;   /* of the workers together */
    double redis_cpu_s;
    double sim_cpu_s;
    double peak_rss_mib; /* of the largest worker */
};

/* Starts workers, waits until every job has ended, and checks that each is FINISHED and that the
   simulator holds each webhook exactly once; the benchmark ends when that is not so. */
struct load_result load_drain(struct load *load, size_t workers);

void load_stop(struct load *load);

#endif
