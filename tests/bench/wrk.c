#include "tests/bench/wrk.h"

#include "common/mem.h"
#include "tests/support/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTRA_MS = 30000 };

struct wrk {
    struct process *process;
    int64_t limit_ms;
};

struct wrk *wrk_start(const struct wrk_options *options, const struct temp_dir *dir)
{
    char url[256];
    char connections[32];
    char duration[32];
    (void)snprintf(url, sizeof url, "http://%s%s", options->address, options->path);
    (void)snprintf(connections, sizeof connections, "-c%d", options->connections);
    (void)snprintf(duration, sizeof duration, "-d%ds", options->seconds);
    const char *const argv[] = {
        "wrk",         "-t1",         connections,
        duration,      "-s",          (TEST_SOURCE_DIR "/tests/bench/wrk.lua"),
        url,           "--",          options->method,
        options->path, options->keys, /* NULL ends the list here */
        NULL};
    const struct process_options process = {.name = "wrk", .argv = argv, .dir = dir};
    struct wrk *wrk = mem_new(1, sizeof *wrk);
    wrk->process = process_start(&process);
    wrk->limit_ms = options->seconds * 1000 + EXTRA_MS;
    return wrk;
}

bool wrk_is_running(struct wrk *wrk)
{
    return process_is_running(wrk->process);
}

struct wrk_result wrk_finish(struct wrk *wrk)
{
    (void)process_wait_exit(wrk->process, wrk->limit_ms);
    char *output = process_read(wrk->process, PROCESS_STDOUT);
    const char *line = strstr(output, "measured ");
    int64_t values[5] = {0};
    char *at = line == NULL ? NULL : output + (line - output) + strlen("measured ");
    for (int i = 0; i < 5 && at != NULL; i++) {
        values[i] = strtoll(at, &at, 10);
    }
    if (values[0] == 0) {
        (void)fprintf(stderr, "wrk measured nothing:\n%s\n", output);
        exit(1);
    }
    mem_free(output);
    process_free(wrk->process);
    mem_free(wrk);
    return (struct wrk_result){.requests = values[0],
                               .seconds = (double)values[1] / 1e6,
                               .p50_ms = (double)values[2] / 1e3,
                               .p99_ms = (double)values[3] / 1e3,
                               .errors = values[4]};
}
