#include "tests/bench/load.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/bench/measure.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 * 1024 * 1024, DRAIN_LIMIT_S = 300 };

static const char event_type[] = "\"event_type\":\"package.created\"";

static const char *fields_of(const struct load_options *options)
{
    return options->fields == NULL ? event_type : options->fields;
}

static char *webhooks_text(const struct load_options *options)
{
    struct strbuf text;
    strbuf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < options->webhooks; i++) {
        strbuf_addf(&text, "%s{\"target_url\":\"https://erp.example.com/hooks/%zu\",%s}",
                    i == 0 ? "[" : ",", i, fields_of(options));
    }
    strbuf_add_text(&text, "]");
    return strbuf_take(&text);
}

static void seed(struct load *load)
{
    struct strbuf text;
    strbuf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < load->options.accounts; i++) {
        strbuf_addf(&text,
                    "%s{\"username\":\"a%zu\",\"count\":%zu,"
                    "\"target_prefix\":\"https://erp.example.com/hooks/\",%s}",
                    i == 0 ? "[" : ",", i, load->options.registered, fields_of(&load->options));
    }
    strbuf_add_text(&text, "]");
    sim_seed(stack_sim(load->stack), text.bytes);
    strbuf_clear(&text);
}

void load_start(struct load *load, const struct load_options *options)
{
    load->options = *options;
    char *webhooks = webhooks_text(options);
    struct stack_account *accounts = mem_new(options->accounts, sizeof *accounts);
    char(*names)[24] = mem_new(options->accounts, sizeof *names);
    for (size_t i = 0; i < options->accounts; i++) {
        (void)snprintf(names[i], sizeof names[i], "a%zu", i);
        accounts[i] = (struct stack_account){.name = names[i], .webhooks = webhooks};
    }
    const struct stack_options stack_options = {
        .accounts = accounts, .account_count = options->accounts, .api_count = 1};
    load->stack = stack_new(&stack_options);
    if (options->registered > 0) {
        seed(load);
    }
    char settings[64];
    (void)snprintf(settings, sizeof settings, "{\"latency_ms\":%d,\"max_page_size\":%d}",
                   options->latency_ms, options->page_size > 0 ? options->page_size : 1000);
    sim_set(stack_sim(load->stack), settings);
    for (size_t i = 0; i < options->early_workers; i++) {
        (void)stack_start_worker(load->stack, options->worker_env);
    }
    for (size_t i = 0; i < options->accounts; i++) {
        if (stack_execute(load->stack, names[i]) != 204) {
            (void)fprintf(stderr, "execute was not accepted\n");
            exit(1);
        }
    }
    mem_free(names);
    mem_free(accounts);
    mem_free(webhooks);
}

static bool is_drained(void *arg)
{
    return redis_int(arg, "SCARD {omnihook}:active") == 0;
}

static void check(struct load *load)
{
    struct redis_fixture *redis = stack_redis(load->stack);
    struct sim *sim = stack_sim(load->stack);
    int64_t finished = redis_int(redis, "HGET {omnihook}:totals finished");
    json_t *counters = sim_counters(sim);
    size_t doubles = json_array_size(json_object_get(counters, "duplicates"));
    json_decref(counters);
    size_t hooks = 0;
    char name[24];
    for (size_t i = 0; i < load->options.accounts; i += 1 + load->options.accounts / 50) {
        (void)snprintf(name, sizeof name, "a%zu", i);
        hooks += sim_hook_count(sim, name) != load->options.webhooks;
    }
    if (finished != (int64_t)load->options.accounts || doubles != 0 || hooks != 0) {
        (void)fprintf(stderr, "wrong result: %ld of %zu finished, %zu doubles, %zu incomplete\n",
                      (long)finished, load->options.accounts, doubles, hooks);
        exit(1);
    }
}

/* Seconds of the day of a time as the status has it: "2026-01-31T10:20:30.123Z". */
static double seconds_of(const char *time)
{
    const char *clock = time == NULL ? NULL : strchr(time, 'T');
    if (clock == NULL) {
        (void)fprintf(stderr, "a status without its times\n");
        exit(1);
    }
    char *end = NULL;
    double hours = (double)strtol(clock + 1, &end, 10);
    double minutes = (double)strtol(end + 1, &end, 10);
    return hours * 3600 + minutes * 60 + strtod(end + 1, NULL);
}

static double own_seconds(struct load *load)
{
    struct redis_fixture *redis = stack_redis(load->stack);
    double first = 0;
    double last = 0;
    for (size_t i = 0; i < load->options.accounts; i++) {
        char status[64];
        (void)snprintf(status, sizeof status, "{omnihook}:status:a%zu", i);
        const struct redis_list *times =
            redis_list(redis, "HMGET %s started_at finished_at", status);
        double start = seconds_of(times->items[0]);
        double end = seconds_of(times->items[1]);
        first = i == 0 || start < first ? start : first;
        last = end > last ? end : last;
    }
    return last - first;
}

static double redis_cpu_s(struct load *load)
{
    struct redis_fixture *redis = stack_redis(load->stack);
    return measure_cpu_s((pid_t)redis_int(redis, "EVAL %s 0",
                                          "return redis.call('INFO', 'server'):match("
                                          "'process_id:(%d+)')"));
}

struct load_result load_drain(struct load *load, size_t workers)
{
    struct load_result result = {
        .redis_cpu_s = -redis_cpu_s(load),
        .sim_cpu_s = -measure_cpu_s(sim_pid(stack_sim(load->stack))),
    };
    int64_t start = measure_now_us();
    size_t early = load->options.early_workers;
    for (size_t i = early; i < early + workers; i++) {
        (void)stack_start_worker(load->stack, load->options.worker_env);
        /* Reading the settings of so many accounts is no job's cost. */
        result.cpu_s -= measure_cpu_s(process_pid(stack_worker(load->stack, i)));
    }
    if (!wait_until(is_drained, stack_redis(load->stack), INT64_C(1000) * DRAIN_LIMIT_S)) {
        stack_print_logs(load->stack);
        exit(1);
    }
    result.seconds = (double)(measure_now_us() - start) / 1e6;
    result.redis_cpu_s += redis_cpu_s(load);
    result.sim_cpu_s += measure_cpu_s(sim_pid(stack_sim(load->stack)));
    for (size_t i = early; i < early + workers; i++) {
        pid_t pid = process_pid(stack_worker(load->stack, i));
        result.cpu_s += measure_cpu_s(pid);
        double peak = measure_peak_rss_mib(pid);
        result.peak_rss_mib = peak > result.peak_rss_mib ? peak : result.peak_rss_mib;
    }
    check(load);
    result.own_s = own_seconds(load);
    return result;
}

void load_stop(struct load *load)
{
    stack_free(load->stack);
}
