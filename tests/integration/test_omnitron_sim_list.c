/* The simulator's list: who sees which rows, filters, order, and the styles of pages. */
#include "tests/support/omnitron_call.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static const char hooks[] = "/whisperer/hooks/";

/* Ten rows of ann's (ids 1 to 10), two of bob's (11 and 12); three rows a page. */
static int begin(void **state)
{
    sim_reset(*state);
    sim_add_user(*state, "root", "root-pw", "root-token", true);
    sim_add_user(*state, "ann", "ann-pw", "ann-token", false);
    sim_add_user(*state, "bob", "bob-pw", "bob-token", false);
    sim_seed(*state, "[{\"username\":\"ann\",\"count\":10,\"event_type\":\"a.b\","
                     "\"target_prefix\":\"https://ann/\"},"
                     "{\"username\":\"bob\",\"count\":2,\"event_type\":\"a.b\","
                     "\"target_prefix\":\"https://bob/\"}]");
    sim_set(*state, "{\"page_size\":3}");
    return 0;
}

/* The ids of an array of rows, "1 2 3". */
static void print_ids(const json_t *rows, char *text, size_t size)
{
    size_t used = 0;
    size_t i = 0;
    const json_t *row = NULL;
    text[0] = '\0';
    json_array_foreach(rows, i, row)
    {
        int length = snprintf(text + used, size - used, "%s%d", i == 0 ? "" : " ",
                              (int)json_integer_value(json_object_get(row, "id")));
        used += (size_t)length;
        assert_true(used < size);
    }
}

static void expect_ids(struct sim *sim, const char *token, const char *path, const char *expected)
{
    char ids[256];
    json_t *list = omnitron_read(sim, token, path);
    print_ids(json_is_array(list) ? list : json_object_get(list, "results"), ids, sizeof ids);
    assert_string_equal(ids, expected);
    json_decref(list);
}

static void expect_link(struct sim *sim, const char *path, const char *name, const char *expected)
{
    json_t *list = omnitron_read(sim, "ann-token", path);
    const char *link = json_string_value(json_object_get(list, name));
    if (expected == NULL) {
        assert_true(json_is_null(json_object_get(list, name)));
    } else {
        assert_non_null(link);
        assert_string_equal(link, expected);
    }
    json_decref(list);
}

static void a_superuser_sees_all_rows_and_others_their_own(void **state)
{
    sim_set(*state, "{\"pagination\":\"array\"}");
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id", "1 2 3 4 5 6 7 8 9 10");
    expect_ids(*state, "bob-token", "/whisperer/hooks/?sort=id", "11 12");
    expect_ids(*state, "root-token", "/whisperer/hooks/?sort=id", "1 2 3 4 5 6 7 8 9 10 11 12");
}

static void numbered_pages_count_and_link(void **state)
{
    char next[256];
    char previous[256];
    (void)snprintf(next, sizeof next, "%s/whisperer/hooks/?page=3&sort=id", sim_url(*state));
    (void)snprintf(previous, sizeof previous, "%s/whisperer/hooks/?sort=id", sim_url(*state));
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id", "1 2 3");
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id&page=2", "4 5 6");
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id&page=4", "10");
    expect_link(*state, "/whisperer/hooks/?sort=id&page=2", "next", next);
    expect_link(*state, "/whisperer/hooks/?sort=id&page=2", "previous", previous);
    expect_link(*state, "/whisperer/hooks/?sort=id", "previous", NULL);
    expect_link(*state, "/whisperer/hooks/?sort=id&page=4", "next", NULL);
    json_t *list = omnitron_read(*state, "ann-token", hooks);
    assert_int_equal(json_integer_value(json_object_get(list, "count")), 10);
    json_decref(list);
}

static void a_page_past_the_end_is_404(void **state)
{
    static const char *const pages[] = {"5", "0", "-1", "x", ""};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        char request[64];
        (void)snprintf(request, sizeof request, "GET /whisperer/hooks/?page=%s", pages[i]);
        omnitron_expect(*state, "ann-token", request, NULL, 404, "{\"detail\":\"Invalid page.\"}");
    }
}

static void an_empty_list_has_one_empty_page(void **state)
{
    sim_add_user(*state, "eve", "pw", "eve-token", false);
    omnitron_expect(*state, "eve-token", "GET /whisperer/hooks/?page=1", NULL, 200,
                    "{\"count\":0,\"next\":null,\"previous\":null,\"results\":[]}");
}

static void the_limit_parameter_has_a_ceiling(void **state)
{
    sim_set(*state, "{\"max_page_size\":5}");
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id&limit=4", "1 2 3 4");
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id&limit=9", "1 2 3 4 5");
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id&limit=0", "1 2 3");
    expect_ids(*state, "ann-token", "/whisperer/hooks/?sort=id&limit=x", "1 2 3");
}

static void next_can_point_elsewhere(void **state)
{
    static const char path[] = "/whisperer/hooks/?limit=3&sort=id";
    sim_set(*state, "{\"next_base\":\"http://other:1\"}");
    expect_link(*state, path, "next", "http://other:1/whisperer/hooks/?limit=3&page=2&sort=id");
    sim_set(*state, "{\"next_base\":\"relative\"}");
    expect_link(*state, path, "next", "/whisperer/hooks/?limit=3&page=2&sort=id");
    sim_set(*state, "{\"next_base\":\"placeholder\"}");
    expect_link(*state, path, "next", "{domain_url}/whisperer/hooks/?limit=3&page=2&sort=id");
}

static void cursors_lead_through_all_rows_in_their_order(void **state)
{
    static const char *const pages[] = {"1 2 3", "4 5 6", "7 8 9", "10"};
    sim_set(*state, "{\"pagination\":\"cursor\",\"next_base\":\"relative\"}");
    char path[256] = "/whisperer/hooks/";
    for (size_t i = 0; i < 4; i++) {
        expect_ids(*state, "ann-token", path, pages[i]);
        json_t *page = omnitron_read(*state, "ann-token", path);
        assert_null(json_object_get(page, "count"));
        const char *next = json_string_value(json_object_get(page, "next"));
        assert_int_equal(next == NULL, i == 3);
        (void)snprintf(path, sizeof path, "%s", next == NULL ? "" : next);
        json_decref(page);
    }
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/?cursor=zzz", NULL, 404,
                    "{\"detail\":\"Invalid cursor\"}");
}

static void pages_that_are_not_ordered_skip_and_repeat_rows(void **state)
{
    char first[256];
    char second[256];
    json_t *list = omnitron_read(*state, "ann-token", hooks);
    print_ids(json_object_get(list, "results"), first, sizeof first);
    json_decref(list);
    list = omnitron_read(*state, "ann-token", hooks);
    print_ids(json_object_get(list, "results"), second, sizeof second);
    json_decref(list);
    assert_string_not_equal(first, second);
}

static bool is_ordered_by(struct sim *sim, const char *parameter)
{
    char path[64];
    char ids[256];
    (void)snprintf(path, sizeof path, "/whisperer/hooks/?%s=-id", parameter);
    bool is_ordered = true;
    for (int i = 0; i < 2; i++) {
        json_t *list = omnitron_read(sim, "ann-token", path);
        print_ids(json_object_get(list, "results"), ids, sizeof ids);
        is_ordered = is_ordered && strcmp(ids, "10 9 8") == 0;
        json_decref(list);
    }
    return is_ordered;
}

static void which_parameter_orders_can_be_chosen(void **state)
{
    static const struct {
        const char *setting;
        bool by_sort, by_ordering;
    } rows[] = {{"{\"ordering\":\"both\"}", true, true},
                {"{\"ordering\":\"sort\"}", true, false},
                {"{\"ordering\":\"ordering\"}", false, true},
                {"{\"ordering\":\"none\"}", false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sim_set(*state, rows[i].setting);
        assert_int_equal(is_ordered_by(*state, "sort"), rows[i].by_sort);
        assert_int_equal(is_ordered_by(*state, "ordering"), rows[i].by_ordering);
    }
}

static void filters_are_exact_in_any_case(void **state)
{
    sim_set(*state, "{\"pagination\":\"array\"}");
    sim_seed(*state, "{\"username\":\"bob\",\"event_type\":\"C.d\",\"target_url\":\"https://z/\","
                     "\"is_active\":false}");
    static const char *const rows[][2] = {
        {"/whisperer/hooks/?sort=id&event_type=c.D", "13"},
        {"/whisperer/hooks/?sort=id&target_url=HTTPS%3A%2F%2Fbob%2F1", "12"},
        {"/whisperer/hooks/?sort=id&target_url=https://bob/", ""},
        {"/whisperer/hooks/?sort=id&is_active=false", "13"},
        {"/whisperer/hooks/?sort=id&is_active=True", "11 12"},
        {"/whisperer/hooks/?sort=id&is_active=maybe&event_type=", "11 12 13"},
        {"/whisperer/hooks/?sort=id&event_type=a.b&target_url=https://bob/0", "11"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_ids(*state, "bob-token", rows[i][0], rows[i][1]);
    }
}

static void filters_can_be_ignored(void **state)
{
    sim_set(*state, "{\"filters\":false}");
    expect_ids(*state, "bob-token", "/whisperer/hooks/?sort=id&event_type=nothing", "11 12");
}

static void a_list_of_ten_thousand_rows_is_complete(void **state)
{
    sim_seed(*state, "{\"username\":\"bob\",\"count\":10000,\"event_type\":\"c.d\","
                     "\"target_prefix\":\"https://many/\"}");
    sim_set(*state, "{\"pagination\":\"array\"}");
    json_t *list = omnitron_read(*state, "bob-token", hooks);
    assert_int_equal(json_array_size(list), 10002);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_superuser_sees_all_rows_and_others_their_own, begin),
        cmocka_unit_test_setup(numbered_pages_count_and_link, begin),
        cmocka_unit_test_setup(a_page_past_the_end_is_404, begin),
        cmocka_unit_test_setup(an_empty_list_has_one_empty_page, begin),
        cmocka_unit_test_setup(the_limit_parameter_has_a_ceiling, begin),
        cmocka_unit_test_setup(next_can_point_elsewhere, begin),
        cmocka_unit_test_setup(cursors_lead_through_all_rows_in_their_order, begin),
        cmocka_unit_test_setup(pages_that_are_not_ordered_skip_and_repeat_rows, begin),
        cmocka_unit_test_setup(which_parameter_orders_can_be_chosen, begin),
        cmocka_unit_test_setup(filters_are_exact_in_any_case, begin),
        cmocka_unit_test_setup(filters_can_be_ignored, begin),
        cmocka_unit_test_setup(a_list_of_ten_thousand_rows_is_complete, begin),
    };
    return cmocka_run_group_tests(tests, sim_group_start, sim_group_stop);
}
