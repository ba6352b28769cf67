/* Reading Omnitron's list: its shapes, its pages, and what goes wrong with them. */
#include "common/strbuf.h"
#include "tests/support/omnitron_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTING                                                                                    \
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h?a=1&b=ç%20%2f\"},"              \
    "{\"event_type\":\"a.c\",\"target_url\":\"https://x.example/h\"}]"

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

static int set_up(void **state)
{
    sim_reset(sim);
    *state = omnitron_desk_new(sim, &omnitron_desk_options, SETTING, DESK_TOKEN);
    return 0;
}

static int tear_down(void **state)
{
    omnitron_desk_free(*state);
    return 0;
}

/* Rows of acme with event type "a.b" and targets https://x.example/0 ... */
static void seed(size_t count)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "{\"username\":\"acme\",\"event_type\":\"a.b\",\"target_prefix\":"
                   "\"https://x.example/\",\"count\":%zu}",
                   count);
    sim_seed(sim, text);
}

static bool has_each_target_once(const struct hook_list *list, size_t count)
{
    bool seen[1024] = {false};
    for (size_t i = 0; i < list->count; i++) {
        static const char prefix[] = "https://x.example/";
        const char *url = list->hooks[i].target_url;
        assert_int_equal(strncmp(url, prefix, strlen(prefix)), 0);
        unsigned long number = strtoul(url + strlen(prefix), NULL, 10);
        if (number >= count || seen[number]) {
            return false;
        }
        seen[number] = true;
    }
    return list->count == count;
}

static void expect_all(struct omnitron_desk *desk, size_t count)
{
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_true(has_each_target_once(desk->list, count));
    assert_false(desk->list->is_unstable);
}

/* ---- Shapes ---- */

static void nothing_registered_is_an_empty_list(void **state)
{
    expect_all(*state, 0);
    sim_set(sim, "{\"pagination\":\"array\"}");
    expect_all(*state, 0);
}

static void a_bare_array_is_a_list(void **state)
{
    sim_set(sim, "{\"pagination\":\"array\"}");
    seed(250);
    expect_all(*state, 250);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 0), 1);
}

static void numbered_pages_are_read_to_the_end(void **state)
{
    sim_set(sim, "{\"max_page_size\":100}");
    seed(250);
    expect_all(*state, 250);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 200), 3);
}

static void cursor_pages_are_read_to_the_end(void **state)
{
    sim_set(sim, "{\"pagination\":\"cursor\",\"max_page_size\":40}");
    seed(250);
    expect_all(*state, 250);
}

static void a_row_is_read_with_all_its_fields(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_seed(sim, "{\"username\":\"acme\",\"event_type\":\"a.b\",\"target_url\":\"https://y/\","
                  "\"is_active\":false}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 1);
    assert_string_equal(desk->list->hooks[0].event_type, "a.b");
    assert_string_equal(desk->list->hooks[0].target_url, "https://y/");
    assert_false(desk->list->hooks[0].is_active);
    assert_true(desk->list->hooks[0].id > 0);
}

/* ---- Links to the next page ---- */

static void the_query_of_a_link_is_used_on_our_own_base(void **state)
{
    sim_set(sim, "{\"max_page_size\":100}");
    seed(250);
    static const char *const bases[] = {
        "{\"next_base\":\"relative\"}", "{\"next_base\":\"placeholder\"}",
        "{\"next_base\":\"http://elsewhere.invalid\"}", "{\"next_base\":\"https://127.0.0.1:1\"}"};
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        sim_set(sim, bases[i]);
        expect_all(*state, 250);
    }
}

/* A page, as a fault for requests whose query has match: rows are ids, next a JSON value. */
static void fake_page(const char *match, const char *ids, const char *next, int count)
{
    struct strbuf fault;
    strbuf_init(&fault, SIZE_MAX / 2);
    strbuf_addf(&fault,
                "{\"method\":\"GET\",\"path\":\"/whisperer/hooks/\",\"match\":\"%s\",\"times\":-1,"
                "\"action\":{\"json\":{\"count\":%d,\"next\":%s,\"results\":[",
                match, count, next);
    for (const char *id = ids; *id != '\0'; id++) {
        strbuf_addf(&fault,
                    "%s{\"id\":%c,\"event_type\":\"a.b\",\"target_url\":\"https://x.example/%c\"}",
                    id == ids ? "" : ",", *id, *id);
    }
    strbuf_add_text(&fault, "]}}}");
    sim_fault(sim, fault.bytes);
    strbuf_clear(&fault);
}

static void expect_broken_list(struct omnitron_desk *desk, const char *words)
{
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_BROKEN);
    assert_non_null(strstr(desk->failure.error.text, words));
    assert_true(omnitron_failure_may_pass(&desk->failure));
}

static void a_link_to_another_path_breaks_the_list(void **state)
{
    fake_page("", "12", "\"/whisperer/other/?page=2\"", 4);
    expect_broken_list(*state, "another path");
    assert_int_equal(sim_counter(sim, "requests"), 1);
}

static void a_link_to_the_same_page_breaks_the_list(void **state)
{
    fake_page("", "12", "\"?page=2\"", 4);
    expect_broken_list(*state, "nothing new");
    assert_int_equal(sim_counter(sim, "requests"), 2);
}

static void links_in_a_circle_break_the_list(void **state)
{
    fake_page("page=2", "34", "\"?page=3\"", 6);
    fake_page("page=3", "56", "\"?page=2\"", 6);
    fake_page("", "12", "\"?page=2\"", 6);
    expect_broken_list(*state, "nothing new");
    assert_true(sim_counter(sim, "requests") <= 5);
}

static void an_empty_page_with_a_link_breaks_the_list(void **state)
{
    fake_page("", "", "\"?page=2\"", 6);
    expect_broken_list(*state, "nothing new");
}

static void a_page_that_vanished_starts_the_list_again_once(void **state)
{
    sim_set(sim, "{\"max_page_size\":100}");
    seed(250);
    sim_fault(sim, "{\"match\":\"page=3\",\"times\":1,"
                   "\"action\":{\"status\":404,\"json\":{\"detail\":\"Invalid page.\"}}}");
    expect_all(*state, 250);
    sim_fault(sim, "{\"match\":\"page=3\",\"times\":-1,"
                   "\"action\":{\"status\":404,\"json\":{\"detail\":\"Invalid page.\"}}}");
    expect_broken_list(*state, "vanishing");
}

static void rows_that_vanished_are_not_in_the_list(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"match\":\"page=2\",\"times\":1,"
                   "\"action\":{\"status\":404,\"json\":{\"detail\":\"Invalid page.\"}}}");
    sim_fault(sim, "{\"times\":1,\"action\":{\"json\":{\"count\":3,\"next\":\"?page=2\","
                   "\"results\":[{\"id\":1,\"event_type\":\"a\",\"target_url\":\"u\"},"
                   "{\"id\":2,\"event_type\":\"b\",\"target_url\":\"u\"}]}}}");
    sim_fault(sim, "{\"times\":1,\"action\":{\"json\":{\"count\":1,\"next\":null,"
                   "\"results\":[{\"id\":1,\"event_type\":\"a\",\"target_url\":\"u\"}]}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 1);
    assert_false(desk->list->is_unstable);
}

/* ---- Counts ---- */

static void a_list_with_fewer_rows_than_counted_is_read_again_and_told(void **state)
{
    struct omnitron_desk *desk = *state;
    fake_page("", "12", "null", 3);
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 2);
    assert_true(desk->list->is_unstable);
    assert_int_equal(sim_counter(sim, "requests"), 4);
}

static void a_row_missed_at_first_is_found_by_reading_again(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim,
              "{\"name\":\"first\",\"times\":1,\"action\":{\"json\":{\"count\":2,\"next\":null,"
              "\"results\":[{\"id\":1,\"event_type\":\"a\",\"target_url\":\"u\"}]}}}");
    sim_fault(sim,
              "{\"name\":\"second\",\"times\":1,\"action\":{\"json\":{\"count\":2,\"next\":null,"
              "\"results\":[{\"id\":2,\"event_type\":\"b\",\"target_url\":\"u\"}]}}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 2);
    assert_false(desk->list->is_unstable);
    assert_int_equal(sim_counter(sim, "requests"), 2);
}

static void unordered_pages_give_each_row_at_most_once(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(sim, "{\"ordering\":\"none\",\"max_page_size\":20}");
    seed(100);
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_true(desk->list->is_unstable || has_each_target_once(desk->list, 100));
    for (size_t i = 0; i < desk->list->count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(desk->list->hooks[i].id, desk->list->hooks[j].id);
        }
    }
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
    sim_fault(sim, fault);
}

static void a_list_that_failed_is_never_an_empty_list(void **state)
{
    struct omnitron_desk *desk = *state;
    seed(5);
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
        sim_reset_counters(sim);
        break_list(rows[i].action);
        omnitron_desk_list(desk);
        omnitron_desk_expect_failure(desk, rows[i].kind);
        assert_null(desk->list);
        /* A request on a kept connection that is closed is repeated by libcurl first. */
        int64_t requests = sim_counter(sim, "requests");
        assert_true(requests == rows[i].requests || requests == rows[i].requests + 1);
    }
}

static void a_hiccup_is_repeated_and_forgotten(void **state)
{
    static const char *const actions[] = {
        "{\"status\":503}", "{\"close\":\"before\"}", "{\"close\":\"mid\"}",
        "{\"status\":200,\"body\":\"<h1>Maintenance</h1>\"}", "{\"truncate\":10}"};
    seed(5);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        char fault[256];
        (void)snprintf(fault, sizeof fault, "{\"times\":2,\"action\":%s}", actions[i]);
        sim_fault(sim, fault);
        expect_all(*state, 5);
    }
}

static void silence_ends_with_the_time_limit(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_fault(sim, "{\"times\":-1,\"action\":{\"hang\":true}}");
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_TIMEOUT);
    assert_int_equal(sim_counter(sim, "requests"), 3);
}

static void an_answer_that_drips_ends_with_the_time_limit(void **state)
{
    struct omnitron_desk *desk = *state;
    seed(5);
    sim_fault(sim, "{\"times\":-1,\"action\":{\"drip_ms\":50}}");
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
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_UNREACHABLE);
    assert_int_equal(omnitron_pool_counters(desk->pool)->answers[0], 3);
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
    seed(5);
    struct omnitron_call *call = omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    omnitron_cancel(call);
    sim_set(sim, "{\"latency_ms\":50}");
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
    seed(50);
    omnitron_desk_find(desk, 0);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, 0);
    omnitron_desk_create(desk, 0);
    omnitron_desk_find(desk, 0);
    assert_int_equal(desk->list->count, 1);
    assert_string_equal(desk->list->hooks[0].target_url, desk->account->webhooks[0].target_url);
    assert_int_equal(sim_counter(sim, "lookups"), 2);
}

static void rows_that_a_server_without_filters_adds_are_left_out(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(sim, "{\"filters\":false,\"max_page_size\":20}");
    seed(50);
    sim_seed(sim, "{\"username\":\"acme\",\"event_type\":\"a.c\","
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
    sim_set(sim, "{\"registry\":[\"package.created\",\"x\"]}");
    struct registry registry = read_registry(desk);
    assert_int_equal(registry.count, 2);
    assert_string_equal(registry.first, "package.created");
    sim_set(sim, "{\"registry\":[]}");
    registry = read_registry(desk);
    assert_true(registry.is_there);
    assert_int_equal(registry.count, 0);
    break_list("{\"json\":{\"a\":1}}");
    (void)read_registry(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_BROKEN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_registered_is_an_empty_list),
        TEST(a_bare_array_is_a_list),
        TEST(numbered_pages_are_read_to_the_end),
        TEST(cursor_pages_are_read_to_the_end),
        TEST(a_row_is_read_with_all_its_fields),
        TEST(the_query_of_a_link_is_used_on_our_own_base),
        TEST(a_link_to_another_path_breaks_the_list),
        TEST(a_link_to_the_same_page_breaks_the_list),
        TEST(links_in_a_circle_break_the_list),
        TEST(an_empty_page_with_a_link_breaks_the_list),
        TEST(a_page_that_vanished_starts_the_list_again_once),
        TEST(rows_that_vanished_are_not_in_the_list),
        TEST(a_list_with_fewer_rows_than_counted_is_read_again_and_told),
        TEST(a_row_missed_at_first_is_found_by_reading_again),
        TEST(unordered_pages_give_each_row_at_most_once),
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
    return cmocka_run_group_tests(tests, start_sim, stop_sim);
}
