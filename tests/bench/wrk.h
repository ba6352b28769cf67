/* Runs wrk, the load generator, and reads what it measured. */
#ifndef OMNIHOOK_TESTS_BENCH_WRK_H
#define OMNIHOOK_TESTS_BENCH_WRK_H

#include "tests/support/temp_dir.h"

#include <stdbool.h>
#include <stdint.h>

struct wrk_options {
    const char *address; /* "127.0.0.1:port" */
    const char *method;
    const char *path;
    const char *keys; /* path of a file with one API key a line; NULL = no key */
    int connections;
    int seconds;
};

struct wrk_result {
    int64_t requests;
    double seconds;
    double p50_ms;
    double p99_ms;
    int64_t errors; /* of connections, time-outs, and answers from 400 on */
};

struct wrk;

/* Its output goes to dir, which must outlive it. */
struct wrk *wrk_start(const struct wrk_options *options, const struct temp_dir *dir);
bool wrk_is_running(struct wrk *wrk);
/* Waits for its end, and frees wrk. The benchmark ends when it printed nothing of use. */
struct wrk_result wrk_finish(struct wrk *wrk);

#endif
