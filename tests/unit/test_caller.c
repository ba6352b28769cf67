/* Whose call it is, behind proxies that are trusted and others. */
#include "api/caller.h"

#include "tests/support/test.h"

#include <string.h>

#define PROXIES "10.0.0.0/8, ::1"

static struct ip_address parse(const char *text)
{
    struct ip_address address;
    assert_true(ip_address_parse(&address, text, strlen(text)));
    return address;
}

/* The caller is expected, when the peer has sent these headers (NULL = no more). */
static void assert_caller(const char *expected, const char *peer, const char *first,
                          const char *second)
{
    const char *const forwarded[] = {first, second};
    struct ip_address from = parse(peer);
    struct ip_address wanted = parse(expected);
    struct ip_address found;
    struct ip_ranges trusted;
    struct faults faults = {0};
    assert_true(ip_ranges_parse(&trusted, PROXIES, "LIST", &faults));
    caller_address_behind(&from, forwarded,
                          first == NULL    ? 0
                          : second == NULL ? 1
                                           : 2,
                          &trusted, &found);
    ip_ranges_clear(&trusted);
    assert_memory_equal(&found, &wanted, sizeof wanted);
}

static void who_is_no_proxy_is_not_believed(void **state)
{
    (void)state;
    assert_caller("192.0.2.1", "192.0.2.1", NULL, NULL);
    assert_caller("192.0.2.1", "192.0.2.1", "198.51.100.7", NULL);
}

static void a_proxy_tells_who_called_it(void **state)
{
    (void)state;
    assert_caller("198.51.100.7", "10.0.0.1", "198.51.100.7", NULL);
    assert_caller("198.51.100.7", "::1", " 198.51.100.7 ", NULL);
    assert_caller("10.0.0.1", "10.0.0.1", NULL, NULL);
    /* The ports that some proxies write. */
    assert_caller("198.51.100.7", "10.0.0.1", "198.51.100.7:51034", NULL);
    assert_caller("2001:db8:1:2::", "10.0.0.1", "[2001:db8:1:2:3:4:5:6]:51034", NULL);
}

static void the_rightmost_untrusted_address_counts(void **state)
{
    (void)state;
    assert_caller("198.51.100.7", "10.0.0.1", "203.0.113.5, 198.51.100.7, 10.1.1.1", NULL);
    /* Two headers are one list. */
    assert_caller("198.51.100.7", "10.0.0.1", "203.0.113.5,198.51.100.7", "10.1.1.1,10.2.2.2");
    assert_caller("203.0.113.5", "10.0.0.1", "203.0.113.5", "10.1.1.1");
    assert_caller("10.9.9.9", "10.0.0.1", "10.9.9.9", "10.1.1.1");
}

static void junk_ends_what_is_believed(void **state)
{
    (void)state;
    assert_caller("10.0.0.1", "10.0.0.1", "unknown", NULL);
    assert_caller("10.0.0.1", "10.0.0.1", "", NULL);
    assert_caller("10.1.1.1", "10.0.0.1", "198.51.100.7, junk, 10.1.1.1", NULL);
    assert_caller("10.1.1.1", "10.0.0.1", "198.51.100.7,,10.1.1.1", NULL);
    assert_caller("198.51.100.7", "10.0.0.1", "junk, 198.51.100.7", NULL);
    assert_caller("10.0.0.1", "10.0.0.1", "[", NULL);
    assert_caller("10.0.0.1", "10.0.0.1", "[]", NULL);
    assert_caller("10.0.0.1", "10.0.0.1", ",", NULL);
}

static void an_endless_chain_of_proxies_is_cut(void **state)
{
    (void)state;
    char chain[10000] = "198.51.100.7";
    for (size_t size = strlen(chain); size + 16 < sizeof chain; size = strlen(chain)) {
        memcpy(chain + size, ",10.0.0.2", sizeof ",10.0.0.2");
    }
    assert_caller("10.0.0.2", "10.0.0.1", chain, NULL);
}

static void an_ipv6_network_is_one_caller(void **state)
{
    (void)state;
    assert_caller("2001:db8:1:2::", "2001:db8:1:2:ffff::1", NULL, NULL);
    assert_caller("2001:db8:1:2::", "10.0.0.1", "2001:db8:1:2:aaaa::1", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_no_proxy_is_not_believed),
        cmocka_unit_test(a_proxy_tells_who_called_it),
        cmocka_unit_test(the_rightmost_untrusted_address_counts),
        cmocka_unit_test(junk_ends_what_is_believed),
        cmocka_unit_test(an_endless_chain_of_proxies_is_cut),
        cmocka_unit_test(an_ipv6_network_is_one_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
