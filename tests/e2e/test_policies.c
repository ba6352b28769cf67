/* The policies `inactive` and `drift`: what is_required, plan and execute make of a webhook that is
   registered otherwise than the setting has it, and that none of them shows a secret. */
#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 20000 };

#define PATCHES "PATCH /whisperer/hooks/{id}/"
#define KEY "\"event_type\":\"package.created\",\"target_url\":\"https://e.example/a\""

/* All that is secret of a webhook, as wanted and as registered. */
#define SECRETS(which)                                                                             \
    "\"secret_key\":\"" which "-s3cret\","                                                         \
    "\"additional_headers\":{\"Authorization\":\"Token " which "-h3ader\"},"                       \
    "\"config\":{\"auth\":{\"user\":\"erp\",\"password\":\"" which "-pa55\"}}"
#define WANTED "[{" KEY "," SECRETS("wanted") "}]"
/* The callback is not in the setting: it is nobody's drift, and stays. */
#define REGISTERED                                                                                 \
    "{\"username\":\"acme\"," KEY "," SECRETS("other") ",\"callback\":\"orders.done\"}"
#define INACTIVE "{\"username\":\"acme\"," KEY ",\"is_active\":false}"
#define ACTIVE "{\"username\":\"acme\"," KEY "}"

static const struct stack_account reporting = {.name = "acme", .webhooks = WANTED};
static const struct stack_account updating = {
    .name = "acme", .webhooks = WANTED, .extra = "{\"drift\":\"update\"}"};
static const struct stack_account ignoring = {
    .name = "acme", .webhooks = WANTED, .extra = "{\"drift\":\"ignore\"}"};
static const struct stack_account keeping = {
    .name = "acme", .webhooks = "[{" KEY "}]", .extra = "{\"inactive\":\"keep\"}"};
static const struct stack_account pausing = {.name = "acme",
                                             .webhooks = "[{" KEY ",\"is_active\":false}]"};
/* Every kind of countdown, written in ways that the server stores otherwise. */
static const struct stack_account counting = {
    .name = "acme",
    .extra = "{\"drift\":\"update\"}",
    .webhooks = "[{\"event_type\":\"e.1\",\"target_url\":\"https://e.example/\","
                "\"retry_countdown_config\":{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":30}}},"
                "{\"event_type\":\"e.2\",\"target_url\":\"https://e.example/\","
                "\"retry_countdown_config\":{\"choice\":\"linear\",\"kwargs\":{\"base\":5,"
                "\"limit\":null}}},"
                "{\"event_type\":\"e.3\",\"target_url\":\"https://e.example/\","
                "\"retry_countdown_config\":{\"choice\":\"exponential\",\"kwargs\":{\"base\":2}}},"
                "{\"event_type\":\"e.4\",\"target_url\":\"https://e.example/\","
                "\"retry_countdown_config\":{\"choice\":\"random\",\"kwargs\":{\"min_value\":1,"
                "\"max_value\":9}}},"
                "{\"event_type\":\"e.5\",\"target_url\":\"https://e.example/\\u00e7\","
                "\"callback\":null,\"secret_key\":null,\"additional_headers\":{},\"config\":{}}]"};

#define STACK_OF(account)                                                                          \
    {.accounts = &(account), .account_count = 1, .api_count = 1, .worker_count = 1}
static struct stack_options reports = STACK_OF(reporting);
static struct stack_options updates = STACK_OF(updating);
static struct stack_options ignores = STACK_OF(ignoring);
static struct stack_options keeps = STACK_OF(keeping);
static struct stack_options pauses = STACK_OF(pausing);
static struct stack_options counts = STACK_OF(counting);

/* ---- What is shown ---- */

static void assert_hides_secrets(const char *where, const char *text)
{
    static const char *const secrets[] = {"wanted-s3cret", "wanted-h3ader", "wanted-pa55",
                                          "other-s3cret",  "other-h3ader",  "other-pa55"};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (strstr(text, secrets[i]) != NULL) {
            fail_because("%s shows %s", where, secrets[i]);
        }
    }
}

static void assert_log_hides_secrets(const struct process *process)
{
    char *log = process_read(process, PROCESS_STDERR);
    assert_hides_secrets("a log", log);
    mem_free(log);
}

/* Every value in Redis, as one text. */
static const char all_values[] = "local all = {} "
                                 "for _, key in ipairs(redis.call('KEYS', '*')) do "
                                 "  local kind = redis.call('TYPE', key).ok "
                                 "  local value = kind == 'string' and {redis.call('GET', key)} "
                                 "    or kind == 'hash' and redis.call('HGETALL', key) "
                                 "    or kind == 'list' and redis.call('LRANGE', key, 0, -1) "
                                 "    or kind == 'set' and redis.call('SMEMBERS', key) "
                                 "    or redis.call('ZRANGE', key, 0, -1) "
                                 "  all[#all + 1] = key .. '=' .. table.concat(value, ' ') "
                                 "end "
                                 "return table.concat(all, '\\n')";

static void assert_nothing_shows_a_secret(struct stack *stack)
{
    struct http_answer *plan = stack_call(stack, "acme", "GET", "plan/");
    struct http_answer *report = stack_call(stack, "acme", "GET", "report/");
    assert_int_equal(plan->status, 200);
    assert_int_equal(report->status, 200);
    assert_hides_secrets("the plan", plan->body);
    assert_hides_secrets("the report", report->body);
    http_answer_free(plan);
    http_answer_free(report);
    assert_hides_secrets("Redis", redis_text(stack_redis(stack), "EVAL %s 0", all_values));
    assert_log_hides_secrets(stack_api(stack, 0));
    assert_log_hides_secrets(stack_worker(stack, 0));
}

/* The plan has one webhook, with this action and these fields ("a b"). */
static void assert_plan(struct stack *stack, const char *action, const char *fields)
{
    struct http_answer *answer = stack_call(stack, "acme", "GET", "plan/");
    json_t *webhook = json_array_get(json_object_get(answer->json, "webhooks"), 0);
    char named[256] = "";
    size_t i = 0;
    json_t *field = NULL;
    json_array_foreach(json_object_get(webhook, "fields"), i, field)
    {
        size_t used = strlen(named);
        (void)snprintf(named + used, sizeof named - used, "%s%s", used == 0 ? "" : " ",
                       json_string_value(field));
    }
    assert_string_equal(json_string_value(json_object_get(webhook, "action")), action);
    assert_string_equal(named, fields);
    http_answer_free(answer);
}

static void assert_outcome(struct stack *stack, const char *outcome)
{
    json_t *report = stack_report(stack, "acme");
    json_t *webhook = json_array_get(json_object_get(report, "webhooks"), 0);
    assert_string_equal(json_string_value(json_object_get(webhook, "outcome")), outcome);
    json_decref(report);
}

/* A text of the only row that the simulator has; its depth is 1. */
static void assert_row(struct stack *stack, const char *field, const char *text)
{
    json_t *hooks = sim_hooks(stack_sim(stack), "acme");
    assert_int_equal(json_array_size(hooks), 1);
    const char *is = json_string_value(json_object_get(json_array_get(hooks, 0), field));
    assert_non_null(is);
    assert_string_equal(is, text);
    json_decref(hooks);
}

static void assert_row_is_active(struct stack *stack, bool is_active)
{
    json_t *hooks = sim_hooks(stack_sim(stack), "acme");
    assert_int_equal(json_array_size(hooks), 1);
    assert_true(json_is_true(json_object_get(json_array_get(hooks, 0), "is_active")) == is_active);
    json_decref(hooks);
}

/* ---- drift ---- */

static void drift_is_reported_and_nothing_is_changed(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), REGISTERED);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
    assert_plan(stack, "drifted", "secret_key additional_headers config");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "drifted");
    assert_row(stack, "secret_key", "other-s3cret");
    assert_int_equal(sim_route_count(stack_sim(stack), PATCHES, 0), 0);
    assert_nothing_shows_a_secret(stack);
}

static void drift_is_updated_in_the_named_fields_alone(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), REGISTERED);
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    assert_plan(stack, "update", "secret_key additional_headers config");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "updated");
    assert_row(stack, "secret_key", "wanted-s3cret");
    assert_row(stack, "callback", "orders.done");
    assert_int_equal(sim_route_count(stack_sim(stack), PATCHES, 200), 1);
    assert_nothing_shows_a_secret(stack);

    assert_string_equal(stack_is_required(stack, "acme"), "false");
    assert_plan(stack, "registered", "");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "already");
    assert_int_equal(sim_route_count(stack_sim(stack), PATCHES, 0), 1);
}

static void drift_is_ignored(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), REGISTERED);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
    assert_plan(stack, "registered", "");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "already");
    assert_row(stack, "secret_key", "other-s3cret");
}

static void an_update_that_is_refused_shows_no_secret(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), REGISTERED);
    sim_fault(stack_sim(stack),
              "{\"method\":\"PATCH\",\"times\":-1,\"action\":{\"status\":400,\"json\":{"
              "\"secret_key\":[\"wanted-s3cret is in use.\"],"
              "\"config\":{\"auth\":{\"password\":[\"wanted-pa55 is weak.\"]}}}}}");
    stack_run(stack, "acme", "FAILED", LIMIT_MS);
    assert_outcome(stack, "failed");
    json_t *report = stack_report(stack, "acme");
    const char *error = json_string_value(json_object_get(report, "error"));
    assert_non_null(strstr(error, "secret_key: *** is in use."));
    json_decref(report);
    assert_nothing_shows_a_secret(stack);
}

static void what_the_server_stores_otherwise_is_no_drift(void **state)
{
    struct stack *stack = *state;
    struct sim *sim = stack_sim(stack);
    static const char *const servers[] = {"{\"exponential_factor\":false}",
                                          "{\"exponential_factor\":true}"};
    for (size_t i = 0; i < 2; i++) {
        sim_set(sim, servers[i]);
        if (i > 0) {
            stack_set_webhooks(stack, "acme",
                               "[{\"event_type\":\"e.6\",\"target_url\":\"https://e.example/\","
                               "\"retry_countdown_config\":{\"choice\":\"exponential\","
                               "\"kwargs\":{\"base\":3}}}]");
        }
        stack_run(stack, "acme", "FINISHED", LIMIT_MS);
        assert_outcome(stack, "created");
        assert_string_equal(stack_is_required(stack, "acme"), "false");
        stack_run(stack, "acme", "FINISHED", LIMIT_MS);
        assert_outcome(stack, "already");
    }
    assert_int_equal(sim_route_count(sim, PATCHES, 0), 0);
}

/* ---- inactive ---- */

static void an_inactive_webhook_is_kept_and_told(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), INACTIVE);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
    assert_plan(stack, "registered", "");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "already");
    assert_row_is_active(stack, false);
    json_t *report = stack_report(stack, "acme");
    json_t *warning = json_array_get(json_object_get(report, "warnings"), 0);
    assert_string_equal(json_string_value(json_object_get(warning, "warning")), "inactive");
    json_decref(report);
}

static void a_reactivation_brings_the_drifting_fields_along(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), INACTIVE);
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    assert_plan(stack, "reactivate", "is_active secret_key additional_headers config");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "reactivated");
    assert_row_is_active(stack, true);
    assert_row(stack, "secret_key", "wanted-s3cret");
    assert_int_equal(sim_route_count(stack_sim(stack), PATCHES, 200), 1);
}

static void a_reactivation_leaves_the_rest_when_drift_is_only_reported(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), INACTIVE);
    assert_plan(stack, "reactivate", "is_active");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "reactivated");
    assert_row_is_active(stack, true);
    /* Then it drifts, which is reported. */
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "drifted");
}

static void a_webhook_wanted_inactive_is_created_so(void **state)
{
    struct stack *stack = *state;
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "created");
    assert_row_is_active(stack, false);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
}

static void a_webhook_wanted_inactive_that_is_active_has_drifted(void **state)
{
    struct stack *stack = *state;
    sim_seed(stack_sim(stack), ACTIVE);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
    assert_plan(stack, "drifted", "is_active");
    json_object_set_new(stack_settings(stack, "acme"), "drift", json_string("update"));
    stack_write_settings(stack);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_outcome(stack, "updated");
    assert_row_is_active(stack, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(drift_is_reported_and_nothing_is_changed, &reports),
        STACK_TEST(drift_is_updated_in_the_named_fields_alone, &updates),
        STACK_TEST(drift_is_ignored, &ignores),
        STACK_TEST(an_update_that_is_refused_shows_no_secret, &updates),
        STACK_TEST(what_the_server_stores_otherwise_is_no_drift, &counts),
        STACK_TEST(an_inactive_webhook_is_kept_and_told, &keeps),
        STACK_TEST(a_reactivation_brings_the_drifting_fields_along, &updates),
        STACK_TEST(a_reactivation_leaves_the_rest_when_drift_is_only_reported, &reports),
        STACK_TEST(a_webhook_wanted_inactive_is_created_so, &pauses),
        STACK_TEST(a_webhook_wanted_inactive_that_is_active_has_drifted, &pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
