/* Creating and patching webhooks on Omnitron, and what its answers mean. */
#include "tests/support/omnitron_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define SETTING                                                                                    \
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/"                                 \
    "0\",\"secret_key\":\"s3cr3t!key\","                                                           \
    "\"additional_headers\":{\"Authorization\":\"Token headersecret\"}},"                          \
    "{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/1\"}]"

static int set_up(void **state)
{
    sim_reset(desk_sim);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, SETTING, DESK_TOKEN);
    return 0;
}

static void expect_written(const struct omnitron_desk *desk, enum omnitron_written written,
                           int status)
{
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->written, written);
    assert_int_equal(desk->status, status);
}

/* ---- What goes well ---- */

static void a_missing_webhook_is_created(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_create(desk, 0);
    expect_written(desk, OMNITRON_CREATED, 201);
    assert_true(sim_has_hook(desk_sim, "acme", "a.b", "https://x.example/0"));
    assert_int_equal(sim_hook_count(desk_sim, "acme"), 1);
    omnitron_desk_find(desk, 0);
    assert_int_equal(webhook_drift(&desk->account->webhooks[0], &desk->list->hooks[0]), 0);
}

static void a_registered_webhook_is_already_there(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_create(desk, 0);
    omnitron_desk_create(desk, 0);
    expect_written(desk, OMNITRON_ALREADY, 406);
    assert_int_equal(sim_hook_count(desk_sim, "acme"), 1);
}

static void an_inactive_webhook_is_switched_on_by_a_patch(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_seed(desk_sim, "{\"username\":\"acme\",\"event_type\":\"a.b\","
                       "\"target_url\":\"https://x.example/1\",\"is_active\":false}");
    omnitron_desk_list(desk);
    omnitron_desk_patch(desk, desk->list->hooks[0].id, 1, WEBHOOK_IS_ACTIVE);
    expect_written(desk, OMNITRON_PATCHED, 200);
    omnitron_desk_list(desk);
    assert_true(desk->list->hooks[0].is_active);
}

/* ---- Tries whose outcome is unknown ---- */

/* So many POSTs meet the action. */
static void break_posts(int times, const char *action)
{
    char fault[1024];
    (void)snprintf(
        fault, sizeof fault,
        "{\"name\":\"f\",\"method\":\"POST\",\"path\":\"/whisperer/hooks/\",\"times\":%d,"
        "\"action\":%s}",
        times, action);
    sim_fault(desk_sim, fault);
}

static int64_t posts(void)
{
    return sim_route_count(desk_sim, "POST /whisperer/hooks/", 0);
}

static void a_creation_whose_answer_was_lost_is_repeated_and_meets_its_own_row(void **state)
{
    struct omnitron_desk *desk = *state;
    static const char *const actions[] = {"{\"close\":\"after\"}", "{\"hang\":true,\"apply\":true}",
                                          "{\"truncate\":5}", "{\"status\":500,\"apply\":true}",
                                          "{\"status\":504,\"apply\":true}"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        sim_reset(desk_sim);
        sim_add_user(desk_sim, "acme", "pw", "t0ken", true);
        break_posts(1, actions[i]);
        omnitron_desk_create(desk, 0);
        expect_written(desk, OMNITRON_UNSURE, 406);
        assert_int_equal(sim_hook_count(desk_sim, "acme"), 1);
    }
}

static void a_creation_that_failed_at_first_is_repeated(void **state)
{
    struct omnitron_desk *desk = *state;
    static const char *const actions[] = {"{\"close\":\"before\"}", "{\"status\":500}",
                                          "{\"status\":503}", "{\"status\":408}"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        sim_reset(desk_sim);
        sim_add_user(desk_sim, "acme", "pw", "t0ken", true);
        break_posts(2, actions[i]);
        omnitron_desk_create(desk, 0);
        omnitron_desk_expect_success(desk);
        assert_int_equal(desk->written, OMNITRON_CREATED);
        assert_int_equal(sim_hook_count(desk_sim, "acme"), 1);
    }
}

static void a_creation_that_keeps_failing_fails(void **state)
{
    struct omnitron_desk *desk = *state;
    break_posts(-1, "{\"status\":500,\"body\":\"<h1>Error</h1>\"}");
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    assert_int_equal(desk->failure.status, 500);
    assert_int_equal(posts(), 3);
}

/* ---- Odd successes ---- */

static void another_2xx_counts_once_the_webhook_is_seen(void **state)
{
    struct omnitron_desk *desk = *state;
    static const char *const actions[] = {"{\"status\":200,\"json\":{},\"apply\":true}",
                                          "{\"status\":204,\"apply\":true}",
                                          "{\"status\":201,\"body\":\"created\",\"apply\":true}"};
    static const int statuses[] = {200, 204, 201};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        sim_reset(desk_sim);
        sim_add_user(desk_sim, "acme", "pw", "t0ken", true);
        break_posts(1, actions[i]);
        omnitron_desk_create(desk, 0);
        expect_written(desk, OMNITRON_CREATED, statuses[i]);
        assert_int_equal(posts(), 1);
        assert_int_equal(sim_counter(desk_sim, "lookups"), 1);
    }
}

static void a_proxys_page_is_no_creation(void **state)
{
    struct omnitron_desk *desk = *state;
    break_posts(-1, "{\"status\":200,\"body\":\"<h1>Please log in</h1>\"}");
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_failure(desk, OMNITRON_BROKEN);
    assert_true(omnitron_failure_may_pass(&desk->failure));
    assert_int_equal(sim_hook_count(desk_sim, "acme"), 0);
}

/* ---- Refusals ---- */

static void a_refused_webhook_tells_the_servers_words_without_secrets(void **state)
{
    struct omnitron_desk *desk = *state;
    break_posts(-1, "{\"status\":400,\"json\":{\"secret_key\":[\"s3cr3t!key is too short.\"],"
                    "\"additional_headers\":{\"Authorization\":\"headersecret t0ken\"}}}");
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_failure(desk, OMNITRON_INVALID);
    assert_non_null(strstr(desk->failure.error.text, "secret_key: *** is too short."));
    assert_null(strstr(desk->failure.error.text, "s3cr3t"));
    assert_null(strstr(desk->failure.error.text, "headersecret"));
    assert_null(strstr(desk->failure.error.text, "t0ken"));
    assert_int_equal(posts(), 1);
    assert_false(omnitron_failure_may_pass(&desk->failure));
    assert_false(omnitron_failure_is_for_all(&desk->failure));
}

static void an_event_type_that_omnitron_does_not_know_is_invalid(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(desk_sim, "{\"registry\":[\"other.event\"],\"restrict_event_types\":true}");
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_failure(desk, OMNITRON_INVALID);
    assert_non_null(strstr(desk->failure.error.text, "event_type: "));
}

static void each_refusal_of_a_creation_has_its_kind(void **state)
{
    struct omnitron_desk *desk = *state;
    static const struct {
        const char *action;
        enum omnitron_failure_kind kind;
        bool is_for_all;
    } rows[] = {
        {"{\"status\":406,\"json\":{\"detail\":\"Accept\"}}", OMNITRON_REJECTED, false},
        {"{\"status\":406,\"json\":{\"code\":\"other_100_1\"}}", OMNITRON_REJECTED, false},
        {"{\"status\":406,\"body\":\"webhook_100_2\"}", OMNITRON_REJECTED, false},
        {"{\"status\":415,\"json\":{\"detail\":\"type\"}}", OMNITRON_REJECTED, false},
        {"{\"status\":413}", OMNITRON_REJECTED, false},
        {"{\"status\":403,\"json\":{\"detail\":\"No.\"}}", OMNITRON_FORBIDDEN, true},
        {"{\"status\":404}", OMNITRON_WRONG_PATH, true},
        {"{\"status\":405}", OMNITRON_WRONG_PATH, true},
        {"{\"status\":302,\"headers\":{\"Location\":\"/login/\"}}", OMNITRON_REDIRECTED, true},
        {"{\"status\":401}", OMNITRON_CREDENTIALS, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sim_reset_counters(desk_sim);
        break_posts(-1, rows[i].action);
        omnitron_desk_create(desk, 0);
        omnitron_desk_expect_failure(desk, rows[i].kind);
        assert_int_equal(omnitron_failure_is_for_all(&desk->failure), rows[i].is_for_all);
        assert_int_equal(posts(), 1);
    }
}

static void each_refusal_of_a_patch_is_about_that_webhook(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_create(desk, 1);
    omnitron_desk_patch(desk, 99999, 1, WEBHOOK_IS_ACTIVE);
    omnitron_desk_expect_failure(desk, OMNITRON_REJECTED);
    assert_int_equal(desk->failure.status, 404);
    assert_false(omnitron_failure_is_for_all(&desk->failure));
    sim_fault(desk_sim, "{\"name\":\"p\",\"method\":\"PATCH\",\"times\":1,"
                        "\"action\":{\"status\":403,\"json\":{\"detail\":\"Not yours.\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_patch(desk, desk->list->hooks[0].id, 1, WEBHOOK_IS_ACTIVE);
    omnitron_desk_expect_failure(desk, OMNITRON_REJECTED);
    assert_non_null(strstr(desk->failure.error.text, "Not yours."));
}

static void expect_patch_repeated_after(struct omnitron_desk *desk, const char *action)
{
    char fault[256];
    (void)snprintf(fault, sizeof fault, "{\"method\":\"PATCH\",\"times\":1,\"action\":%s}", action);
    omnitron_desk_create(desk, 1);
    omnitron_desk_list(desk);
    sim_fault(desk_sim, fault);
    omnitron_desk_patch(desk, desk->list->hooks[0].id, 1, WEBHOOK_IS_ACTIVE);
    expect_written(desk, OMNITRON_PATCHED, 200);
    assert_int_equal(sim_route_count(desk_sim, "PATCH /whisperer/hooks/{id}/", 0), 2);
}

static void a_patch_answered_by_a_page_is_repeated(void **state)
{
    expect_patch_repeated_after(*state, "{\"status\":200,\"body\":\"<h1>\"}");
}

static void a_patch_answered_by_another_object_is_repeated(void **state)
{
    expect_patch_repeated_after(*state, "{\"status\":200,\"json\":{\"detail\":\"Welcome\"}}");
}

/* ---- Many, cancelled, guarded ---- */

static void no_more_requests_are_under_way_than_the_account_allows(void **state)
{
    struct omnitron_desk *desk = *state;
    enum { CALLS = 40 };
    sim_set(desk_sim, "{\"latency_ms\":10}");
    for (int i = 0; i < CALLS; i++) {
        (void)omnitron_create(desk->omnitron, &desk->account->webhooks[i % 2],
                              omnitron_desk_on_written, desk);
    }
    omnitron_desk_wait(desk, CALLS);
    assert_int_equal(sim_hook_count(desk_sim, "acme"), 2);
    assert_int_equal(sim_counter(desk_sim, "max_in_flight"),
                     desk->account->omnitron.max_connections);
}

static bool refuse(void *arg)
{
    ++*(int *)arg;
    return false;
}

static void nothing_is_sent_when_the_guard_says_no(void **state)
{
    struct omnitron_desk *desk = *state;
    int asked = 0;
    omnitron_set_guard(desk->omnitron, refuse, &asked);
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_failure(desk, OMNITRON_CANCELLED);
    assert_int_equal(asked, 1);
    assert_int_equal(posts(), 0);
}

static void what_is_freed_in_mid_call_is_never_told(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(desk_sim, "{\"latency_ms\":50}");
    for (int i = 0; i < 20; i++) {
        (void)omnitron_create(desk->omnitron, &desk->account->webhooks[0], omnitron_desk_on_written,
                              desk);
    }
    /* One of them is looking for what it created. */
    break_posts(1, "{\"status\":204,\"apply\":true,\"delay_ms\":0}");
    omnitron_desk_idle(desk, 80);
    omnitron_free(desk->omnitron);
    desk->omnitron = NULL;
    unsigned told = desk->done_count;
    omnitron_desk_idle(desk, 100);
    assert_int_equal(desk->done_count, told);
    assert_true(told < 20);
}

static void on_written_then_free(void *arg, enum omnitron_written written, int status,
                                 const struct omnitron_failure *failure)
{
    struct omnitron_desk *desk = arg;
    (void)written;
    (void)status;
    (void)failure;
    desk->done_count++;
    omnitron_free(desk->omnitron);
    desk->omnitron = NULL;
}

static void a_completion_may_free_the_omnitron(void **state)
{
    struct omnitron_desk *desk = *state;
    for (int i = 0; i < 20; i++) {
        (void)omnitron_create(desk->omnitron, &desk->account->webhooks[0], on_written_then_free,
                              desk);
    }
    omnitron_desk_wait(desk, 1);
    omnitron_desk_idle(desk, 50);
    assert_int_equal(desk->done_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, omnitron_desk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_webhook_is_created),
        TEST(a_registered_webhook_is_already_there),
        TEST(an_inactive_webhook_is_switched_on_by_a_patch),
        TEST(a_creation_whose_answer_was_lost_is_repeated_and_meets_its_own_row),
        TEST(a_creation_that_failed_at_first_is_repeated),
        TEST(a_creation_that_keeps_failing_fails),
        TEST(another_2xx_counts_once_the_webhook_is_seen),
        TEST(a_proxys_page_is_no_creation),
        TEST(a_refused_webhook_tells_the_servers_words_without_secrets),
        TEST(an_event_type_that_omnitron_does_not_know_is_invalid),
        TEST(each_refusal_of_a_creation_has_its_kind),
        TEST(each_refusal_of_a_patch_is_about_that_webhook),
        TEST(a_patch_answered_by_a_page_is_repeated),
        TEST(a_patch_answered_by_another_object_is_repeated),
        TEST(no_more_requests_are_under_way_than_the_account_allows),
        TEST(nothing_is_sent_when_the_guard_says_no),
        TEST(what_is_freed_in_mid_call_is_never_told),
        TEST(a_completion_may_free_the_omnitron),
    };
    return cmocka_run_group_tests(tests, omnitron_desk_start_sim, omnitron_desk_stop_sim);
}
