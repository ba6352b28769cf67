#include "api/dashboard_internal.h"
#include "tests/support/test.h"

static void addresses_and_localhost_are_plain_hosts(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "localhost",  "LocalHost:9180", "127.0.0.1",  "127.0.0.1:9180",
        "10.0.0.7:1", "[::1]",          "[::1]:9180", "[fe80::1]",
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        assert_true(dashboard_access_is_plain_host(plain[i]));
    }
}

static void names_of_the_internet_are_not(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "localhost.",
        "localhost.example.net",
        "xlocalhost",
        "127.0.0.1.nip.io",
        "::1",
        "[::1",
        "[::1]x",
        "[localhost]",
        "[127.0.0.1x]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "localhost:",
        "localhost:80x",
        "127.0.0.1:",
        "[]",
        "omnihook.example.net",
        "omnihook",
        "localhost:80:80",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(dashboard_access_is_plain_host(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_localhost_are_plain_hosts),
        cmocka_unit_test(names_of_the_internet_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
