/* The pages of Omnitron's list: one after the other and side by side, their links and counts, and
   rows that come and go while they are read. */
#include "tests/support/list_pages.h"
#include "tests/support/loop_until.h"
#include "tests/support/test.h"

#include <stdio.h>

#define SETTING "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/0\"}]"
#define CONNECTIONS(count) DESK_TOKEN ",\"max_connections\":" #count
#define HOOKS "GET /whisperer/hooks/"

static int set_up(void **state)
{
    sim_reset(desk_sim);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, SETTING, CONNECTIONS(8));
    return 0;
}

static void fake(const char *match, const char *ids, const char *next, int count, int times)
{
    list_fake_page(desk_sim, &(struct fake_page){match, ids, next, count, times});
}

/* Five pages of two rows each, 0 to 9, side by side, but for those that are faked. */
static void seed_ten_rows(void)
{
    sim_set(desk_sim, "{\"max_page_size\":2}");
    list_seed(desk_sim, 10);
}

/* ---- Links to the next page ---- */

static void numbered_pages_are_read_to_the_end(void **state)
{
    sim_set(desk_sim, "{\"max_page_size\":100}");
    list_seed(desk_sim, 250);
    list_expect_all(*state, 250);
    assert_int_equal(sim_route_count(desk_sim, HOOKS, 200), 3);
}

static void cursor_pages_are_read_to_the_end(void **state)
{
    sim_set(desk_sim, "{\"pagination\":\"cursor\",\"max_page_size\":40,\"latency_ms\":5}");
    list_seed(desk_sim, 250);
    list_expect_all(*state, 250);
    assert_int_equal(sim_route_count(desk_sim, HOOKS, 200), 7);
    assert_int_equal(sim_counter(desk_sim, "max_in_flight"), 1);
}

static void the_query_of_a_link_is_used_on_our_own_base(void **state)
{
    static const char *const styles[] = {"{\"pagination\":\"page\",\"max_page_size\":100}",
                                         "{\"pagination\":\"cursor\",\"max_page_size\":100}"};
    static const char *const bases[] = {
        "{\"next_base\":\"relative\"}", "{\"next_base\":\"placeholder\"}",
        "{\"next_base\":\"http://elsewhere.invalid\"}", "{\"next_base\":\"https://127.0.0.1:1\"}"};
    list_seed(desk_sim, 250);
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        sim_set(desk_sim, styles[i]);
        for (size_t j = 0; j < sizeof bases / sizeof bases[0]; j++) {
            sim_set(desk_sim, bases[j]);
            list_expect_all(*state, 250);
        }
    }
}

static void a_link_to_another_path_breaks_the_list(void **state)
{
    fake("", "12", "\"/whisperer/other/?page=2\"", 4, -1);
    list_expect_broken(*state, "another path");
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
}

/* With a count that would have the pages read side by side, too. */
static void a_link_to_another_path_breaks_the_list_side_by_side_too(void **state)
{
    fake("", "12", "\"https://evil.invalid/other/?page=2\"", 9, -1);
    list_expect_broken(*state, "another path");
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
}

static void a_link_that_is_none_breaks_the_list(void **state)
{
    static const char *const links[] = {"\"\"", "\"?page=2\\r\\nX: y\"", "\"#\"", "\"page 2\""};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        sim_clear_faults(desk_sim);
        fake("", "12", links[i], 9, -1);
        list_expect_broken(*state, "link to the next page");
    }
}

static void a_link_to_the_same_page_breaks_the_list(void **state)
{
    fake("", "12", "\"?page=2\"", 4, -1);
    list_expect_broken(*state, "nothing new");
    assert_int_equal(sim_counter(desk_sim, "requests"), 2);
}

static void links_in_a_circle_break_the_list(void **state)
{
    fake("page=2", "34", "\"?page=3\"", -1, -1);
    fake("page=3", "56", "\"?page=2\"", -1, -1);
    fake("", "12", "\"?page=2\"", -1, -1);
    list_expect_broken(*state, "nothing new");
    assert_int_equal(sim_counter(desk_sim, "requests"), 4);
}

static void an_empty_page_with_a_link_breaks_the_list(void **state)
{
    fake("", "", "\"?page=2\"", 6, -1);
    list_expect_broken(*state, "nothing new");
}

static void an_array_in_the_place_of_a_later_page_breaks_the_list(void **state)
{
    sim_fault(desk_sim, "{\"match\":\"page=2\",\"times\":-1,\"action\":{\"json\":[]}}");
    fake("", "12", "\"?page=2\"", -1, -1);
    list_expect_broken(*state, "neither an array nor a page");
}

/* ---- Side by side ---- */

static void numbered_pages_are_read_side_by_side(void **state)
{
    sim_set(desk_sim, "{\"max_page_size\":100,\"latency_ms\":20}");
    list_seed(desk_sim, 10000);
    list_expect_all(*state, 10000);
    assert_int_equal(sim_route_count(desk_sim, HOOKS, 200), 100);
    assert_int_equal(sim_counter(desk_sim, "list_reads"), 1);
    assert_int_equal(sim_counter(desk_sim, "max_in_flight"), 8);
}

static void no_more_pages_are_under_way_than_the_account_allows(void **state)
{
    omnitron_desk_free(*state);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, SETTING, CONNECTIONS(3));
    sim_set(desk_sim, "{\"latency_ms\":20}");
    seed_ten_rows();
    list_expect_all(*state, 10);
    assert_int_equal(sim_counter(desk_sim, "max_in_flight"), 3);
}

static void an_account_with_one_connection_reads_page_after_page(void **state)
{
    omnitron_desk_free(*state);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, SETTING, CONNECTIONS(1));
    sim_set(desk_sim, "{\"latency_ms\":5}");
    seed_ten_rows();
    list_expect_all(*state, 10);
    assert_int_equal(sim_counter(desk_sim, "max_in_flight"), 1);
}

static void a_page_that_fails_in_passing_is_read_again_alone(void **state)
{
    seed_ten_rows();
    sim_fault(desk_sim,
              "{\"name\":\"f\",\"match\":\"page=4\",\"times\":2,\"action\":{\"status\":502}}");
    sim_fault(desk_sim, "{\"match\":\"page=3\",\"times\":1,\"action\":{\"close\":\"mid\"}}");
    list_expect_all(*state, 10);
    assert_int_equal(sim_fault_hits(desk_sim, "f"), 2);
    assert_int_equal(sim_counter(desk_sim, "list_reads"), 1);
}

static void a_page_that_keeps_failing_fails_the_list(void **state)
{
    struct omnitron_desk *desk = *state;
    static const struct {
        const char *action;
        enum omnitron_failure_kind kind;
    } rows[] = {
        {"{\"status\":500}", OMNITRON_UNREACHABLE},
        {"{\"truncate\":20}", OMNITRON_UNREACHABLE},
        {"{\"status\":200,\"body\":\"<h1>Maintenance</h1>\"}", OMNITRON_BROKEN},
        {"{\"status\":302,\"headers\":{\"Location\":\"/login/\"}}", OMNITRON_REDIRECTED},
        {"{\"status\":404,\"body\":\"<h1>nginx</h1>\"}", OMNITRON_WRONG_PATH},
    };
    seed_ten_rows();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char fault[256];
        (void)snprintf(fault, sizeof fault, "{\"match\":\"page=3\",\"times\":-1,\"action\":%s}",
                       rows[i].action);
        sim_clear_faults(desk_sim);
        sim_fault(desk_sim, fault);
        omnitron_desk_list(desk);
        omnitron_desk_expect_failure(desk, rows[i].kind);
        assert_null(desk->list);
    }
}

static void a_token_that_ends_between_pages_is_renewed_once(void **state)
{
    omnitron_desk_free(*state);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, SETTING, DESK_LOGIN);
    seed_ten_rows();
    for (int page = 2; page <= 4; page++) {
        char fault[256];
        (void)snprintf(fault, sizeof fault,
                       "{\"match\":\"page=%d\",\"times\":1,\"action\":{\"status\":401,"
                       "\"json\":{\"detail\":\"Invalid token.\"}}}",
                       page);
        sim_fault(desk_sim, fault);
    }
    list_expect_all(*state, 10);
    assert_int_equal(sim_counter(desk_sim, "logins"), 2);
}

static void pages_wait_out_a_pause_that_one_of_them_met(void **state)
{
    seed_ten_rows();
    sim_fault(desk_sim,
              "{\"name\":\"f\",\"match\":\"page=2\",\"times\":1,\"action\":{\"status\":429,"
              "\"headers\":{\"Retry-After\":\"1\"}}}");
    list_expect_all(*state, 10);
    assert_int_equal(sim_fault_hits(desk_sim, "f"), 1);
}

static bool is_all_under_way(void *arg)
{
    (void)arg;
    return sim_counter(desk_sim, "in_flight") == 4;
}

static void a_reading_that_is_cancelled_side_by_side_is_never_told(void **state)
{
    struct omnitron_desk *desk = *state;
    seed_ten_rows();
    sim_fault(desk_sim, "{\"match\":\"page=\",\"times\":-1,\"action\":{\"hang\":true}}");
    struct omnitron_call *call = omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    assert_loop_reaches(desk->loop, is_all_under_way, NULL, DESK_LIMIT_MS);
    omnitron_cancel(call);
    sim_clear_faults(desk_sim);
    list_expect_all(desk, 10); /* and its connections are free for others */
    assert_int_equal(desk->done_count, 1);
}

/* ---- Rows that come and go ---- */

static void a_page_that_vanished_starts_the_list_again_once(void **state)
{
    sim_set(desk_sim, "{\"max_page_size\":100}");
    list_seed(desk_sim, 250);
    sim_fault(desk_sim, "{\"match\":\"page=3\",\"times\":1,"
                        "\"action\":{\"status\":404,\"json\":{\"detail\":\"Invalid page.\"}}}");
    list_expect_all(*state, 250);
    sim_fault(desk_sim, "{\"match\":\"page=3\",\"times\":-1,"
                        "\"action\":{\"status\":404,\"json\":{\"detail\":\"Invalid page.\"}}}");
    list_expect_broken(*state, "vanishing");
}

static void rows_that_vanished_are_not_in_the_list(void **state)
{
    sim_fault(desk_sim, "{\"match\":\"page=2\",\"times\":1,"
                        "\"action\":{\"status\":404,\"json\":{\"detail\":\"Invalid page.\"}}}");
    fake("", "12", "\"?page=2\"", 3, 1);
    fake("", "1", "null", 1, 1);
    list_expect_ids(*state, "1", false);
}

/* Row 1 goes while the pages are read: row 5 moves to the second page when that has been read. */
static void a_row_missed_because_another_went_is_found_by_reading_again(void **state)
{
    fake(FIRST_PAGE, "12", "\"?page=2\"", 6, 1);
    fake("page=2", "34", "\"?page=3\"", 6, 1);
    fake("page=3", "6", "null", 5, 1);
    fake(FIRST_PAGE, "23", "\"?page=2\"", 5, 1);
    fake("page=2", "45", "\"?page=3\"", 5, 1);
    fake("page=3", "6", "null", 5, 1);
    list_expect_ids(*state, "23456", false);
    assert_int_equal(sim_counter(desk_sim, "requests"), 6);
}

static void rows_added_behind_the_last_page_are_read_too(void **state)
{
    fake(FIRST_PAGE, "12", "\"?page=2\"", 6, 1);
    fake("page=2", "34", "\"?page=3\"", 6, 1);
    fake("page=3", "56", "\"?page=4\"", 7, 1);
    fake("page=4", "7", "null", 7, 1);
    list_expect_ids(*state, "1234567", false);
    assert_int_equal(sim_counter(desk_sim, "requests"), 4);
}

static void a_row_that_two_pages_show_is_in_the_list_once(void **state)
{
    fake(FIRST_PAGE, "12", "\"?page=2\"", 5, 1);
    fake("page=2", "23", "\"?page=3\"", 5, 1);
    fake("page=3", "45", "null", 5, 1);
    list_expect_ids(*state, "12345", false);
}

static void unordered_pages_give_each_row_at_most_once(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_set(desk_sim, "{\"ordering\":\"none\",\"max_page_size\":20}");
    list_seed(desk_sim, 100);
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_true(desk->list->is_unstable || desk->list->count == 100);
    for (size_t i = 0; i < desk->list->count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(desk->list->hooks[i].id, desk->list->hooks[j].id);
        }
    }
}

/* ---- Counts ---- */

static void a_list_with_fewer_rows_than_counted_is_read_again_and_told(void **state)
{
    fake("", "12", "null", 3, -1);
    list_expect_ids(*state, "12", true);
    assert_int_equal(sim_counter(desk_sim, "requests"), 4);
}

static void a_list_with_more_rows_than_counted_is_read_again_and_told(void **state)
{
    fake("page=2", "34", "null", 3, -1);
    fake(FIRST_PAGE, "12", "\"?page=2\"", 3, -1);
    list_expect_ids(*state, "1234", true);
    assert_int_equal(sim_counter(desk_sim, "requests"), 8);
}

static void a_row_missed_at_first_is_found_by_reading_again(void **state)
{
    fake("", "1", "null", 2, 1);
    fake("", "2", "null", 2, 1);
    list_expect_ids(*state, "12", false);
    assert_int_equal(sim_counter(desk_sim, "requests"), 2);
}

static void a_reading_that_agrees_with_its_count_is_the_list(void **state)
{
    fake("", "123", "null", 4, 1);
    fake("", "15", "null", 2, 1);
    list_expect_ids(*state, "15", false);
}

/* Pages that are not there are asked for once; then each page is one that another linked to. */
static void a_count_that_is_too_large_is_met_by_reading_page_after_page(void **state)
{
    sim_fault(desk_sim, "{\"name\":\"none\",\"match\":\"page=4\",\"times\":-1,"
                        "\"action\":{\"status\":404,\"json\":{\"detail\":\"Invalid page.\"}}}");
    fake("page=2", "34", "\"?page=3\"", 8, -1);
    fake("page=3", "56", "null", 8, -1);
    fake(FIRST_PAGE, "12", "\"?page=2\"", 8, -1);
    list_expect_ids(*state, "123456", true);
    assert_int_equal(sim_fault_hits(desk_sim, "none"), 1);
}

static void an_absurd_count_does_not_number_the_pages(void **state)
{
    fake("page=2", "34", "\"?page=3\"", 2000000000, -1);
    fake("page=3", "56", "null", 2000000000, -1);
    fake(FIRST_PAGE, "12", "\"?page=2\"", 2000000000, -1);
    list_expect_ids(*state, "123456", true);
    assert_int_equal(sim_counter(desk_sim, "requests"), 12);
}

static void a_page_number_that_is_not_honoured_breaks_the_list(void **state)
{
    fake("", "12", "\"?page=2\"", 8, -1);
    list_expect_broken(*state, "nothing new");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, omnitron_desk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(numbered_pages_are_read_to_the_end),
        TEST(cursor_pages_are_read_to_the_end),
        TEST(the_query_of_a_link_is_used_on_our_own_base),
        TEST(a_link_to_another_path_breaks_the_list),
        TEST(a_link_to_another_path_breaks_the_list_side_by_side_too),
        TEST(a_link_that_is_none_breaks_the_list),
        TEST(a_link_to_the_same_page_breaks_the_list),
        TEST(links_in_a_circle_break_the_list),
        TEST(an_empty_page_with_a_link_breaks_the_list),
        TEST(an_array_in_the_place_of_a_later_page_breaks_the_list),
        TEST(numbered_pages_are_read_side_by_side),
        TEST(no_more_pages_are_under_way_than_the_account_allows),
        TEST(an_account_with_one_connection_reads_page_after_page),
        TEST(a_page_that_fails_in_passing_is_read_again_alone),
        TEST(a_page_that_keeps_failing_fails_the_list),
        TEST(a_token_that_ends_between_pages_is_renewed_once),
        TEST(pages_wait_out_a_pause_that_one_of_them_met),
        TEST(a_reading_that_is_cancelled_side_by_side_is_never_told),
        TEST(a_page_that_vanished_starts_the_list_again_once),
        TEST(rows_that_vanished_are_not_in_the_list),
        TEST(a_row_missed_because_another_went_is_found_by_reading_again),
        TEST(rows_added_behind_the_last_page_are_read_too),
        TEST(a_row_that_two_pages_show_is_in_the_list_once),
        TEST(unordered_pages_give_each_row_at_most_once),
        TEST(a_list_with_fewer_rows_than_counted_is_read_again_and_told),
        TEST(a_list_with_more_rows_than_counted_is_read_again_and_told),
        TEST(a_row_missed_at_first_is_found_by_reading_again),
        TEST(a_reading_that_agrees_with_its_count_is_the_list),
        TEST(a_count_that_is_too_large_is_met_by_reading_page_after_page),
        TEST(an_absurd_count_does_not_number_the_pages),
        TEST(a_page_number_that_is_not_honoured_breaks_the_list),
    };
    return cmocka_run_group_tests(tests, omnitron_desk_start_sim, omnitron_desk_stop_sim);
}
