/* All rows in one run, on the same cores: only their ratios mean something on another machine.
   Redis is reached by a unix socket, by all of them. */
#include "tests/bench/http.h"

#include "common/mem.h"
#include "tests/bench/measure.h"
#include "tests/bench/wrk.h"
#include "tests/support/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ACCOUNTS = 10000,
    CONNECTIONS = 64,
    SECONDS = 6,
    FLUSH_ABOVE = 9000,
    START_LIMIT_MS = 10000
};

#define PREFIX "/api/v1/oms/setup/webhooks/"

/* What is measured: a server's process, and Redis behind it. */
struct subject {
    const char *name;
    pid_t server;
    struct redis_fixture *redis;
    bool
        is_flushed; /* the jobs are taken away again and again, so that each call makes a new one */
};

struct reference {
    double rate;
};

static void print_row(const struct subject *subject, const struct wrk_result *result, double cpu_s,
                      double redis_cpu_s, const struct reference *bare)
{
    double rate = (double)result->requests / result->seconds;
    double per_100k = 1e5 / (double)result->requests;
    (void)printf("%-34s %8.0f req/s  p50 %5.2f p99 %5.2f ms  %5.2f CPU-s per 100k (Redis %5.2f)",
                 subject->name, rate, result->p50_ms, result->p99_ms, cpu_s * per_100k,
                 redis_cpu_s * per_100k);
    if (bare != NULL) {
        (void)printf("  %3.0f %% of bare LPUSH", 100 * rate / bare->rate);
    }
    if (result->errors != 0) {
        (void)printf("  %ld ERRORS", (long)result->errors);
    }
    (void)printf("  %.1f MiB\n", measure_rss_mib(subject->server));
    (void)fflush(stdout);
}

static double measure(const struct subject *subject, const struct wrk_options *options,
                      const struct temp_dir *dir, const struct reference *bare)
{
    pid_t redis = (pid_t)strtol(strstr(redis_text(subject->redis, "INFO server"), "process_id:") +
                                    strlen("process_id:"),
                                NULL, 10);
    double before = measure_cpu_s(subject->server);
    double redis_before = measure_cpu_s(redis);
    struct wrk *wrk = wrk_start(options, dir);
    while (subject->is_flushed && wrk_is_running(wrk)) {
        if (redis_int(subject->redis, "LLEN {omnihook}:queue") > FLUSH_ABOVE) {
            redis_do(subject->redis, "FLUSHDB ASYNC");
        }
        (void)usleep(20000);
    }
    struct wrk_result result = wrk_finish(wrk);
    print_row(subject, &result, measure_cpu_s(subject->server) - before,
              measure_cpu_s(redis) - redis_before, bare);
    redis_do(subject->redis, "FLUSHDB");
    return (double)result.requests / result.seconds;
}

static double measure_bare(struct stack *stack, const char *name, const char *socket)
{
    const char *const argv[] = {TEST_BIN_DIR "/omnihook-bench-bare", socket, NULL};
    const struct process_options options = {.name = "bare", .argv = argv, .dir = stack_dir(stack)};
    struct process *server = process_start(&options);
    char address[64];
    (void)process_line_value(
        process_wait_line(server, PROCESS_STDERR, "event=listening ", START_LIMIT_MS), "address",
        address, sizeof address);
    const struct wrk_options wrk = {.address = address,
                                    .method = "POST",
                                    .path = PREFIX "execute/",
                                    .connections = CONNECTIONS,
                                    .seconds = SECONDS};
    const struct subject subject = {
        .name = name, .server = process_pid(server), .redis = stack_redis(stack)};
    double rate = measure(&subject, &wrk, stack_dir(stack), NULL);
    process_free(server);
    return rate;
}

static char *write_keys(struct stack *stack, const struct stack_account *accounts)
{
    char *path = temp_dir_join(stack_dir(stack), "keys");
    FILE *file = fopen(path, "w");
    for (size_t i = 0; i < ACCOUNTS && file != NULL; i++) {
        (void)fprintf(file, "%s\n", stack_key(stack, accounts[i].name));
    }
    if (file == NULL || fclose(file) != 0) {
        (void)fprintf(stderr, "cannot write %s\n", path);
        exit(1);
    }
    return path;
}

/* *keys is to be freed. */
static struct stack *start(char **keys)
{
    struct stack_account *accounts = mem_new(ACCOUNTS, sizeof *accounts);
    char(*names)[24] = mem_new(ACCOUNTS, sizeof *names);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        (void)snprintf(names[i], sizeof names[i], "a%zu", i);
        accounts[i] = (struct stack_account){.name = names[i], .webhooks = "[]"};
    }
    const struct stack_options options = {
        .accounts = accounts, .account_count = ACCOUNTS, .api_count = 1, .is_tcp = true};
    struct stack *stack = stack_new(&options);
    *keys = write_keys(stack, accounts);
    mem_free(names);
    mem_free(accounts);
    return stack;
}

void bench_http(void)
{
    char *keys = NULL;
    struct stack *stack = start(&keys);
    struct redis_fixture *redis = stack_redis(stack);
    const char *socket = redis_fixture_address(redis) + strlen("unix:");
    pid_t api = process_pid(stack_api(stack, 0));

    (void)measure_bare(stack, "bare evhttp: 204", NULL);
    const struct reference bare = {
        .rate = measure_bare(stack, "bare evhttp, async LPUSH: 204", socket)};
    const struct {
        struct subject subject;
        const char *method;
        const char *path;
    } rows[] = {
        {{"execute, each a new job", api, redis, true}, "POST", PREFIX "execute/"},
        {{"execute, 10,000 accounts", api, redis, false}, "POST", PREFIX "execute/"},
        {{"get_async_status", api, redis, false}, "GET", PREFIX "get_async_status/"},
        {{"openapi.json (no Redis)", api, redis, false}, "GET", PREFIX "openapi.json"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct wrk_options wrk = {.address = stack_api_address(stack, 0),
                                        .method = rows[i].method,
                                        .path = rows[i].path,
                                        .keys = keys,
                                        .connections = CONNECTIONS,
                                        .seconds = SECONDS};
        (void)measure(&rows[i].subject, &wrk, stack_dir(stack), &bare);
        process_forget_output(stack_api(stack, 0)); /* a line a call */
    }
    mem_free(keys);
    stack_free(stack);
}
