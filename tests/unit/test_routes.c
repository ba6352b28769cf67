/* Paths, methods and the Allow header. */
#include "api/handlers.h"
#include "api/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define PREFIX "/api/v1/oms/setup/webhooks/"

static void a_path_is_the_same_with_and_without_its_last_slash(void **state)
{
    (void)state;
    static const char *const names[] = {
        "execute", "get_async_status", "is_required", "plan", "report", "abort", "openapi.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, PREFIX "%s/", names[i]);
        const struct route *route = routes_find(path);
        assert_non_null(route);
        assert_string_equal(route->name, names[i]);
        (void)snprintf(path, sizeof path, PREFIX "%s", names[i]);
        assert_ptr_equal(routes_find(path), route);
    }
}

static void other_paths_lead_nowhere(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "/",
        "*",
        PREFIX,
        PREFIX "/",
        PREFIX "execute//",
        PREFIX "/execute/",
        PREFIX "execute/x",
        PREFIX "Execute/",
        PREFIX "execut",
        PREFIX "executes/",
        "/api/v1/oms/setup/webhooks",
        "/api/v2/oms/setup/webhooks/execute/",
        "api/v1/oms/setup/webhooks/execute/",
        "/x/api/v1/oms/setup/webhooks/execute/",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_null(routes_find(paths[i]));
    }
}

static void assert_methods(const char *path, unsigned allowed, const char *allow)
{
    static const enum method all[] = {METHOD_GET, METHOD_POST, METHOD_HEAD, METHOD_OPTIONS,
                                      METHOD_OTHER};
    const struct route *route = routes_find(path);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(route_allows(route, all[i]), (allowed & all[i]) != 0);
    }
    assert_string_equal(route->allow, allow);
}

static void what_starts_or_ends_a_job_is_post_alone(void **state)
{
    (void)state;
    assert_methods(PREFIX "execute/", METHOD_POST | METHOD_OPTIONS, "POST, OPTIONS");
    assert_methods(PREFIX "abort/", METHOD_POST | METHOD_OPTIONS, "POST, OPTIONS");
}

static void the_published_reads_answer_post_too(void **state)
{
    (void)state;
    unsigned methods = METHOD_GET | METHOD_POST | METHOD_HEAD | METHOD_OPTIONS;
    assert_methods(PREFIX "is_required/", methods, "GET, POST, HEAD, OPTIONS");
    assert_methods(PREFIX "get_async_status/", methods, "GET, POST, HEAD, OPTIONS");
}

static void our_own_reads_are_get_alone(void **state)
{
    (void)state;
    unsigned methods = METHOD_GET | METHOD_HEAD | METHOD_OPTIONS;
    assert_methods(PREFIX "plan/", methods, "GET, HEAD, OPTIONS");
    assert_methods(PREFIX "report/", methods, "GET, HEAD, OPTIONS");
    assert_methods(PREFIX "openapi.json", methods, "GET, HEAD, OPTIONS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_the_same_with_and_without_its_last_slash),
        cmocka_unit_test(other_paths_lead_nowhere),
        cmocka_unit_test(what_starts_or_ends_a_job_is_post_alone),
        cmocka_unit_test(the_published_reads_answer_post_too),
        cmocka_unit_test(our_own_reads_are_get_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
