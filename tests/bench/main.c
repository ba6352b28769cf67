/* ./dev bench: what the system costs on this machine. Prints figures; judges nothing, since
   machines differ. Quote ratios of one run. */
#include "tests/bench/http.h"
#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/bench/operator.h"
#include "tests/bench/plan.h"
#include "tests/bench/queue_cost.h"
#include "tests/bench/slowloris.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_load(const char *name, const struct load_options *options, size_t workers,
                       double limit_s)
{
    struct load load;
    load_start(&load, options);
    struct load_result result = load_drain(&load, workers);
    load_stop(&load);
    double jobs = (double)options->accounts;
    (void)printf(
        "%-44s %7.3f s %7.0f jobs/s, CPU-s per 1k jobs: worker %.3f, Redis %.3f, simulator "
        "%.3f; %.1f MiB peak",
        name, result.own_s, jobs / result.own_s, result.cpu_s * 1000 / jobs,
        result.redis_cpu_s * 1000 / jobs, result.sim_cpu_s * 1000 / jobs, result.peak_rss_mib);
    if (limit_s > 0) {
        (void)printf("   limit by arithmetic %.2f s: x%.2f", limit_s, result.own_s / limit_s);
    }
    (void)putchar('\n');
}

static void bench_drain(void)
{
    const struct load_options options = {.accounts = 1000, .webhooks = 5, .latency_ms = 20};
    /* 8 rounds of 2 x 64 jobs, each one list and one round of parallel POSTs */
    print_load("1,000 accounts x 5 missing, 20 ms, 2 workers", &options, 2, 8 * 2 * 0.020);
}

static void bench_missing(void)
{
    const struct load_options options = {.accounts = 1, .webhooks = 500, .latency_ms = 20};
    /* one list, and 63 rounds of 8 POSTs */
    print_load("W3: 1 account x 500 missing, 20 ms, 8 at once", &options, 1, 64 * 0.020);
}

static void bench_registered(void)
{
    const struct load_options options = {.accounts = 5000, .webhooks = 5, .registered = 5};
    print_load("W1: 5,000 accounts x 5 registered, 0 ms", &options, 1, 0);
}

static void bench_all_missing(void)
{
    const struct load_options options = {.accounts = 5000, .webhooks = 5};
    print_load("W2: 5,000 accounts x 5 missing, 0 ms", &options, 1, 0);
}

static void bench_accounts(void)
{
    static const char *const env[] = {"OMNIHOOK_CONCURRENCY=200", NULL};
    const struct load_options options = {
        .accounts = 200, .webhooks = 5, .latency_ms = 20, .worker_env = env};
    /* For each account one list and five POSTs, one after the other, as its limit is quoted. */
    print_load("W4: 200 accounts x 5 missing, 20 ms", &options, 1, 6 * 0.020);
}

static void bench_list(void)
{
    const struct load_options options = {
        .accounts = 1, .webhooks = 10000, .registered = 10000, .latency_ms = 20, .page_size = 100};
    /* the first page, and 13 rounds of 8 */
    print_load("1 account x 10,000 registered, 100 a page, 20 ms", &options, 1, 14 * 0.020);
}

/* How much faster more workers are, where waiting for Omnitron is what takes the time. */
static void bench_scale(void)
{
    static const char *const env[] = {"OMNIHOOK_CONCURRENCY=8", NULL};
    static const size_t counts[] = {1, 2, 4, 8};
    double alone_s = 0;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const struct load_options options = {.accounts = 2000,
                                             .webhooks = 5,
                                             .latency_ms = 50,
                                             .worker_env = env,
                                             .early_workers = counts[i]};
        struct load load;
        load_start(&load, &options);
        double own_s = load_drain(&load, 0).own_s;
        load_stop(&load);
        alone_s = i == 0 ? own_s : alone_s;
        (void)printf(
            "Scale: 2,000 jobs x 5 missing, 50 ms, 8 at once, %zu workers %7.2f s %6.0f jobs/s, "
            "speed-up x%.2f (%.2f of the workers)\n",
            counts[i], own_s, (double)options.accounts / own_s, alone_s / own_s,
            alone_s / own_s / (double)counts[i]);
        (void)fflush(stdout);
    }
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void bench_single(void)
{
    enum { ROUNDS = 50 };
    const struct load_options options = {.accounts = 1, .webhooks = 5, .registered = 5};
    struct load load;
    load_start(&load, &options);
    (void)load_drain(&load, 1);
    struct redis_fixture *redis = stack_redis(load.stack);
    int64_t took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = measure_now_us();
        (void)stack_execute(load.stack, "a0");
        while (strcmp(redis_text(redis, "HGET {omnihook}:status:a0 state"), "FINISHED") != 0) {
        }
        took[i] = measure_now_us() - start;
    }
    load_stop(&load);
    qsort(took, ROUNDS, sizeof took[0], by_size);
    int64_t median_us = took[ROUNDS / 2];
    (void)printf("%-44s %7.2f ms median of %d, from the call to FINISHED, HTTP included\n",
                 "Single: one job on an idle system", (double)median_us / 1000, ROUNDS);
}

static void print_memory(struct stack *stack, const char *name)
{
    (void)printf("%-44s %7.2f MiB api %7.2f MiB worker (resident)\n", name,
                 measure_rss_mib(process_pid(stack_api(stack, 0))),
                 measure_rss_mib(process_pid(stack_worker(stack, 0))));
}

static void bench_memory(void)
{
    const struct stack_account account = {
        .name = "a0",
        .webhooks =
            "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example.com/\"}]"};
    const struct stack_options options = {
        .accounts = &account, .account_count = 1, .api_count = 1, .worker_count = 1};
    struct stack *stack = stack_new(&options);
    print_memory(stack, "Memory: idle");
    stack_run(stack, "a0", "FINISHED", 10000);
    print_memory(stack, "Memory: after one job");
    stack_free(stack);
}

static const struct {
    const char *name;
    void (*run)(void);
} benchmarks[] = {
    {"memory", bench_memory},           {"single", bench_single},     {"drain", bench_drain},
    {"registered", bench_registered},   {"list", bench_list},         {"missing", bench_missing},
    {"all-missing", bench_all_missing}, {"accounts", bench_accounts}, {"http", bench_http},
    {"slowloris", slowloris_print},     {"plan", plan_cost_print},    {"queue", queue_cost_print},
    {"operator", operator_cost_print},  {"scale", bench_scale},
};

int main(int argc, char **argv)
{
    bool is_found = false;
    for (size_t i = 0; i < sizeof benchmarks / sizeof benchmarks[0]; i++) {
        if (argc < 2 || strcmp(argv[1], benchmarks[i].name) == 0) {
            is_found = true;
            benchmarks[i].run();
            (void)fflush(stdout);
        }
    }
    if (!is_found) {
        (void)fprintf(stderr, "there is no benchmark '%s'\n", argv[1]);
    }
    return is_found ? 0 : 2;
}
