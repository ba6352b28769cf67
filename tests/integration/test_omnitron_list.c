/* Reading Omnitron's list: its shapes, and what goes wrong with an answer. Its pages:
   test_omnitron_pages.c. */
#include "common/metrics.h"
#include "tests/support/list_pages.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define SETTING                                                                                    \
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h?a=1&b=ç%20%2f\"},"              \
    "{\"event_type\":\"a.c\",\"target_url\":\"https://x.example/h\"}]"

static int set_up(void **state)
{
    sim_reset(desk_sim);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, SETTING, DESK_TOKEN);
    return 0;
}

/* ---- Shapes ---- */

static void nothing_registered_is_an_empty_list(void **state)
{
    list_expect_all(*state, 0);
    sim_set(desk_sim, "{\"pagination\":\"array\"}");
    list_expect_all(*state, 0);
}

static void a_bare_array_is_a_list(void **state)
{
    sim_set(desk_sim, "{\"pagination\":\"array\"}");
    list_seed(desk_sim, 250);
    list_expect_all(*state, 250);
    assert_int_equal(sim_route_count(desk_sim, "GET /whisperer/hooks/", 0), 1);
}

static void a_row_is_read_with_all_its_fields(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_seed(desk_sim,
             "{\"username\":\"acme\",\"event_type\":\"a.b\",\"target_url\":\"https://y/\","
             "\"is_active\":false}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 1);
    assert_string_equal(desk->list->hooks[0].event_type, "a.b");
    assert_string_equal(desk->list->hooks[0].target_url, "https://y/");
    assert_false(desk->list->hooks[0].is_active);
    assert_true(desk->list->hooks[0].id > 0);
}

/* ---- Failures ---- */

/* The first page meets the action for ever. */
static void break_list(const char *action)
{
    char fault[1024];
    (void)snprintf(fault, sizeof fault,
                   "{\"name\":\"f\",\"method\":\"GET\",\"path\":\"/whisperer/hooks/\",\"times\":-1,"
                   "\"action\":%s}",
                   action);
    sim_fault(desk_sim, fault);
}

static void a_list_that_failed_is_never_an_empty_list(void **state)
{
    struct omnitron_desk *desk = *state;
    list_seed(desk_sim, 5);
    static const struct {
        const char *action;
        enum omnitron_failure_kind kind;
        int requests;
    } rows[] = {
        {"{\"status\":500,\"body\":\"<h1>Error</h1>\"}", OMNITRON_UNREACHABLE, 3},
        {"{\"status\":502,\"body\":\"\"}", OMNITRON_UNREACHABLE, 3},
        {"{\"close\":\"before\"}", OMNITRON_UNREACHABLE, 3},
        {"{\"close\":\"after\"}", OMNITRON_UNREACHABLE, 3},
        {"{\"close\":\"mid\"}", OMNITRON_UNREACHABLE, 3},
        {"{\"truncate\":10}", OMNITRON_UNREACHABLE, 3},
        {"{\"status\":200,\"body\":\"<h1>Maintenance</h1>\"}", OMNITRON_BROKEN, 3},
        {"{\"status\":204}", OMNITRON_BROKEN, 3},
        {"{\"json\":{}}", OMNITRON_BROKEN, 3},
        {"{\"json\":\"nothing\"}", OMNITRON_BROKEN, 3},
        {"{\"json\":{\"results\":{}}}", OMNITRON_BROKEN, 3},
        {"{\"json\":{\"results\":[],\"next\":7}}", OMNITRON_BROKEN, 3},
        {"{\"json\":{\"results\":[],\"count\":0}}", OMNITRON_BROKEN, 3},
        {"{\"json\":{\"next\":null,\"count\":0}}", OMNITRON_BROKEN, 3},
        {"{\"json\":[1]}", OMNITRON_BROKEN, 1},
        {"{\"json\":[{\"id\":1,\"event_type\":\"a\"}]}", OMNITRON_BROKEN, 1},
        {"{\"status\":301,\"headers\":{\"Location\":\"/elsewhere/\"}}", OMNITRON_REDIRECTED, 1},
        {"{\"status\":401,\"json\":{\"detail\":\"Invalid token.\"}}", OMNITRON_CREDENTIALS, 1},
        {"{\"status\":403,\"json\":{\"detail\":\"No.\"}}", OMNITRON_FORBIDDEN, 1},
        {"{\"status\":404,\"json\":{\"detail\":\"Not found.\"}}", OMNITRON_WRONG_PATH, 1},
        {"{\"status\":404,\"body\":\"<h1>nginx</h1>\"}", OMNITRON_WRONG_PATH, 1},
        {"{\"status\":405,\"json\":{\"detail\":\"Method\"}}", OMNITRON_WRONG_PATH, 1},
        {"{\"status\":400,\"json\":{\"detail\":\"limit?\"}}", OMNITRON_REJECTED, 1},
        {"{\"status\":408}", OMNITRON_UNREACHABLE, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sim_reset_counters(desk_sim);
        break_list(rows[i].action);
        omnitron_desk_list(desk);
        omnitron_desk_expect_failure(desk, rows[i].kind);
        assert_null(desk->list);
        /* A request on a kept connection that is closed is repeated by libcurl first. */
        int64_t requests = sim_counter(desk_sim, "requests");
        assert_true(requests == rows[i].requests || requests == rows[i].requests + 1);
    }
}

static void a_hiccup_is_repeated_and_forgotten(void **state)
{
    static const char *const actions[] = {
        "{\"status\":503}", "{\"close\":\"before\"}", "{\"close\":\"mid\"}",
        "{\"status\":200,\"body\":\"<h1>Maintenance</h1>\"}", "{\"truncate\":10}"};
    list_seed(desk_sim, 5);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        char fault[256];
        (void)snprintf(fault, sizeof fault, "{\"times\":2,\"action\":%s}", actions[i]);
        sim_fault(desk_sim, fault);
        list_expect_all(*state, 5);
    }
}

static void silence_ends_with_the_time_limit(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(desk_sim, "{\"times\":-1,\"action\":{\"hang\":true}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_TIMEOUT);
    assert_int_equal(sim_counter(desk_sim, "requests"), 3);
}

static void an_answer_that_drips_ends_with_the_time_limit(void **state)
{
    struct omnitron_desk *desk = *state;
    list_seed(desk_sim, 5);
    sim_fault(desk_sim, "{\"times\":-1,\"action\":{\"drip_ms\":50}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_TIMEOUT);
}

static void an_omnitron_that_is_away_is_unreachable(void **state)
{
    struct omnitron_desk *desk = *state;
    struct sim *away = sim_start();
    struct settings *settings = omnitron_desk_settings(away, SETTING, DESK_TOKEN);
    sim_kill(away);
    omnitron_free(desk->omnitron);
    desk->omnitron = omnitron_new(desk->pool, settings, settings_find_account(settings, "acme"));
    settings_unref(settings);
    int64_t unanswered = metrics_read(METRIC_OMNITRON_ANSWERS, "GET", "none");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    assert_int_equal(metrics_read(METRIC_OMNITRON_ANSWERS, "GET", "none"), unanswered + 3);
    sim_stop(away);
}

static void a_row_that_makes_little_sense_is_skipped(void **state)
{
    struct omnitron_desk *desk = *state;
    break_list(
        "{\"json\":[{\"id\":1,\"event_type\":\"a\",\"target_url\":\"u\",\"is_active\":\"x\"},"
        "{\"id\":2,\"event_type\":\"b\",\"target_url\":\"u\",\"more\":[{}]}]}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 1);
    assert_int_equal(desk->list->skipped_rows, 1);
    assert_false(desk->list->is_unstable);
}

static void a_cancelled_reading_is_never_told(void **state)
{
    struct omnitron_desk *desk = *state;
    list_seed(desk_sim, 5);
    struct omnitron_call *call = omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    omnitron_cancel(call);
    sim_set(desk_sim, "{\"latency_ms\":50}");
    call = omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    omnitron_desk_idle(desk, 25);
    omnitron_cancel(call);
    omnitron_desk_idle(desk, 100);
    assert_int_equal(desk->done_count, 0);
}

/* ---- Looking up ---- */

static void a_look_up_asks_for_exactly_the_webhook(void **state)
{
    struct omnitron_desk *desk = *state;
    list_seed(desk_sim, 50);
    omnitron_desk_find(desk, 0);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 0);
    omnitron_desk_create(desk, 0);
    omnitron_desk_find(desk, 0);
    assert_int_equal(desk->list->count, 1);
    assert_string_equal(desk->list->hooks[0].target_url, desk->account->webhooks[0].target_url);
    assert_int_equal(sim_counter(desk_sim, "lookups"), 2);
}

static void rows_that_a_server_without_filters_adds_are_left_out(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(desk_sim, "{\"filters\":false,\"max_page_size\":20}");
    list_seed(desk_sim, 50);
    sim_seed(desk_sim, "{\"username\":\"acme\",\"event_type\":\"a.c\","
                       "\"target_url\":\"https://X.example/h\"}");
    omnitron_desk_find(desk, 1);
    assert_int_equal(desk->list->count, 0);
    omnitron_desk_create(desk, 1);
    omnitron_desk_find(desk, 1);
    assert_int_equal(desk->list->count, 1);
    assert_string_equal(desk->list->hooks[0].target_url, "https://x.example/h");
}

/* ---- The registry ---- */

struct registry {
    struct omnitron_desk *desk;
    bool is_there;
    size_t count;
    char first[64];
};

static void on_registry(void *arg, const char *const *event_types, size_t count,
                        const struct omnitron_failure *failure)
{
    struct registry *registry = arg;
    registry->is_there = event_types != NULL;
    registry->count = count;
    if (event_types != NULL && count > 0) {
        (void)snprintf(registry->first, sizeof registry->first, "%s", event_types[0]);
    }
    omnitron_desk_on_user(registry->desk, failure);
}

static struct registry read_registry(struct omnitron_desk *desk)
{
    struct registry registry = {.desk = desk};
    (void)omnitron_read_registry(desk->omnitron, on_registry, &registry);
    omnitron_desk_wait(desk, desk->done_count + 1);
    return registry;
}

static void the_registry_tells_the_known_event_types_where_there_is_one(void **state)
{
    struct omnitron_desk *desk = *state;
    assert_false(read_registry(desk).is_there);
    omnitron_desk_expect_success(desk);
    sim_set(desk_sim, "{\"registry\":[\"package.created\",\"x\"]}");
    struct registry registry = read_registry(desk);
    assert_int_equal(registry.count, 2);
    assert_string_equal(registry.first, "package.created");
    sim_set(desk_sim, "{\"registry\":[]}");
    registry = read_registry(desk);
    assert_true(registry.is_there);
    assert_int_equal(registry.count, 0);
    break_list("{\"json\":{\"a\":1}}");
    (void)read_registry(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_BROKEN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, omnitron_desk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_registered_is_an_empty_list),
        TEST(a_bare_array_is_a_list),
        TEST(a_row_is_read_with_all_its_fields),
        TEST(a_list_that_failed_is_never_an_empty_list),
        TEST(a_hiccup_is_repeated_and_forgotten),
        TEST(silence_ends_with_the_time_limit),
        TEST(an_answer_that_drips_ends_with_the_time_limit),
        TEST(an_omnitron_that_is_away_is_unreachable),
        TEST(a_row_that_makes_little_sense_is_skipped),
        TEST(a_cancelled_reading_is_never_told),
        TEST(a_look_up_asks_for_exactly_the_webhook),
        TEST(rows_that_a_server_without_filters_adds_are_left_out),
        TEST(the_registry_tells_the_known_event_types_where_there_is_one),
    };
    return cmocka_run_group_tests(tests, omnitron_desk_start_sim, omnitron_desk_stop_sim);
}
