/* Reading Omnitron's list: its shapes, its pages, and what goes wrong with them. */
#include "tests/support/omnitron_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTING                                                                                    \
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h?a=1&b=ç%20%2f\"},"             \
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
    static const char *const credentials[] = {"OMNITRON_TOKEN=t0ken", NULL};
    sim_reset(sim);
    *state = omnitron_desk_new(sim, &omnitron_desk_options, SETTING, credentials);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_registered_is_an_empty_list), TEST(a_bare_array_is_a_list),
        TEST(numbered_pages_are_read_to_the_end),  TEST(cursor_pages_are_read_to_the_end),
        TEST(a_row_is_read_with_all_its_fields),
    };
    return cmocka_run_group_tests(tests, start_sim, stop_sim);
}
