/* What calls of one account share: pauses that Omnitron asks for, and the breaker. */
#include "common/metrics.h"
#include "common/now.h"
#include "tests/support/omnitron_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static int set_up_with_breaker(void **state)
{
    sim_reset(desk_sim);
    struct omnitron_pool_options options = omnitron_desk_options;
    options.breaker_failures = 5;
    options.retry = (struct backoff){.base_ms = 100, .max_ms = 100};
    *state = omnitron_desk_new(desk_sim, &options, DESK_SETTING, DESK_TOKEN);
    return 0;
}

static int set_up_with_slow_breaker(void **state)
{
    sim_reset(desk_sim);
    struct omnitron_pool_options options = omnitron_desk_options;
    options.tries = 1;
    options.breaker_failures = 3;
    options.retry = (struct backoff){.base_ms = 60000, .max_ms = 60000};
    *state = omnitron_desk_new(desk_sim, &options, DESK_SETTING, DESK_TOKEN);
    return 0;
}

/* ---- Pauses ---- */

static void a_short_pause_holds_back_all_calls_and_is_waited_out(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":1,\"action\":{\"status\":429,\"json\":{\"detail\":\"Slow.\"},"
                        "\"headers\":{\"Retry-After\":\"1\"}}}");
    int64_t start_ms = now_mono_ms();
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_true(now_mono_ms() - start_ms >= 1000 - CLOCK_SLACK_MS);
    assert_int_equal(sim_counter(desk_sim, "requests"), 2);

    sim_fault(desk_sim,
              "{\"times\":1,\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"1\"}}}");
    (void)omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    omnitron_desk_idle(desk, 100);
    sim_reset_counters(desk_sim);
    (void)omnitron_create(desk->omnitron, &desk->account->webhooks[0], omnitron_desk_on_written,
                          desk);
    omnitron_desk_idle(desk, 300);
    assert_int_equal(sim_counter(desk_sim, "requests"), 0);
    omnitron_desk_wait(desk, 3);
    omnitron_desk_expect_success(desk);
}

static void a_long_pause_fails_all_calls_at_once(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim,
              "{\"times\":1,\"action\":{\"status\":429,\"json\":{\"detail\":\"Slow down.\"},"
              "\"headers\":{\"Retry-After\":\"30\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(desk->failure.retry_after_ms, 30000);
    assert_int_equal(desk->failure.status, 429);
    assert_non_null(strstr(desk->failure.error.text, "Slow down."));
    omnitron_desk_create(desk, 0);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_in_range(desk->failure.retry_after_ms, 25000, 30000);
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
    /* It is the account's, not the object's. */
    omnitron_free(desk->omnitron);
    desk->omnitron = omnitron_new(desk->pool, desk->settings, desk->account);
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
}

static void a_long_pause_fails_the_calls_that_wait_in_line(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(desk_sim, "{\"latency_ms\":20}");
    sim_fault(desk_sim,
              "{\"times\":-1,\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"30\"}}}");
    omnitron_desk_list_at_once(desk, 40);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(sim_counter(desk_sim, "requests"), desk->account->omnitron.max_connections);
}

static void an_absurd_pause_is_clamped(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":1,\"action\":{\"status\":429,"
                        "\"headers\":{\"Retry-After\":\"1709208030\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(desk->failure.retry_after_ms, 120000);
}

static void throttling_without_a_time_is_met_by_backoff(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim,
              "{\"times\":2,\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"-1\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    sim_fault(desk_sim, "{\"times\":-1,\"action\":{\"status\":429}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_int_equal(sim_counter(desk_sim, "requests"), 6);
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
        sim_reset(desk_sim);
        struct omnitron_desk *desk =
            omnitron_desk_new(desk_sim, &omnitron_desk_options, DESK_SETTING, DESK_TOKEN);
        char fault[256];
        (void)snprintf(fault, sizeof fault,
                       "{\"times\":1,\"action\":{\"status\":429,\"headers\":%s}}",
                       forms[i].headers);
        sim_fault(desk_sim, fault);
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
    sim_fault(desk_sim,
              "{\"times\":-1,\"action\":{\"status\":503,\"headers\":{\"Retry-After\":\"30\"}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    assert_int_equal(desk->failure.retry_after_ms, 30000);
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
}

/* ---- The breaker ---- */

static void failures_in_a_row_open_the_breaker_and_a_success_closes_it(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":8,\"action\":{\"status\":502}}");
    int64_t openings = metrics_read(METRIC_OMNITRON_BREAKER_OPENINGS, NULL, NULL);
    omnitron_desk_list_at_once(desk, 8);
    assert_int_equal(metrics_read(METRIC_OMNITRON_BREAKER_OPENINGS, NULL, NULL), openings + 1);
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    sim_set(desk_sim, "{\"latency_ms\":10}");
    sim_reset_counters(desk_sim);
    omnitron_desk_list_at_once(desk, 16);
    omnitron_desk_expect_success(desk);
    assert_int_equal(sim_counter(desk_sim, "max_in_flight"),
                     desk->account->omnitron.max_connections);
}

static void an_open_breaker_lets_one_call_at_a_time_try(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":-1,\"action\":{\"status\":502}}");
    omnitron_desk_list_at_once(desk, 5);
    sim_set(desk_sim, "{\"latency_ms\":10}");
    sim_reset_counters(desk_sim);
    omnitron_desk_list_at_once(desk, 5);
    omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    assert_int_equal(sim_counter(desk_sim, "max_in_flight"), 1);
}

static void a_breaker_open_for_long_fails_calls_without_trying(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":-1,\"action\":{\"close\":\"before\"}}");
    for (int i = 0; i < 3; i++) {
        omnitron_desk_list(desk);
        omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    }
    sim_reset_counters(desk_sim);
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_THROTTLED);
    assert_in_range(desk->failure.retry_after_ms, 50000, 60000);
    assert_int_equal(sim_counter(desk_sim, "requests"), 0);
}

static void answers_that_refuse_do_not_open_the_breaker(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":10,\"action\":{\"status\":404}}");
    for (int i = 0; i < 10; i++) {
        omnitron_desk_list(desk);
    }
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
}

int main(void)
{
#define WITH_TOKEN(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, omnitron_desk_set_up, omnitron_desk_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TOKEN(a_short_pause_holds_back_all_calls_and_is_waited_out),
        WITH_TOKEN(a_long_pause_fails_all_calls_at_once),
        WITH_TOKEN(a_long_pause_fails_the_calls_that_wait_in_line),
        WITH_TOKEN(an_absurd_pause_is_clamped),
        WITH_TOKEN(throttling_without_a_time_is_met_by_backoff),
        cmocka_unit_test(every_form_of_a_pause_is_met),
        WITH_TOKEN(a_503_that_asks_for_a_long_wait_is_not_repeated_here),
        cmocka_unit_test_setup_teardown(failures_in_a_row_open_the_breaker_and_a_success_closes_it,
                                        set_up_with_breaker, omnitron_desk_tear_down),
        cmocka_unit_test_setup_teardown(an_open_breaker_lets_one_call_at_a_time_try,
                                        set_up_with_breaker, omnitron_desk_tear_down),
        cmocka_unit_test_setup_teardown(a_breaker_open_for_long_fails_calls_without_trying,
                                        set_up_with_slow_breaker, omnitron_desk_tear_down),
        cmocka_unit_test_setup_teardown(answers_that_refuse_do_not_open_the_breaker,
                                        set_up_with_breaker, omnitron_desk_tear_down),
    };
    return cmocka_run_group_tests(tests, omnitron_desk_start_sim, omnitron_desk_stop_sim);
}
