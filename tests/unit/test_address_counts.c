/* Counting by address. */
#include "api/address_counts.h"

#include "tests/support/test.h"

#include <string.h>

enum { ADDRESSES = 5000 };

static struct ip_address address_of(size_t number)
{
    struct ip_address address = {{0}};
    memcpy(address.bytes, &number, sizeof number);
    return address;
}

static void each_address_is_counted_by_itself(void **state)
{
    (void)state;
    struct address_counts *counts = address_counts_new();
    struct ip_address a = address_of(1);
    struct ip_address b = address_of(2);
    assert_int_equal(address_counts_add(counts, &a), 1);
    assert_int_equal(address_counts_add(counts, &a), 2);
    assert_int_equal(address_counts_add(counts, &b), 1);
    address_counts_remove(counts, &a);
    assert_int_equal(address_counts_add(counts, &a), 2);
    address_counts_remove(counts, &b);
    assert_int_equal(address_counts_add(counts, &b), 1);
    address_counts_free(counts);
}

static void many_addresses_come_and_go(void **state)
{
    (void)state;
    struct address_counts *counts = address_counts_new();
    for (size_t round = 1; round <= 3; round++) {
        for (size_t i = 0; i < ADDRESSES; i++) {
            struct ip_address address = address_of(i);
            assert_int_equal(address_counts_add(counts, &address), round);
        }
    }
    for (size_t i = 0; i < ADDRESSES; i += 2) {
        struct ip_address address = address_of(i);
        for (int j = 0; j < 3; j++) {
            address_counts_remove(counts, &address);
        }
    }
    for (size_t i = 0; i < ADDRESSES; i++) {
        struct ip_address address = address_of(i);
        assert_int_equal(address_counts_add(counts, &address), i % 2 == 0 ? 1 : 4);
    }
    address_counts_free(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_is_counted_by_itself),
        cmocka_unit_test(many_addresses_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
