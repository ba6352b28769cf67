/* Answers to writes that say little, answers that end a run, an Omnitron that is down, logins: what
   omnihook-worker makes of them. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/webhooks.h"
#include "tests/support/worker_fixture.h"

#include <stdio.h>
#include <string.h>

#define HOOKS "/whisperer/hooks/"
#define LOGIN "/api/v1/auth/login/"
#define EMPTY_LIST "{\"count\":0,\"next\":null,\"previous\":null,\"results\":[]}"
#define WEBHOOK(last)                                                                              \
    "{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/" last "\"}"
/* What happens to POSTs of the webhook .../a. */
#define POSTS_OF_A(times, action)                                                                  \
    "{\"name\":\"a\",\"method\":\"POST\",\"path\":\"" HOOKS "\",\"match\":\"e.example/a\","        \
    "\"times\":" times ",\"action\":" action "}"

enum { LIMIT_MS = 20000, MANY = 60 };

static const char *const one_attempt[] = {"OMNIHOOK_RETRY_BASE_MS=10", "OMNIHOOK_RETRY_MAX_MS=20",
                                          "OMNIHOOK_JOB_ATTEMPTS=1", NULL};
static const char *const five_attempts[] = {"OMNIHOOK_RETRY_BASE_MS=10", "OMNIHOOK_RETRY_MAX_MS=20",
                                            NULL};
/* Longer than what is waited out in a slot. */
static const char *const long_backoff[] = {"OMNIHOOK_RETRY_BASE_MS=9000", "OMNIHOOK_CONCURRENCY=1",
                                           NULL};

static const struct stack_account accounts[] = {
    {.name = "acme", .webhooks = "[" WEBHOOK("a") "," WEBHOOK("b") "]"},
    {.name = "other", .webhooks = "[" WEBHOOK("a") "]"},
};
static struct stack_options single = {
    .accounts = accounts, .account_count = 1, .worker_count = 1, .env = one_attempt};
static struct stack_options patient = {
    .accounts = accounts, .account_count = 1, .worker_count = 1, .env = five_attempts};
static struct stack_options one_slot = {
    .accounts = accounts, .account_count = 2, .worker_count = 1, .env = long_backoff};
static struct stack_options two_workers = {
    .accounts = accounts, .account_count = 1, .worker_count = 2, .env = five_attempts};

static json_t *omnitron_of(struct worker_fixture *fixture, const char *account)
{
    return json_object_get(stack_settings(fixture->stack, account), "omnitron");
}

/* acme gets so many webhooks, https://e.example/0 ... */
static void want_many(struct worker_fixture *fixture, size_t count, int max_connections)
{
    char *webhooks = webhooks_print("https://e.example/", count, "");
    json_object_set_new(omnitron_of(fixture, "acme"), "max_connections",
                        json_integer(max_connections));
    stack_set_webhooks(fixture->stack, "acme", webhooks);
    mem_free(webhooks);
}

static void log_in_with(struct worker_fixture *fixture, const char *account, const char *password)
{
    json_t *omnitron = omnitron_of(fixture, account);
    json_object_del(omnitron, "token");
    json_object_set_new(omnitron, "username", json_string(account));
    json_object_set_new(omnitron, "password", json_string(password));
    stack_write_settings(fixture->stack);
}

static int64_t posts(struct worker_fixture *fixture)
{
    return sim_route_count(fixture->sim, "POST " HOOKS, 0);
}

/* ---- Nobody knows whether it was done ---- */

static void a_webhook_whose_answers_are_all_lost_is_found_by_a_look_up(void **state)
{
    struct worker_fixture *fixture = *state;
    static const char *const actions[] = {"{\"close\":\"after\"}", "{\"truncate\":5}",
                                          "{\"status\":502,\"apply\":true}", "{\"close\":\"mid\"}"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        char fault[256];
        (void)snprintf(fault, sizeof fault, POSTS_OF_A("-1", "%s"), actions[i]);
        sim_fault(fixture->sim, fault);
        char webhooks[256];
        (void)snprintf(webhooks, sizeof webhooks,
                       "[{\"event_type\":\"e.%zu\",\"target_url\":\"https://e.example/a\"}]", i);
        stack_set_webhooks(fixture->stack, "acme", webhooks);
        worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
        assert_report_outcome(fixture, "acme", 0, "created");
        assert_int_equal(sim_hook_count(fixture->sim, "acme"), i + 1);
        assert_int_equal(sim_counter(fixture->sim, "lookups"), i + 1);
    }
}

static void what_a_look_up_does_not_find_fails_with_the_reason_of_the_write(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, POSTS_OF_A("-1", "{\"status\":502,\"body\":\"<h1>Bad Gateway\"}"));
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "failed");
    assert_report_outcome(fixture, "acme", 1, "created");
    assert_report_error(fixture, "acme", "answered 502 to POST");
    assert_int_equal(sim_counter(fixture->sim, "lookups"), 1);
}

static void an_inactive_row_behind_a_lost_answer_is_switched_on(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, "{\"username\":\"acme\",\"event_type\":\"package.created\","
                           "\"target_url\":\"https://e.example/a\",\"is_active\":false}");
    sim_fault(fixture->sim, "{\"method\":\"GET\",\"path\":\"" HOOKS "\",\"times\":1,"
                            "\"action\":{\"json\":" EMPTY_LIST "}}");
    sim_fault(fixture->sim, POSTS_OF_A("1", "{\"close\":\"after\"}"));
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "reactivated");
    json_t *hooks = sim_hooks(fixture->sim, "acme");
    assert_true(json_is_true(json_object_get(json_array_get(hooks, 0), "is_active")));
    json_decref(hooks);
}

static void a_change_whose_answer_was_lost_is_repeated(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_seed(fixture->sim, "{\"username\":\"acme\",\"event_type\":\"package.created\","
                           "\"target_url\":\"https://e.example/a\",\"is_active\":false}");
    sim_fault(fixture->sim, "{\"name\":\"p\",\"method\":\"PATCH\",\"path\":\"" HOOKS "\","
                            "\"times\":2,\"action\":{\"close\":\"after\"}}");
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "reactivated");
    assert_int_equal(sim_fault_hits(fixture->sim, "p"), 2);
}

/* ---- Refusals ---- */

static void a_406_that_is_not_about_the_key_fails_that_webhook_alone(void **state)
{
    struct worker_fixture *fixture = *state;
    static const char *const actions[] = {
        "{\"status\":406,\"json\":{\"code\":\"webhook_100_1\",\"en\":\"No.\"}}",
        "{\"status\":406,\"json\":{\"detail\":\"Could not satisfy the request Accept header.\"}}",
        "{\"status\":406,\"body\":\"<h1>Not Acceptable: webhook_100_2</h1>\"}",
    };
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        char fault[512];
        (void)snprintf(fault, sizeof fault, POSTS_OF_A("-1", "%s"), actions[i]);
        sim_fault(fixture->sim, fault);
        worker_run(fixture, "acme", "FAILED", LIMIT_MS);
        assert_report_outcome(fixture, "acme", 0, "failed");
        assert_report_error(fixture, "acme", "406");
        assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
        assert_int_equal(sim_fault_hits(fixture->sim, "a"), 1);
    }
    assert_true(sim_has_hook(fixture->sim, "acme", "package.created", "https://e.example/b"));
}

static void each_field_that_was_refused_is_in_the_report(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim,
              POSTS_OF_A("-1",
                         "{\"status\":400,\"json\":{\"target_url\":[\"Too long.\",\"Too odd.\"],"
                         "\"retry_countdown_config\":{\"kwargs\":{\"seconds\":[\"No number.\"]}},"
                         "\"non_field_errors\":[\"Not today.\"]}}"));
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 1, "created");
    assert_report_error(fixture, "acme", "target_url: Too long.; target_url: Too odd.");
    assert_report_error(fixture, "acme", "retry_countdown_config.kwargs.seconds: No number.");
    assert_report_error(fixture, "acme", "Not today.");
    assert_int_equal(sim_fault_hits(fixture->sim, "a"), 1);
}

static void a_refusal_of_the_path_ends_the_run_with_one_reason(void **state)
{
    struct worker_fixture *fixture = *state;
    static const struct {
        const char *action;
        const char *words;
    } refusals[] = {
        {"{\"status\":401,\"json\":{\"detail\":\"Invalid token.\"}}", "401"},
        {"{\"status\":403,\"json\":{\"detail\":\"You do not have permission.\"}}", "permission"},
        {"{\"status\":403,\"body\":\"<h1>Blocked by the firewall</h1>\"}", "403"},
        {"{\"status\":404,\"body\":\"<h1>Not Found</h1>\"}", "check the base URL"},
        {"{\"status\":405,\"json\":{\"detail\":\"Method \\\"POST\\\" not allowed.\"}}", "405"},
        {"{\"status\":301,\"headers\":{\"Location\":\"https://elsewhere.example/\"}}", "redirect"},
    };
    want_many(fixture, MANY, 8);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char fault[512];
        (void)snprintf(fault, sizeof fault,
                       "{\"name\":\"f\",\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":-1,"
                       "\"action\":%s}",
                       refusals[i].action);
        sim_fault(fixture->sim, fault);
        worker_run(fixture, "acme", "FAILED", LIMIT_MS);
        assert_report_error(fixture, "acme", refusals[i].words);
        assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
        assert_in_range(sim_fault_hits(fixture->sim, "f"), 1, 8);
        assert_in_range(worker_report_count(fixture, "acme", "failed"), 1, 8);
    }
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 0);
}

/* b fails in passing for the whole first attempt. */
static void the_next_attempt_knows_what_was_done_and_what_was_refused_for_good(void **state)
{
    struct worker_fixture *fixture = *state;
    stack_set_webhooks(fixture->stack, "acme",
                       "[" WEBHOOK("a") "," WEBHOOK("b") "," WEBHOOK("c") "]");
    sim_fault(fixture->sim, POSTS_OF_A("-1", "{\"status\":400,\"json\":{\"callback\":[\"No.\"]}}"));
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\","
                            "\"match\":\"e.example/b\",\"times\":3,\"action\":{\"status\":503}}");
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 2);
    assert_int_equal(sim_fault_hits(fixture->sim, "a"), 1);
    assert_report_outcome(fixture, "acme", 0, "failed");
    assert_report_outcome(fixture, "acme", 1, "created");
    assert_report_outcome(fixture, "acme", 2, "created");
    assert_int_equal(worker_report_count(fixture, "acme", "created"), 2);
    assert_report_error(fixture, "acme", "callback: No.");

    /* Another job tries it, and finds the others there. */
    sim_clear_faults(fixture->sim);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_report_outcome(fixture, "acme", 0, "created");
    assert_report_outcome(fixture, "acme", 1, "already");
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 3);
}

/* After the first attempt's list, and its look-up of b, the second attempt gets no list at all. */
static void an_attempt_that_learns_nothing_keeps_what_is_known(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"match\":\"e.example/b\","
                            "\"times\":3,\"action\":{\"status\":503}}");
    sim_fault(fixture->sim,
              "{\"name\":\"lists\",\"method\":\"GET\",\"path\":\"" HOOKS "\",\"skip\":2,"
              "\"times\":3,\"action\":{\"status\":503}}");
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_fault_hits(fixture->sim, "lists"), 3);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 3);
    assert_int_equal(worker_report_count(fixture, "acme", "created"), 2);
}

static void when_all_that_is_left_was_refused_for_good_nothing_is_tried(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, POSTS_OF_A("-1", "{\"status\":400,\"json\":{}}"));
    /* b's row is made although no answer comes, and is not found at once. */
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"match\":\"e.example/b\","
                            "\"times\":3,\"action\":{\"status\":503,\"apply\":true}}");
    sim_fault(fixture->sim, "{\"method\":\"GET\",\"path\":\"" HOOKS "\",\"times\":2,"
                            "\"action\":{\"json\":" EMPTY_LIST "}}");
    worker_run(fixture, "acme", "FAILED", LIMIT_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 2);
    assert_int_equal(sim_fault_hits(fixture->sim, "a"), 1);
    assert_int_equal(posts(fixture), 1 + 3);
    assert_report_outcome(fixture, "acme", 0, "failed");
    assert_report_outcome(fixture, "acme", 1, "already");
    assert_report_error(fixture, "acme", "1 of 2 webhooks could not be registered");
}

/* ---- Logins ---- */

static void a_wrong_password_fails_at_once_and_is_not_tried_by_the_next_jobs(void **state)
{
    struct worker_fixture *fixture = *state;
    log_in_with(fixture, "acme", "not-the-password");
    for (size_t i = 0; i < 5; i++) {
        worker_run(fixture, "acme", "FAILED", LIMIT_MS);
        assert_report_error(fixture, "acme", "400");
        assert_report_error(fixture, "acme", LOGIN);
        assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    }
    assert_int_equal(sim_route_count(fixture->sim, "POST " LOGIN, 0), 1);
    assert_int_equal(sim_counter(fixture->sim, "requests"), 1);
    /* The corrected setting is tried at once. */
    log_in_with(fixture, "acme", STACK_PASSWORD);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
}

static bool some_are_created(void *fixture)
{
    return sim_hook_count(((struct worker_fixture *)fixture)->sim, "acme") >= 5;
}

static void a_token_that_dies_in_mid_run_is_renewed_once(void **state)
{
    struct worker_fixture *fixture = *state;
    want_many(fixture, MANY, 4);
    log_in_with(fixture, "acme", STACK_PASSWORD);
    sim_set(fixture->sim, "{\"latency_ms\":20}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(some_are_created, fixture, LIMIT_MS);
    sim_expire_token(fixture->sim, "acme");
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_counter(fixture->sim, "logins"), 2);
    assert_int_equal(worker_report_count(fixture, "acme", "created"), MANY);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), MANY);
}

/* ---- Pauses and the breaker ---- */

static void one_429_pauses_all_writers_of_the_account(void **state)
{
    struct worker_fixture *fixture = *state;
    want_many(fixture, MANY, 8);
    sim_fault(fixture->sim,
              "{\"name\":\"slow\",\"method\":\"POST\",\"path\":\"" HOOKS "\",\"skip\":8,"
              "\"times\":1,\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"1\"},"
              "\"json\":{\"detail\":\"Request was throttled.\"}}}");
    int64_t start_ms = now_mono_ms();
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_true(now_mono_ms() - start_ms >= 1000 - CLOCK_SLACK_MS);
    assert_int_equal(sim_fault_hits(fixture->sim, "slow"), 1);
    assert_int_equal(posts(fixture), MANY + 1);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    assert_int_equal(worker_report_count(fixture, "acme", "created"), MANY);
}

static bool is_retrying(void *fixture)
{
    const char *phase = worker_status_field(fixture, "acme", "phase");
    return phase != NULL && strcmp(phase, "retrying") == 0;
}

#define ACMES_POSTS_FAIL                                                                           \
    "{\"name\":\"down\",\"method\":\"POST\",\"path\":\"" HOOKS "\",\"username\":\"acme\","         \
    "\"times\":-1,\"action\":{\"status\":502,\"body\":\"<h1>Bad Gateway</h1>\"}}"

static void an_omnitron_that_is_down_holds_no_slot_and_is_left_alone(void **state)
{
    struct worker_fixture *fixture = *state;
    want_many(fixture, MANY, 32);
    sim_fault(fixture->sim, ACMES_POSTS_FAIL);
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(is_retrying, fixture, LIMIT_MS);
    int64_t asked = posts(fixture);
    assert_in_range(asked, 20, 32);
    /* The only slot is free for the other account, whose Omnitron works. */
    worker_run(fixture, "other", "FINISHED", LIMIT_MS);
    assert_true(is_retrying(fixture));

    /* A job that comes while the breaker is open is parked without a request or an attempt. */
    assert_true(desk_abort(fixture->desk, "acme"));
    int64_t requests = sim_counter(fixture->sim, "requests");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(is_retrying, fixture, LIMIT_MS);
    assert_int_equal(sim_counter(fixture->sim, "requests"), requests);
    assert_report_error(fixture, "acme", "left alone");

    sim_clear_faults(fixture->sim);
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    assert_int_equal(worker_report_count(fixture, "acme", "created"), MANY);
}

static void logins_that_are_used_up_park_the_job_without_counting_an_attempt(void **state)
{
    struct worker_fixture *fixture = *state;
    log_in_with(fixture, "acme", STACK_PASSWORD);
    for (size_t i = 0; i < 3; i++) {
        worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
        sim_expire_token(fixture->sim, "acme");
    }
    assert_int_equal(sim_counter(fixture->sim, "logins"), 3);
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(is_retrying, fixture, LIMIT_MS);
    assert_int_equal(sim_route_count(fixture->sim, "POST " LOGIN, 0), 3);
    assert_report_error(fixture, "acme", "3 logins in 6 minutes");
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    assert_true(desk_abort(fixture->desk, "acme"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(a_webhook_whose_answers_are_all_lost_is_found_by_a_look_up, &single),
        WORKER_TEST(what_a_look_up_does_not_find_fails_with_the_reason_of_the_write, &single),
        WORKER_TEST(an_inactive_row_behind_a_lost_answer_is_switched_on, &single),
        WORKER_TEST(a_change_whose_answer_was_lost_is_repeated, &single),
        WORKER_TEST(a_406_that_is_not_about_the_key_fails_that_webhook_alone, &patient),
        WORKER_TEST(each_field_that_was_refused_is_in_the_report, &patient),
        WORKER_TEST(a_refusal_of_the_path_ends_the_run_with_one_reason, &patient),
        WORKER_TEST(the_next_attempt_knows_what_was_done_and_what_was_refused_for_good, &patient),
        WORKER_TEST(an_attempt_that_learns_nothing_keeps_what_is_known, &patient),
        WORKER_TEST(when_all_that_is_left_was_refused_for_good_nothing_is_tried, &patient),
        WORKER_TEST(a_wrong_password_fails_at_once_and_is_not_tried_by_the_next_jobs, &two_workers),
        WORKER_TEST(a_token_that_dies_in_mid_run_is_renewed_once, &patient),
        WORKER_TEST(one_429_pauses_all_writers_of_the_account, &patient),
        WORKER_TEST(an_omnitron_that_is_down_holds_no_slot_and_is_left_alone, &one_slot),
        WORKER_TEST(logins_that_are_used_up_park_the_job_without_counting_an_attempt, &two_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
