/* All rows in one run, on the same cores: only their ratios mean something on another machine.
   Redis is reached by a unix socket, by all of them. */
#include "tests/bench/http.h"

#include "common/mem.h"
#include "tests/bench/measure.h"
#include "tests/bench/wrk.h"
#include "tests/support/stack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ACCOUNTS = 10000,
    CONNECTIONS = 64,
    ROUNDS = 24,
    SECONDS = 1,
    FLUSH_ABOVE = 9000,
    START_LIMIT_MS = 10000
};

#define PREFIX "/api/v1/oms/setup/webhooks/"

/* What is measured: a call of the API, or of a bare server that runs for the round alone. Both get
   the same requests. */
struct row {
    const char *name;
    const char *method;
    const char *path;
    bool is_bare;
    bool
        is_flushed; /* the jobs are taken away again and again, so that each call makes a new one */
    bool is_warm;   /* each account has a job before the measurement begins */
    bool has_redis; /* a bare one's */
};

static const struct row rows[] = {
    {"bare evhttp: 204", "POST", PREFIX "execute/", .is_bare = true},
    {"bare evhttp, async LPUSH: 204", "POST", PREFIX "execute/", .is_bare = true,
     .has_redis = true},
    {"execute, each a new job", "POST", PREFIX "execute/", .is_flushed = true},
    {"execute, 10,000 accounts", "POST", PREFIX "execute/", .is_warm = true},
    {"get_async_status", "GET", PREFIX "get_async_status/", .is_warm = true},
    {"openapi.json (no Redis)", "GET", PREFIX "openapi.json", .is_warm = false},
};
enum { ROWS = sizeof rows / sizeof *rows, BARE_LPUSH = 1, EXECUTE = 3 };

enum figure { RATE, P50_MS, P99_MS, CPU_S, REDIS_CPU_S, RSS_MIB, ERRORS, FIGURES };

/* All rows are measured in each round, each time in another order: the machine's pace changes
   within seconds, by a factor of two. So rates and costs are means over all rounds (as their
   seconds are equal, a rate is all requests by all seconds), and their ratio is printed: a median
   would be that of the one pace or the other. Latencies are medians. */
struct results {
    double values[FIGURES][ROWS][ROUNDS];
};

static void print_row(const struct results *results, size_t row)
{
    double figures[FIGURES];
    for (size_t i = 0; i < FIGURES; i++) {
        bool is_latency = i == P50_MS || i == P99_MS;
        figures[i] = is_latency ? measure_median(results->values[i][row], ROUNDS)
                                : measure_mean(results->values[i][row], ROUNDS);
    }
    (void)printf("%-30s %7.0f req/s  p50 %5.2f p99 %5.2f ms  %5.2f CPU-s per 100k (Redis %5.2f)"
                 "  %.1f MiB",
                 rows[row].name, figures[RATE], figures[P50_MS], figures[P99_MS], figures[CPU_S],
                 figures[REDIS_CPU_S], figures[RSS_MIB]);
    if (!rows[row].is_bare) {
        (void)printf("  %3.0f %% of bare LPUSH",
                     100 * figures[RATE] / measure_mean(results->values[RATE][BARE_LPUSH], ROUNDS));
    }
    if (figures[ERRORS] > 0) {
        (void)printf("  %.0f ERRORS", figures[ERRORS] * ROUNDS);
    }
    (void)putchar('\n');
}

static struct process *start_bare(struct stack *stack, bool has_redis, char address[64])
{
    const char *socket = redis_fixture_address(stack_redis(stack)) + strlen("unix:");
    const char *const argv[] = {TEST_BIN_DIR "/omnihook-bench-bare", has_redis ? socket : NULL,
                                NULL};
    const struct process_options options = {.name = "bare", .argv = argv, .dir = stack_dir(stack)};
    struct process *server = process_start(&options);
    (void)process_line_value(
        process_wait_line(server, PROCESS_STDERR, "event=listening ", START_LIMIT_MS), "address",
        address, 64);
    return server;
}

static struct wrk *start_wrk(struct stack *stack, const char *address, const struct row *row,
                             const char *keys)
{
    const struct wrk_options options = {.address = address,
                                        .method = row->method,
                                        .path = row->path,
                                        .keys = keys,
                                        .connections = CONNECTIONS,
                                        .seconds = SECONDS};
    return wrk_start(&options, stack_dir(stack));
}

/* Calls execute for each account at least once. */
static void warm_up(struct stack *stack, const char *keys)
{
    struct wrk_result result =
        wrk_finish(start_wrk(stack, stack_api_address(stack, 0), &rows[EXECUTE], keys));
    if (result.requests < ACCOUNTS) {
        (void)fprintf(stderr, "only %" PRId64 " calls in the warm-up\n", result.requests);
        exit(1);
    }
}

static void measure(struct stack *stack, const struct row *row, const char *keys,
                    double figures[FIGURES])
{
    struct redis_fixture *redis = stack_redis(stack);
    char address[64];
    struct process *bare = row->is_bare ? start_bare(stack, row->has_redis, address) : NULL;
    pid_t server = process_pid(row->is_bare ? bare : stack_api(stack, 0));
    pid_t redis_server = (pid_t)strtol(
        strstr(redis_text(redis, "INFO server"), "process_id:") + strlen("process_id:"), NULL, 10);
    if (row->is_warm && redis_int(redis, "LLEN {omnihook}:queue") < ACCOUNTS) {
        warm_up(stack, keys);
    }
    double before = measure_cpu_s(server);
    double redis_before = measure_cpu_s(redis_server);
    const char *called = row->is_bare ? address : stack_api_address(stack, 0);
    struct wrk *wrk = start_wrk(stack, called, row, keys);
    while (row->is_flushed && wrk_is_running(wrk)) {
        if (redis_int(redis, "LLEN {omnihook}:queue") > FLUSH_ABOVE) {
            redis_do(redis, "FLUSHDB ASYNC");
        }
        (void)usleep(20000);
    }
    struct wrk_result result = wrk_finish(wrk);
    double per_100k = 1e5 / (double)result.requests;
    figures[RATE] = (double)result.requests / result.seconds;
    figures[P50_MS] = result.p50_ms;
    figures[P99_MS] = result.p99_ms;
    figures[CPU_S] = (measure_cpu_s(server) - before) * per_100k;
    figures[REDIS_CPU_S] = (measure_cpu_s(redis_server) - redis_before) * per_100k;
    figures[RSS_MIB] = measure_rss_mib(server);
    figures[ERRORS] = (double)result.errors;
    process_free(bare);
    process_forget_output(stack_api(stack, 0)); /* a line a call */
    redis_do(redis, row->is_flushed ? "FLUSHDB" : "DEL bare");
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

static void measure_round(struct stack *stack, const char *keys, struct results *results,
                          size_t round)
{
    for (size_t i = 0; i < ROWS; i++) {
        size_t row = (i + round) % ROWS;
        double figures[FIGURES];
        measure(stack, &rows[row], keys, figures);
        for (size_t j = 0; j < FIGURES; j++) {
            results->values[j][row][round] = figures[j];
        }
    }
}

void bench_http(void)
{
    static struct results results;
    char *keys = NULL;
    struct stack *stack = start(&keys);
    for (size_t round = 0; round < ROUNDS; round++) {
        measure_round(stack, keys, &results, round);
    }
    for (size_t row = 0; row < ROWS; row++) {
        print_row(&results, row);
    }
    mem_free(keys);
    stack_free(stack);
}
