#include "tests/bench/plan.h"

#include "common/mem.h"
#include "common/planner.h"
#include "common/strbuf.h"
#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/support/temp_dir.h"

#include <stdio.h>
#include <stdlib.h>

enum { WEBHOOKS = 10000, REGISTERED = 9000, ROUNDS = 20, TEXT_MAX = 256 * 1024 * 1024 };

static const char key_alone[] = "\"event_type\":\"package.created\"";

/* Every field named, so that each row is compared in full. */
static const char all_fields[] =
    "\"event_type\":\"package.created\",\"is_active\":true,\"secret_key\":\"s3cret\","
    "\"callback\":null,\"retry_countdown_config\":{\"choice\":\"exponential\",\"kwargs\":"
    "{\"base\":2,\"limit\":600}},\"additional_headers\":{\"Authorization\":\"Token 0123456789\"},"
    "\"config\":{\"auth\":{\"user\":\"erp\",\"password\":\"pw\"}}";

static struct settings *load_settings(const char *fields)
{
    struct strbuf text;
    strbuf_init(&text, TEXT_MAX);
    strbuf_addf(&text,
                "{\"accounts\":{\"a0\":{\"api_keys\":[\"sha256:%064d\"],\"omnitron\":"
                "{\"url\":\"http://127.0.0.1:1/\",\"token\":\"t\"},\"OMNITRON_WEBHOOKS\":[",
                1);
    for (int i = 0; i < WEBHOOKS; i++) {
        strbuf_addf(&text, "%s{\"target_url\":\"https://erp.example.com/hooks/%d\",%s}",
                    i == 0 ? "" : ",", i, fields);
    }
    strbuf_add_text(&text, "]}}}");
    struct temp_dir *dir = temp_dir_new();
    temp_dir_replace_file(dir, "settings.json", text.bytes);
    strbuf_clear(&text);
    struct service_config config = {.settings_path = temp_dir_join(dir, "settings.json")};
    char *environment[] = {NULL};
    struct faults faults = {0};
    struct settings *settings = settings_load(&config, environment, &faults);
    if (settings == NULL) {
        (void)fprintf(stderr, "settings: %s\n", faults.lines[0]);
        exit(1);
    }
    faults_clear(&faults);
    mem_free(config.settings_path);
    temp_dir_free(dir);
    return settings;
}

static struct hook_list *make_list(void)
{
    struct hook_list *list = mem_new(1, sizeof *list);
    struct strbuf text;
    strbuf_init(&text, TEXT_MAX);
    list->hooks = mem_new(REGISTERED, sizeof *list->hooks);
    for (int i = 0; i < REGISTERED; i++) {
        strbuf_reset(&text);
        strbuf_addf(&text, "{\"id\":%d,\"target_url\":\"https://erp.example.com/hooks/%d\",%s}",
                    i + 1, i, all_fields);
        const struct json_slice row = {text.bytes, text.size};
        struct error err;
        if (!registered_hook_parse(&list->hooks[list->count++], &row, &err)) {
            (void)fprintf(stderr, "row: %s\n", err.text);
            exit(1);
        }
    }
    strbuf_clear(&text);
    return list;
}

static void print_planning(const char *name, const char *fields)
{
    struct settings *settings = load_settings(fields);
    const struct account *account = settings_find_account(settings, "a0");
    struct hook_list *list = make_list();
    double start_s = measure_own_cpu_s();
    for (int i = 0; i < ROUNDS; i++) {
        struct plan *plan = plan_make(account, list);
        if (plan->counts[PLAN_CREATE] != WEBHOOKS - REGISTERED ||
            plan->counts[PLAN_REGISTERED] != REGISTERED) {
            (void)fprintf(stderr, "wrong plan\n");
            exit(1);
        }
        plan_free(plan);
    }
    (void)printf("%-44s %7.2f ms of CPU (mean of %d; goal: below 50)\n", name,
                 (measure_own_cpu_s() - start_s) * 1000 / ROUNDS, ROUNDS);
    hook_list_free(list);
    settings_unref(settings);
}

static void print_run(const char *fields)
{
    const struct load_options options = {
        .accounts = 1, .webhooks = WEBHOOKS, .registered = REGISTERED, .fields = fields};
    struct load load;
    load_start(&load, &options);
    struct load_result result = load_drain(&load, 1);
    load_stop(&load);
    (void)printf("%-44s %7.2f s %9.2f CPU-s %29.1f MiB peak (goal: below 64)\n",
                 "  registered by a worker, 0 ms", result.own_s, result.cpu_s, result.peak_rss_mib);
}

void plan_cost_print(void)
{
    print_planning("Plan: 10,000 webhooks, 9,000 registered", key_alone);
    print_run(key_alone);
    print_planning("  the same, every field named", all_fields);
    print_run(all_fields);
}
