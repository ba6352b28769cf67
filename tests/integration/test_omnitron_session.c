/* What calls of one account share: logins, pauses, the breaker. */
#include "common/metrics.h"
#include "common/now.h"
#include "tests/support/omnitron_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define SETTING                                                                                    \
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/0\"},"                            \
    "{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/1\"}]"

static struct sim *sim;

static int start_sim(void **state)
{
    (void)state;
    sim = sim_start();
    return 0;
}

static int stop_sim(void **state)
{
    (void)state;
    sim_stop(sim);
    return 0;
}

static int set_up_with_token(void **state)
{
    sim_reset(sim);
    *state = omnitron_desk_new(sim, &omnitron_desk_options, SETTING, DESK_TOKEN);
    return 0;
}

static int set_up_with_login(void **state)
{
    sim_reset(sim);
    *state = omnitron_desk_new(sim, &omnitron_desk_options, SETTING, DESK_LOGIN);
    return 0;
}

static int set_up_with_breaker(void **state)
{
    sim_reset(sim);
    struct omnitron_pool_options options = omnitron_desk_options;
    options.breaker_failures = 5;
    options.retry = (struct backoff){.base_ms = 100, .max_ms = 100};
    *state = omnitron_desk_new(sim, &options, SETTING, DESK_TOKEN);
    return 0;
}

static int set_up_with_one_try(void **state)
{
    sim_reset(sim);
    struct omnitron_pool_options options = omnitron_desk_options;
    options.tries = 1;
    *state = omnitron_desk_new(sim, &options, SETTING, DESK_LOGIN);
    return 0;
}

static int set_up_with_slow_breaker(void **state)
{
    sim_reset(sim);
    struct omnitron_pool_options options = omnitron_desk_options;
    options.tries = 1;
    options.breaker_failures = 3;
    options.retry = (struct backoff){.base_ms = 60000, .max_ms = 60000};
    *state = omnitron_desk_new(sim, &options, SETTING, DESK_TOKEN);
    return 0;
}

static int tear_down(void **state)
{
    omnitron_desk_free(*state);
    return 0;
}

/* Starts so many lists at once and waits for all. */
static void list_at_once(struct omnitron_desk *desk, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    }
    omnitron_desk_wait(desk, desk->done_count + count);
}

static int64_t logins(void)
{
    return sim_counter(sim, "logins");
}

/* ---- Logins ---- */

static void a_user_logs_in_once_for_all_calls(void **state)
{
    struct omnitron_desk *desk = *state;
    list_at_once(desk, 20);
    omnitron_desk_expect_success(desk);
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_success(desk);
    assert_int_equal(logins(), 1);
    assert_int_equal(sim_counter(sim, "tokens_seen_wrong"), 0);
}

static void a_token_that_was_logged_out_is_renewed_once_for_all_calls(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_list(desk);
    sim_expire_token(sim, "acme");
    list_at_once(desk, 30);
    omnitron_desk_expect_success(desk);
    assert_int_equal(logins(), 2);
}

static void the_try_that_met_a_401_does_not_count(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_list(desk);
    sim_expire_token(sim, "acme");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
}

static void an_auth_failure_that_looks_like_403_is_renewed_too(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(sim, "{\"auth_failure_status\":403}");
    omnitron_desk_list(desk);
    sim_expire_token(sim, "acme");
    list_at_once(desk, 10);
    omnitron_desk_expect_success(desk);
    assert_int_equal(logins(), 2);
}

static void a_403_that_a_new_login_does_not_change_is_a_true_one(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"path\":\"/whisperer/\",\"times\":-1,"
                   "\"action\":{\"status\":403,\"json\":{\"detail\":\"No permission.\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_FORBIDDEN);
    assert_non_null(strstr(desk->failure.error.text, "No permission."));
    assert_int_equal(logins(), 2);
    /* Nor does the budget of logins turn it into something else. */
    omnitron_desk_list(desk);
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_FORBIDDEN);
    assert_int_equal(logins(), 3);
}

static void a_403_page_of_a_proxy_starts_no_login(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"path\":\"/whisperer/\",\"times\":-1,"
                   "\"action\":{\"status\":403,\"body\":\"<h1>Blocked</h1>\"}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_FORBIDDEN);
    assert_int_equal(logins(), 1);
}

static void a_second_401_ends_the_call(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"path\":\"/whisperer/\",\"times\":-1,"
                   "\"action\":{\"status\":401,\"json\":{\"detail\":\"Invalid token.\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(logins(), 2);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 0), 2);
}

static void no_more_than_three_logins_are_made_in_a_while(void **state)
{
    struct omnitron_desk *desk = *state;
    for (int i = 0; i < 3; i++) {
        omnitron_desk_list(desk);
        omnitron_desk_expect_success(desk);
        sim_expire_token(sim, "acme");
    }
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_in_range(desk->failure.retry_after_ms, 300000, 360000);
    assert_non_null(strstr(desk->failure.error.text, "3 logins"));
    assert_int_equal(logins(), 3);
}

static void a_refused_login_is_not_repeated_and_shows_no_password(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"path\":\"/api/v1/auth/login/\",\"times\":-1,\"action\":{\"status\":400,"
                   "\"json\":{\"non_field_errors\":[\"Cannot log in with pw.\"]}}}");
    list_at_once(desk, 10);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(sim_route_count(sim, "POST /api/v1/auth/login/", 0), 1);
    assert_non_null(strstr(desk->failure.error.text, "Cannot log in with ***."));
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 0), 0);
    /* Nor by a later call with the same credentials. */
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_non_null(strstr(desk->failure.error.text, "Cannot log in with ***."));
    assert_int_equal(sim_counter(sim, "requests"), 1);
}

static void a_login_that_failed_in_passing_is_repeated(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"path\":\"/api/v1/auth/login/\",\"times\":2,\"action\":{\"status\":502}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(sim_route_count(sim, "POST /api/v1/auth/login/", 0), 3);
}

static void logins_that_got_no_answer_do_not_use_up_the_budget(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"path\":\"/api/v1/auth/login/\",\"times\":15,\"action\":{\"status\":502}}");
    for (int i = 0; i < 5; i++) {
        omnitron_desk_list(desk);
        omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    }
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
}

static void a_login_without_a_token_is_broken(void **state)
{
    struct omnitron_desk *desk = *state;
    static const char *const actions[] = {
        "{\"json\":{}}", "{\"json\":{\"key\":\"\"}}", "{\"json\":{\"key\":7}}",
        "{\"json\":{\"key\":\"a\\r\\nX-Evil: 1\"}}", "{\"status\":200,\"body\":\"<h1>\"}"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        char fault[256];
        (void)snprintf(fault, sizeof fault,
                       "{\"name\":\"f\",\"path\":\"/api/v1/auth/login/\",\"times\":-1,"
                       "\"action\":%s}",
                       actions[i]);
        sim_fault(sim, fault);
        struct omnitron_desk *other =
            omnitron_desk_new(sim, &omnitron_desk_options, SETTING, DESK_LOGIN);
        omnitron_desk_list(other);
        omnitron_desk_expect_failure(other, OMNITRON_BROKEN);
        omnitron_desk_free(other);
    }
    (void)desk;
}

static void a_token_account_never_logs_in(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_expire_token(sim, "acme");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(logins(), 0);
    assert_int_equal(sim_counter(sim, "requests"), 1);
}

static void a_login_outlives_the_omnitron_that_made_it(void **state)
{
    struct omnitron_desk *desk = *state;
    for (int i = 0; i < 5; i++) {
        omnitron_desk_list(desk);
        omnitron_desk_expect_success(desk);
        omnitron_free(desk->omnitron);
        desk->omnitron = omnitron_new(desk->pool, desk->settings, desk->account);
    }
    assert_int_equal(logins(), 1);
}

static void other_credentials_of_the_same_account_log_in_anew(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_list(desk);
    sim_add_user(sim, "other", "pw2", "t1", false);
    struct settings *settings =
        omnitron_desk_settings(sim, SETTING, "\"username\":\"other\",\"password\":\"pw2\"");
    struct omnitron *before = desk->omnitron;
    desk->omnitron = omnitron_new(desk->pool, settings, settings_find_account(settings, "acme"));
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_success(desk);
    assert_int_equal(sim_hook_count(sim, "other"), 1);
    omnitron_free(desk->omnitron);
    desk->omnitron = before;
    omnitron_desk_list(desk); /* the old one still has its own */
    omnitron_desk_expect_success(desk);
    assert_int_equal(logins(), 2);
    settings_unref(settings);
}

static void freeing_the_omnitron_cancels_its_login(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(sim, "{\"latency_ms\":50}");
    (void)omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    omnitron_desk_idle(desk, 20);
    omnitron_free(desk->omnitron);
    desk->omnitron = NULL;
    omnitron_desk_idle(desk, 100);
    assert_int_equal(desk->done_count, 0);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 0), 0);
}

static bool refuse(void *arg)
{
    (void)arg;
    return false;
}

static void no_login_is_sent_for_a_call_that_may_not_be(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_set_guard(desk->omnitron, refuse, NULL);
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_CANCELLED);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

/* ---- Callers' tokens ---- */

static void a_callers_token_is_checked_with_the_user_path(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_add_user(sim, "caller", "x", "callers-token", false);
    omnitron_desk_check_token(desk, "callers-token");
    omnitron_desk_expect_success(desk);
    omnitron_desk_check_token(desk, "wrong");
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    sim_set(sim, "{\"auth_failure_status\":403}");
    omnitron_desk_check_token(desk, "wrong");
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(logins(), 0);
    assert_int_equal(sim_counter(sim, "requests"), 3);
}

static void a_token_that_could_end_the_header_is_not_sent(void **state)
{
    struct omnitron_desk *desk = *state;
    static const char *const tokens[] = {"", "a b", "a\r\nX-Evil: 1", "\x7f", "ç"};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        omnitron_desk_check_token(desk, tokens[i]);
        omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    }
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

static void a_page_with_status_200_lets_nobody_in(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":-1,\"action\":{\"status\":200,\"body\":\"<h1>Log in</h1>\"}}");
    omnitron_desk_check_token(desk, "t0ken");
    omnitron_desk_expect_failure(desk, OMNITRON_BROKEN);
}

static void a_caller_that_is_throttled_does_not_pause_the_account(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"path\":\"/api/v1/active_user/\",\"times\":-1,"
                   "\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"60\"}}}");
    omnitron_desk_check_token(desk, "t0ken");
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(desk->failure.retry_after_ms, 60000);
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
}

/* ---- Pauses ---- */

static void a_short_pause_holds_back_all_calls_and_is_waited_out(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":1,\"action\":{\"status\":429,\"json\":{\"detail\":\"Slow.\"},"
                   "\"headers\":{\"Retry-After\":\"1\"}}}");
    int64_t start_ms = now_mono_ms();
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_true(now_mono_ms() - start_ms >= 990);
    assert_int_equal(sim_counter(sim, "requests"), 2);

    sim_fault(sim, "{\"times\":1,\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"1\"}}}");
    (void)omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    omnitron_desk_idle(desk, 100);
    sim_reset_counters(sim);
    (void)omnitron_create(desk->omnitron, &desk->account->webhooks[0], omnitron_desk_on_written,
                          desk);
    omnitron_desk_idle(desk, 300);
    assert_int_equal(sim_counter(sim, "requests"), 0);
    omnitron_desk_wait(desk, 3);
    omnitron_desk_expect_success(desk);
}

static void a_long_pause_fails_all_calls_at_once(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":1,\"action\":{\"status\":429,\"json\":{\"detail\":\"Slow down.\"},"
                   "\"headers\":{\"Retry-After\":\"30\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(desk->failure.retry_after_ms, 30000);
    assert_int_equal(desk->failure.status, 429);
    assert_non_null(strstr(desk->failure.error.text, "Slow down."));
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_in_range(desk->failure.retry_after_ms, 25000, 30000);
    assert_int_equal(sim_counter(sim, "requests"), 1);
    /* It is the account's, not the object's. */
    omnitron_free(desk->omnitron);
    desk->omnitron = omnitron_new(desk->pool, desk->settings, desk->account);
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(sim_counter(sim, "requests"), 1);
}

static void a_long_pause_fails_the_calls_that_wait_in_line(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(sim, "{\"latency_ms\":20}");
    sim_fault(sim,
              "{\"times\":-1,\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"30\"}}}");
    list_at_once(desk, 40);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(sim_counter(sim, "requests"), desk->account->omnitron.max_connections);
}

static void an_absurd_pause_is_clamped(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":1,\"action\":{\"status\":429,"
                   "\"headers\":{\"Retry-After\":\"1709208030\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(desk->failure.retry_after_ms, 120000);
}

static void throttling_without_a_time_is_met_by_backoff(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim,
              "{\"times\":2,\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"-1\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    sim_fault(sim, "{\"times\":-1,\"action\":{\"status\":429}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(sim_counter(sim, "requests"), 6);
}

#define NOW "Sun, 06 Nov 1994 08:49:37 GMT"

static void every_form_of_a_pause_is_met(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int64_t pause_ms; /* 0 = the backoff alone, which is waited out */
    } forms[] = {
        {"{\"Retry-After\":\"30\"}", 30000},
        {"{\"Retry-After\":\"29.5\"}", 30000},
        {"{\"Retry-After\":\"Sun, 06 Nov 1994 08:50:07 GMT\",\"Date\":\"" NOW "\"}", 30000},
        {"{\"Retry-After\":\"Sunday, 06-Nov-94 08:50:07 GMT\",\"Date\":\"" NOW "\"}", 30000},
        {"{\"Retry-After\":\"Sun Nov  6 08:50:07 1994\",\"Date\":\"" NOW "\"}", 30000},
        {"{\"Retry-After\":\"Fri, 31 Dec 9999 23:59:59 GMT\"}", 120000},
        {"{\"Retry-After\":\"1709208030\"}", 120000},
        {"{\"Retry-After\":\"99999999999999999999999999999999999999\"}", 120000},
        {"{\"Retry-After\":\"0\"}", 0},
        {"{\"Retry-After\":\"-30\"}", 0},
        {"{\"Retry-After\":\"Thu, 01 Jan 1970 00:00:00 GMT\"}", 0},
        {"{\"Retry-After\":\"\"}", 0},
        {"{\"Retry-After\":\"soon\"}", 0},
        {"{\"Retry-After\":\"30 seconds\"}", 0},
        {"{}", 0},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        sim_reset(sim);
        struct omnitron_desk *desk =
            omnitron_desk_new(sim, &omnitron_desk_options, SETTING, DESK_TOKEN);
        char fault[256];
        (void)snprintf(fault, sizeof fault,
                       "{\"times\":1,\"action\":{\"status\":429,\"headers\":%s}}",
                       forms[i].headers);
        sim_fault(sim, fault);
        omnitron_desk_list(desk);
        if (forms[i].pause_ms == 0) {
            omnitron_desk_expect_success(desk);
        } else {
            omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
            assert_int_equal(desk->failure.retry_after_ms, forms[i].pause_ms);
        }
        omnitron_desk_free(desk);
    }
}

static void a_503_that_asks_for_a_long_wait_is_not_repeated_here(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim,
              "{\"times\":-1,\"action\":{\"status\":503,\"headers\":{\"Retry-After\":\"30\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    assert_int_equal(desk->failure.retry_after_ms, 30000);
    assert_int_equal(sim_counter(sim, "requests"), 1);
}

/* ---- The breaker ---- */

static void failures_in_a_row_open_the_breaker_and_a_success_closes_it(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":8,\"action\":{\"status\":502}}");
    int64_t openings = metrics_read(METRIC_OMNITRON_BREAKER_OPENINGS, NULL, NULL);
    list_at_once(desk, 8);
    assert_int_equal(metrics_read(METRIC_OMNITRON_BREAKER_OPENINGS, NULL, NULL), openings + 1);
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    sim_set(sim, "{\"latency_ms\":10}");
    sim_reset_counters(sim);
    list_at_once(desk, 16);
    omnitron_desk_expect_success(desk);
    assert_int_equal(sim_counter(sim, "max_in_flight"), desk->account->omnitron.max_connections);
}

static void an_open_breaker_lets_one_call_at_a_time_try(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":-1,\"action\":{\"status\":502}}");
    list_at_once(desk, 5);
    sim_set(sim, "{\"latency_ms\":10}");
    sim_reset_counters(sim);
    list_at_once(desk, 5);
    omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    assert_int_equal(sim_counter(sim, "max_in_flight"), 1);
}

static void a_breaker_open_for_long_fails_calls_without_trying(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":-1,\"action\":{\"close\":\"before\"}}");
    for (int i = 0; i < 3; i++) {
        omnitron_desk_list(desk);
        omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    }
    sim_reset_counters(sim);
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_in_range(desk->failure.retry_after_ms, 50000, 60000);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

static void answers_that_refuse_do_not_open_the_breaker(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":10,\"action\":{\"status\":404}}");
    for (int i = 0; i < 10; i++) {
        omnitron_desk_list(desk);
    }
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
}

int main(void)
{
#define WITH_TOKEN(name) cmocka_unit_test_setup_teardown(name, set_up_with_token, tear_down)
#define WITH_LOGIN(name) cmocka_unit_test_setup_teardown(name, set_up_with_login, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LOGIN(a_user_logs_in_once_for_all_calls),
        WITH_LOGIN(a_token_that_was_logged_out_is_renewed_once_for_all_calls),
        cmocka_unit_test_setup_teardown(the_try_that_met_a_401_does_not_count, set_up_with_one_try,
                                        tear_down),
        WITH_LOGIN(an_auth_failure_that_looks_like_403_is_renewed_too),
        WITH_LOGIN(a_403_that_a_new_login_does_not_change_is_a_true_one),
        WITH_LOGIN(a_403_page_of_a_proxy_starts_no_login),
        WITH_LOGIN(a_second_401_ends_the_call),
        WITH_LOGIN(no_more_than_three_logins_are_made_in_a_while),
        WITH_LOGIN(a_refused_login_is_not_repeated_and_shows_no_password),
        WITH_LOGIN(a_login_that_failed_in_passing_is_repeated),
        WITH_LOGIN(logins_that_got_no_answer_do_not_use_up_the_budget),
        WITH_LOGIN(a_login_without_a_token_is_broken),
        WITH_TOKEN(a_token_account_never_logs_in),
        WITH_LOGIN(a_login_outlives_the_omnitron_that_made_it),
        WITH_LOGIN(other_credentials_of_the_same_account_log_in_anew),
        WITH_LOGIN(freeing_the_omnitron_cancels_its_login),
        WITH_LOGIN(no_login_is_sent_for_a_call_that_may_not_be),
        WITH_LOGIN(a_callers_token_is_checked_with_the_user_path),
        WITH_TOKEN(a_token_that_could_end_the_header_is_not_sent),
        WITH_TOKEN(a_page_with_status_200_lets_nobody_in),
        WITH_TOKEN(a_caller_that_is_throttled_does_not_pause_the_account),
        WITH_TOKEN(a_short_pause_holds_back_all_calls_and_is_waited_out),
        WITH_TOKEN(a_long_pause_fails_all_calls_at_once),
        WITH_TOKEN(a_long_pause_fails_the_calls_that_wait_in_line),
        WITH_TOKEN(an_absurd_pause_is_clamped),
        WITH_TOKEN(throttling_without_a_time_is_met_by_backoff),
        cmocka_unit_test(every_form_of_a_pause_is_met),
        WITH_TOKEN(a_503_that_asks_for_a_long_wait_is_not_repeated_here),
        cmocka_unit_test_setup_teardown(failures_in_a_row_open_the_breaker_and_a_success_closes_it,
                                        set_up_with_breaker, tear_down),
        cmocka_unit_test_setup_teardown(an_open_breaker_lets_one_call_at_a_time_try,
                                        set_up_with_breaker, tear_down),
        cmocka_unit_test_setup_teardown(a_breaker_open_for_long_fails_calls_without_trying,
                                        set_up_with_slow_breaker, tear_down),
        cmocka_unit_test_setup_teardown(answers_that_refuse_do_not_open_the_breaker,
                                        set_up_with_breaker, tear_down),
    };
    return cmocka_run_group_tests(tests, start_sim, stop_sim);
}
