/* IP addresses and lists of networks. */
#include "common/ip_range.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct ip_address parse(const char *text)
{
    struct ip_address address;
    assert_true(ip_address_parse(&address, text, strlen(text)));
    return address;
}

static bool is_address(const char *text)
{
    struct ip_address address;
    return ip_address_parse(&address, text, strlen(text));
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "1.2.3",
        "1.2.3.4.5", "1.2.3.256",
        "localhost", "::1%lo",
        "1.2.3.4 ",  ":::",
        "[::1]",     "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(is_address(bad[i]));
    }
    struct ip_address address;
    assert_false(ip_address_parse(&address, "1.2.3.4\0x", 9));
}

static void both_forms_of_an_ipv4_address_are_one(void **state)
{
    (void)state;
    struct ip_address plain = parse("192.0.2.1");
    struct ip_address mapped = parse("::ffff:192.0.2.1");
    assert_memory_equal(&plain, &mapped, sizeof plain);
    assert_true(ip_address_is_ipv4(&plain));
    struct ip_address ipv6 = parse("2001:db8::1");
    assert_false(ip_address_is_ipv4(&ipv6));
}

static bool list_has(const char *list, const char *text)
{
    struct ip_ranges ranges;
    struct faults faults = {0};
    assert_true(ip_ranges_parse(&ranges, list, "LIST", &faults));
    struct ip_address address = parse(text);
    bool has = ip_ranges_have(&ranges, &address);
    ip_ranges_clear(&ranges);
    return has;
}

static void a_network_has_its_addresses_and_no_others(void **state)
{
    (void)state;
    assert_true(list_has("10.0.0.0/8", "10.255.0.1"));
    assert_false(list_has("10.0.0.0/8", "11.0.0.1"));
    assert_true(list_has("192.0.2.128/25", "192.0.2.129"));
    assert_false(list_has("192.0.2.128/25", "192.0.2.127"));
    assert_true(list_has("192.0.2.7", "192.0.2.7"));
    assert_false(list_has("192.0.2.7", "192.0.2.6"));
    assert_true(list_has(" 10.0.0.0/8 ,\t2001:db8::/33 ", "2001:db8:7fff::1"));
    assert_false(list_has("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(list_has("0.0.0.0/0", "203.0.113.9"));
    assert_false(list_has("0.0.0.0/0", "2001:db8::1"));
    assert_true(list_has("::/0", "2001:db8::1"));
}

static void a_bad_element_is_a_fault_that_tells_its_number(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.0/33",  "10.0.0.0/",   "10.0.0.0/-1",
                                      "10.0.0.0/8/8", "::/129",      "/8",
                                      "proxy",        "10.0.0.0/8x", "10.0.0.0/99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char list[128];
        (void)snprintf(list, sizeof list, "::1,%s", bad[i]);
        struct ip_ranges ranges;
        struct faults faults = {0};
        assert_false(ip_ranges_parse(&ranges, list, "LIST", &faults));
        assert_int_equal(faults.count, 1);
        assert_string_equal(
            faults.lines[0],
            "LIST[1]: must be an IP address, a network such as 10.0.0.0/8, or unix");
        ip_ranges_clear(&ranges);
        faults_clear(&faults);
    }
}

static void unix_sockets_are_trusted_by_name_alone(void **state)
{
    (void)state;
    static const struct ip_address none;
    struct faults faults = {0};
    struct ip_ranges ranges;
    assert_true(ip_ranges_parse(&ranges, "0.0.0.0/0,::/0", "LIST", &faults));
    assert_false(ip_ranges_have(&ranges, &none));
    ip_ranges_clear(&ranges);
    assert_true(ip_ranges_parse(&ranges, "10.0.0.1, unix", "LIST", &faults));
    assert_true(ip_ranges_have(&ranges, &none));
    ip_ranges_clear(&ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(both_forms_of_an_ipv4_address_are_one),
        cmocka_unit_test(a_network_has_its_addresses_and_no_others),
        cmocka_unit_test(a_bad_element_is_a_fault_that_tells_its_number),
        cmocka_unit_test(unix_sockets_are_trusted_by_name_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
