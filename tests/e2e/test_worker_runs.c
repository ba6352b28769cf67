/* What becomes of webhooks when omnihook-worker runs a job: every outcome, and every end. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/webhooks.h"
#include "tests/support/worker_fixture.h"

#include <string.h>

#define HOOKS "/whisperer/hooks/"
#define EMPTY_LIST "{\"count\":0,\"next\":null,\"previous\":null,\"results\":[]}"
#define WEBHOOK(last)                                                                              \
    "{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/" last "\"}"
#define ROW_A                                                                                      \
    "{\"username\":\"acme\",\"event_type\":\"package.created\","                                   \
    "\"target_url\":\"https://e.example/a\"}"
#define INACTIVE_ROW_A                                                                             \
    "{\"username\":\"acme\",\"event_type\":\"package.created\","                                   \
    "\"target_url\":\"https://e.example/a\",\"is_active\":false}"
/* The first list, or all lists, show nothing. */
#define LIST_IS_EMPTY(times)                                                                       \
    "{\"method\":\"GET\",\"path\":\"" HOOKS "\",\"times\":" times                                  \
    ",\"action\":{\"json\":" EMPTY_LIST "}}"

enum { LIMIT_MS = 10000, LONG_LIMIT_MS = 20000 };

static const char *const fast_retries[] = {"OMNIHOOK_RETRY_BASE_MS=10", "OMNIHOOK_RETRY_MAX_MS=20",
                                           "OMNIHOOK_JOB_ATTEMPTS=2", NULL};
static const char *const one_short_attempt[] = {"OMNIHOOK_JOB_ATTEMPTS=1",
                                                "OMNIHOOK_JOB_TIMEOUT_MS=400", NULL};
static const char *const two_at_once[] = {"OMNIHOOK_CONCURRENCY=2", NULL};

#define WITH_CALLBACK                                                                              \
    "[{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/a\","                 \
    "\"callback\":\"orders.done\"}]"
static const struct stack_account acme = {.name = "acme",
                                          .webhooks = "[" WEBHOOK("a") "," WEBHOOK("b") "]"};
static const struct stack_account updating = {
    .name = "acme", .webhooks = WITH_CALLBACK, .extra = "{\"drift\":\"update\"}"};
static const struct stack_account reporting = {.name = "acme", .webhooks = WITH_CALLBACK};
static const struct stack_account many[] = {
    {.name = "a", .webhooks = "[" WEBHOOK("a") "]"},
    {.name = "b", .webhooks = "[" WEBHOOK("a") "]"},
    {.name = "c", .webhooks = "[" WEBHOOK("a") "]"},
    {.name = "d", .webhooks = "[" WEBHOOK("a") "]"},
    {.name = "e", .webhooks = "[" WEBHOOK("a") "]"},
};
enum { MANY = 5 };

static struct stack_options one_account = {
    .accounts = &acme, .account_count = 1, .worker_count = 1, .env = fast_retries};
static struct stack_options updating_account = {
    .accounts = &updating, .account_count = 1, .worker_count = 1, .env = fast_retries};
static struct stack_options reporting_account = {
    .accounts = &reporting, .account_count = 1, .worker_count = 1, .env = fast_retries};
static struct stack_options impatient = {
    .accounts = &acme, .account_count = 1, .worker_count = 1, .env = one_short_attempt};
static struct stack_options narrow = {
    .accounts = many, .account_count = MANY, .worker_count = 1, .env = two_at_once};

/* Since the counters were reset, if nothing else has been asked of the simulator in between: its
   counters are asked for over a connection of their own. */
static int64_t workers_connections(struct worker_fixture *fixture)
{
    return sim_counter(fixture->sim, "connections") - 1;
}

/* ---- Outcomes ---- */

static void missing_webhooks_are_created(void **state)
{
    struct worker_fixture *fixture = *state;
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 2);
    assert_int_equal(worker_report_count(fixture, "acme", "created"), 2);
    assert_int_equal(worker_report_number(fixture, "acme", "total"), 2);
    assert_report_outcome(fixture, "acme", 0, "created");
    assert_int_equal(sim_counter(fixture->sim, "list_reads"), 1);
}

static void registered_webhooks_cost_one_request_on_the_connection_that_is_there(void **state)
{
    struct worker_fixture *fixture = *state;
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    sim_reset_counters(fixture->sim);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(workers_connections(fixture), 0);
    assert_int_equal(sim_counter(fixture->sim, "requests"), 1);
    assert_int_equal(worker_report_count(fixture, "acme", "already"), 2);
}

static void an_inactive_webhook_is_reactivated(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, INACTIVE_ROW_A);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "reactivated");
    assert_report_outcome(fixture, "acme", 1, "created");
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 2);
}

static void a_field_that_differs_is_updated_when_the_policy_says_so(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, ROW_A);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "updated");
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "already");
}

static void a_field_that_differs_is_only_reported_by_default(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, ROW_A);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "drifted");
    assert_int_equal(sim_counter(fixture->sim, "requests"), 1);
}

static void a_webhook_that_the_list_missed_counts_as_already_there(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, ROW_A);
    sim_fault(fixture->sim, LIST_IS_EMPTY("1"));
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "already");
    assert_report_outcome(fixture, "acme", 1, "created");
    assert_int_equal(sim_counter(fixture->sim, "duplicate_posts"), 1);
    assert_int_equal(sim_counter(fixture->sim, "lookups"), 1);
}

static void an_inactive_webhook_that_the_list_missed_is_reactivated(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, INACTIVE_ROW_A);
    sim_fault(fixture->sim, LIST_IS_EMPTY("1"));
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "reactivated");
}

static void a_webhook_that_exists_but_cannot_be_seen_gets_a_warning(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, ROW_A);
    sim_fault(fixture->sim, LIST_IS_EMPTY("-1"));
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "already");
    assert_report_warns(fixture, "acme", "not_visible");
}

/* ---- Failures ---- */

static void a_refused_webhook_fails_alone_and_is_not_tried_again(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"name\":\"bad\",\"method\":\"POST\",\"path\":\"" HOOKS "\","
                            "\"times\":-1,\"match\":\"e.example/a\",\"action\":{\"status\":400,"
                            "\"json\":{\"event_type\":[\"unknown type\"]}}}");
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "failed");
    assert_report_outcome(fixture, "acme", 1, "created");
    assert_report_error(fixture, "acme",
                        "1 of 2 webhooks could not be registered; first: package.created -> "
                        "https://e.example/a: ");
    assert_report_error(fixture, "acme", "event_type");
    assert_int_equal(sim_fault_hits(fixture->sim, "bad"), 1);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
}

static void a_failure_that_may_pass_is_attempted_again_until_it_works(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"name\":\"down\",\"method\":\"POST\",\"path\":\"" HOOKS "\","
                            "\"match\":\"e.example/a\",\"times\":3,"
                            "\"action\":{\"status\":503,\"body\":\"<html>\"}}");
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 2);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 2);
}

static void a_failure_that_does_not_pass_fails_after_all_attempts(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"name\":\"down\",\"method\":\"POST\",\"path\":\"" HOOKS "\","
                            "\"match\":\"e.example/a\",\"times\":-1,"
                            "\"action\":{\"status\":503,\"body\":\"<html>\"}}");
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 2);
    assert_report_error(fixture, "acme", "503");
    assert_report_outcome(fixture, "acme", 0, "failed");
    assert_report_outcome(fixture, "acme", 1, "created"); /* by the first attempt */
}

static void a_list_that_failed_is_never_taken_for_an_empty_one(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"GET\",\"path\":\"" HOOKS "\",\"times\":-1,"
                            "\"action\":{\"status\":200,\"body\":\"<html>login</html>\"}}");
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 0);
}

static void a_forbidden_path_ends_the_attempt_with_one_reason(void **state)
{
    struct worker_fixture *fixture = *state;
    char *webhooks = webhooks_print("https://e.example/", 100, "");
    stack_set_webhooks(fixture->stack, "acme", webhooks);
    mem_free(webhooks);
    sim_fault(fixture->sim, "{\"name\":\"forbidden\",\"method\":\"POST\",\"path\":\"" HOOKS "\","
                            "\"times\":-1,\"action\":{\"status\":403,"
                            "\"json\":{\"detail\":\"You do not have permission.\"}}}");
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_report_error(fixture, "acme", "403");
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    assert_in_range(sim_fault_hits(fixture->sim, "forbidden"), 1, 8);
}

static void an_account_that_is_not_configured_fails_with_that_reason(void **state)
{
    struct worker_fixture *fixture = *state;
    worker_run(fixture, "stranger", "FAILED", LIMIT_MS);
    assert_report_error(fixture, "stranger", "not configured");
}

static void a_run_past_its_time_limit_is_a_failed_attempt(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":-1,"
                            "\"match\":\"e.example/a\",\"action\":{\"hang\":true}}");
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_report_error(fixture, "acme", "limit of 400 ms");
    assert_report_outcome(fixture, "acme", 0, "pending");
    assert_report_outcome(fixture, "acme", 1, "created");
}

/* ---- Waiting elsewhere ---- */

static bool is_retrying(void *fixture)
{
    const char *phase = worker_status_field(fixture, "acme", "phase");
    return phase != NULL && strcmp(phase, "retrying") == 0;
}

static void a_long_throttle_parks_the_job_without_counting_an_attempt(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":1,"
                            "\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"6\"},"
                            "\"json\":{\"detail\":\"Request was throttled.\"}}}");
    int64_t start_ms = now_mono_ms();
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(is_retrying, fixture, LIMIT_MS);
    assert_true(now_mono_ms() - start_ms < 5000);
    worker_wait_state(fixture, "acme", "FINISHED", LONG_LIMIT_MS);
    assert_true(now_mono_ms() - start_ms >= 6000 - CLOCK_SLACK_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 2);
}

/* ---- Abort, settings, limits ---- */

static bool two_are_in_flight(void *fixture)
{
    return sim_counter(((struct worker_fixture *)fixture)->sim, "in_flight") == 2;
}

static bool none_is_in_flight(void *fixture)
{
    return sim_counter(((struct worker_fixture *)fixture)->sim, "in_flight") == 0;
}

static void an_abort_ends_calls_to_omnitron_within_a_second(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":-1,"
                            "\"action\":{\"hang\":true}}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(two_are_in_flight, fixture, LIMIT_MS);
    assert_true(desk_abort(fixture->desk, "acme"));
    assert_becomes_true(none_is_in_flight, fixture, 1000);
    worker_wait_state(fixture, "acme", "ABORTED", 1000);
}

static void writes_run_in_parallel_up_to_the_accounts_limit_on_kept_connections(void **state)
{
    struct worker_fixture *fixture = *state;
    char *webhooks = webhooks_print("https://e.example/", 40, "");
    json_t *omnitron = json_object_get(stack_settings(fixture->stack, "acme"), "omnitron");
    json_object_set_new(omnitron, "max_connections", json_integer(4));
    stack_set_webhooks(fixture->stack, "acme", webhooks);
    mem_free(webhooks);
    sim_set(fixture->sim, "{\"latency_ms\":20}");
    sim_reset_counters(fixture->sim);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(workers_connections(fixture), 4);
    assert_int_equal(sim_counter(fixture->sim, "max_in_flight"), 4);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 40);
}

static void a_change_of_settings_in_mid_run_is_applied_by_the_run_that_execute_books(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":2,"
                            "\"action\":{\"delay_ms\":500}}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(two_are_in_flight, fixture, LIMIT_MS);
    stack_set_webhooks(fixture->stack, "acme", "[" WEBHOOK("new") "]");
    assert_int_equal(worker_enqueue(fixture, "acme"), ENQUEUE_RERUN);
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_true(sim_has_hook(fixture->sim, "acme", "package.created", "https://e.example/new"));
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 3);
    assert_int_equal(worker_report_number(fixture, "acme", "total"), 1);
}

static void no_more_runs_than_the_concurrency_are_under_way(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"GET\",\"path\":\"" HOOKS "\",\"times\":-1,"
                            "\"action\":{\"delay_ms\":200}}");
    for (size_t i = 0; i < MANY; i++) {
        (void)worker_enqueue(fixture, many[i].name);
    }
    for (size_t i = 0; i < MANY; i++) {
        worker_wait_state(fixture, many[i].name, "FINISHED", LIMIT_MS);
    }
    assert_int_equal(sim_counter(fixture->sim, "max_in_flight"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(missing_webhooks_are_created, &one_account),
        WORKER_TEST(registered_webhooks_cost_one_request_on_the_connection_that_is_there,
                    &one_account),
        WORKER_TEST(an_inactive_webhook_is_reactivated, &one_account),
        WORKER_TEST(a_field_that_differs_is_updated_when_the_policy_says_so, &updating_account),
        WORKER_TEST(a_field_that_differs_is_only_reported_by_default, &reporting_account),
        WORKER_TEST(a_webhook_that_the_list_missed_counts_as_already_there, &one_account),
        WORKER_TEST(an_inactive_webhook_that_the_list_missed_is_reactivated, &one_account),
        WORKER_TEST(a_webhook_that_exists_but_cannot_be_seen_gets_a_warning, &one_account),
        WORKER_TEST(a_refused_webhook_fails_alone_and_is_not_tried_again, &one_account),
        WORKER_TEST(a_failure_that_may_pass_is_attempted_again_until_it_works, &one_account),
        WORKER_TEST(a_failure_that_does_not_pass_fails_after_all_attempts, &one_account),
        WORKER_TEST(a_list_that_failed_is_never_taken_for_an_empty_one, &one_account),
        WORKER_TEST(a_forbidden_path_ends_the_attempt_with_one_reason, &one_account),
        WORKER_TEST(an_account_that_is_not_configured_fails_with_that_reason, &one_account),
        WORKER_TEST(a_run_past_its_time_limit_is_a_failed_attempt, &impatient),
        WORKER_TEST(a_long_throttle_parks_the_job_without_counting_an_attempt, &one_account),
        WORKER_TEST(an_abort_ends_calls_to_omnitron_within_a_second, &one_account),
        WORKER_TEST(writes_run_in_parallel_up_to_the_accounts_limit_on_kept_connections,
                    &one_account),
        WORKER_TEST(a_change_of_settings_in_mid_run_is_applied_by_the_run_that_execute_books,
                    &one_account),
        WORKER_TEST(no_more_runs_than_the_concurrency_are_under_way, &narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
