/* What calls of one account share: logins, and callers' tokens. test_omnitron_pauses.c has the
 * rest. */
#include "common/metrics.h"
#include "common/now.h"
#include "tests/support/omnitron_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static int set_up_with_login(void **state)
{
    sim_reset(desk_sim);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, DESK_SETTING, DESK_LOGIN);
    return 0;
}

static int set_up_with_one_try(void **state)
{
    sim_reset(desk_sim);
    struct omnitron_pool_options options = omnitron_desk_options;
    options.tries = 1;
    *state = omnitron_desk_new(desk_sim, &options, DESK_SETTING, DESK_LOGIN);
    return 0;
}

static int64_t logins(void)
{
    return sim_counter(desk_sim, "logins");
}

/* ---- Logins ---- */

static void a_user_logs_in_once_for_all_calls(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_list_at_once(desk, 20);
    omnitron_desk_expect_success(desk);
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_success(desk);
    assert_int_equal(logins(), 1);
    assert_int_equal(sim_counter(desk_sim, "tokens_seen_wrong"), 0);
}

static void a_token_that_was_logged_out_is_renewed_once_for_all_calls(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_list(desk);
    sim_expire_token(desk_sim, "acme");
    omnitron_desk_list_at_once(desk, 30);
    omnitron_desk_expect_success(desk);
    assert_int_equal(logins(), 2);
}

static void the_try_that_met_a_401_does_not_count(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_list(desk);
    sim_expire_token(desk_sim, "acme");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
}

static void an_auth_failure_that_looks_like_403_is_renewed_too(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(desk_sim, "{\"auth_failure_status\":403}");
    omnitron_desk_list(desk);
    sim_expire_token(desk_sim, "acme");
    omnitron_desk_list_at_once(desk, 10);
    omnitron_desk_expect_success(desk);
    assert_int_equal(logins(), 2);
}

static void a_403_that_a_new_login_does_not_change_is_a_true_one(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"path\":\"/whisperer/\",\"times\":-1,"
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
    sim_fault(desk_sim, "{\"path\":\"/whisperer/\",\"times\":-1,"
                        "\"action\":{\"status\":403,\"body\":\"<h1>Blocked</h1>\"}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_FORBIDDEN);
    assert_int_equal(logins(), 1);
}

static void a_second_401_ends_the_call(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"path\":\"/whisperer/\",\"times\":-1,"
                        "\"action\":{\"status\":401,\"json\":{\"detail\":\"Invalid token.\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(logins(), 2);
    assert_int_equal(sim_route_count(desk_sim, "GET /whisperer/hooks/", 0), 2);
}

static void no_more_than_three_logins_are_made_in_a_while(void **state)
{
    struct omnitron_desk *desk = *state;
    for (int i = 0; i < 3; i++) {
        omnitron_desk_list(desk);
        omnitron_desk_expect_success(desk);
        sim_expire_token(desk_sim, "acme");
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
    sim_fault(desk_sim, "{\"path\":\"/api/v1/auth/login/\",\"times\":-1,\"action\":{\"status\":400,"
                        "\"json\":{\"non_field_errors\":[\"Cannot log in with pw.\"]}}}");
    omnitron_desk_list_at_once(desk, 10);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(sim_route_count(desk_sim, "POST /api/v1/auth/login/", 0), 1);
    assert_non_null(strstr(desk->failure.error.text, "Cannot log in with ***."));
    assert_int_equal(sim_route_count(desk_sim, "GET /whisperer/hooks/", 0), 0);
    /* Nor by a later call with the same credentials. */
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_non_null(strstr(desk->failure.error.text, "Cannot log in with ***."));
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
}

static void a_login_that_failed_in_passing_is_repeated(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim,
              "{\"path\":\"/api/v1/auth/login/\",\"times\":2,\"action\":{\"status\":502}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(sim_route_count(desk_sim, "POST /api/v1/auth/login/", 0), 3);
}

static void logins_that_got_no_answer_do_not_use_up_the_budget(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim,
              "{\"path\":\"/api/v1/auth/login/\",\"times\":15,\"action\":{\"status\":502}}");
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
        sim_fault(desk_sim, fault);
        struct omnitron_desk *other =
            omnitron_desk_new(desk_sim, &omnitron_desk_options, DESK_SETTING, DESK_LOGIN);
        omnitron_desk_list(other);
        omnitron_desk_expect_failure(other, OMNITRON_BROKEN);
        omnitron_desk_free(other);
    }
    (void)desk;
}

static void a_token_account_never_logs_in(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_expire_token(desk_sim, "acme");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(logins(), 0);
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
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
    sim_add_user(desk_sim, "other", "pw2", "t1", false);
    struct settings *settings = omnitron_desk_settings(
        desk_sim, DESK_SETTING, "\"username\":\"other\",\"password\":\"pw2\"");
    struct omnitron *before = desk->omnitron;
    desk->omnitron = omnitron_new(desk->pool, settings, settings_find_account(settings, "acme"));
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_success(desk);
    assert_int_equal(sim_hook_count(desk_sim, "other"), 1);
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
    sim_set(desk_sim, "{\"latency_ms\":50}");
    (void)omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    omnitron_desk_idle(desk, 20);
    omnitron_free(desk->omnitron);
    desk->omnitron = NULL;
    omnitron_desk_idle(desk, 100);
    assert_int_equal(desk->done_count, 0);
    assert_int_equal(sim_route_count(desk_sim, "GET /whisperer/hooks/", 0), 0);
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
    assert_int_equal(sim_counter(desk_sim, "requests"), 0);
}

/* ---- Callers' tokens ---- */

static void a_callers_token_is_checked_with_the_user_path(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_add_user(desk_sim, "caller", "x", "callers-token", false);
    omnitron_desk_check_token(desk, "callers-token");
    omnitron_desk_expect_success(desk);
    omnitron_desk_check_token(desk, "wrong");
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    sim_set(desk_sim, "{\"auth_failure_status\":403}");
    omnitron_desk_check_token(desk, "wrong");
    omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    assert_int_equal(logins(), 0);
    assert_int_equal(sim_counter(desk_sim, "requests"), 3);
}

static void a_token_that_could_end_the_header_is_not_sent(void **state)
{
    struct omnitron_desk *desk = *state;
    static const char *const tokens[] = {"", "a b", "a\r\nX-Evil: 1", "\x7f", "ç"};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        omnitron_desk_check_token(desk, tokens[i]);
        omnitron_desk_expect_failure(desk, OMNITRON_CREDENTIALS);
    }
    assert_int_equal(sim_counter(desk_sim, "requests"), 0);
}

static void a_page_with_status_200_lets_nobody_in(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":-1,\"action\":{\"status\":200,\"body\":\"<h1>Log in</h1>\"}}");
    omnitron_desk_check_token(desk, "t0ken");
    omnitron_desk_expect_failure(desk, OMNITRON_BROKEN);
}

static void a_caller_that_is_throttled_does_not_pause_the_account(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"path\":\"/api/v1/active_user/\",\"times\":-1,"
                        "\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"60\"}}}");
    omnitron_desk_check_token(desk, "t0ken");
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(desk->failure.retry_after_ms, 60000);
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
}

int main(void)
{
#define WITH_TOKEN(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, omnitron_desk_set_up, omnitron_desk_tear_down)
#define WITH_LOGIN(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, set_up_with_login, omnitron_desk_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LOGIN(a_user_logs_in_once_for_all_calls),
        WITH_LOGIN(a_token_that_was_logged_out_is_renewed_once_for_all_calls),
        cmocka_unit_test_setup_teardown(the_try_that_met_a_401_does_not_count, set_up_with_one_try,
                                        omnitron_desk_tear_down),
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
    };
    return cmocka_run_group_tests(tests, omnitron_desk_start_sim, omnitron_desk_stop_sim);
}
