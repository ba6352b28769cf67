/* How many wrong keys an address may try. */
#include "api/wrong_keys.h"

#include "tests/support/test.h"

#include <string.h>

enum { NOW_MS = 1000000, STRANGERS = 100000 };

static int setup(void **state)
{
    *state = wrong_keys_new();
    return 0;
}

static int teardown(void **state)
{
    wrong_keys_free(*state);
    return 0;
}

static struct ip_address address_of(uint32_t number)
{
    struct ip_address address = {.bytes = {0x20, 0x01}};
    memcpy(address.bytes + 4, &number, sizeof number);
    return address;
}

static void spend_all(struct wrong_keys *wrong_keys, const struct ip_address *address)
{
    for (int i = 0; i < WRONG_KEYS_AT_ONCE; i++) {
        assert_int_equal(wrong_keys_wait_ms(wrong_keys, address, NOW_MS), 0);
        wrong_keys_add(wrong_keys, address, NOW_MS);
    }
}

static void so_many_are_free_and_then_one_each_interval(void **state)
{
    struct wrong_keys *wrong_keys = *state;
    struct ip_address address = address_of(1);
    spend_all(wrong_keys, &address);
    assert_int_equal(wrong_keys_wait_ms(wrong_keys, &address, NOW_MS), WRONG_KEY_EVERY_MS);
    assert_int_equal(wrong_keys_wait_ms(wrong_keys, &address, NOW_MS + WRONG_KEY_EVERY_MS - 1), 1);
    int64_t later_ms = NOW_MS + WRONG_KEY_EVERY_MS;
    assert_int_equal(wrong_keys_wait_ms(wrong_keys, &address, later_ms), 0);
    wrong_keys_add(wrong_keys, &address, later_ms);
    assert_int_equal(wrong_keys_wait_ms(wrong_keys, &address, later_ms), WRONG_KEY_EVERY_MS);
}

static void after_a_rest_all_is_forgotten(void **state)
{
    struct wrong_keys *wrong_keys = *state;
    struct ip_address address = address_of(1);
    spend_all(wrong_keys, &address);
    int64_t later_ms = NOW_MS + WRONG_KEYS_AT_ONCE * (int64_t)WRONG_KEY_EVERY_MS;
    for (int i = 0; i < WRONG_KEYS_AT_ONCE; i++) {
        assert_int_equal(wrong_keys_wait_ms(wrong_keys, &address, later_ms), 0);
        wrong_keys_add(wrong_keys, &address, later_ms);
    }
    assert_int_not_equal(wrong_keys_wait_ms(wrong_keys, &address, later_ms), 0);
}

static void one_address_does_not_pay_for_another(void **state)
{
    struct wrong_keys *wrong_keys = *state;
    struct ip_address bad = address_of(1);
    struct ip_address good = address_of(2);
    spend_all(wrong_keys, &bad);
    assert_int_equal(wrong_keys_wait_ms(wrong_keys, &good, NOW_MS), 0);
}

/* A flood of addresses that try once does not free the one that has tried often. */
static void who_has_tried_most_is_kept_longest(void **state)
{
    struct wrong_keys *wrong_keys = *state;
    struct ip_address bad = address_of(1);
    spend_all(wrong_keys, &bad);
    for (uint32_t i = 2; i < STRANGERS; i++) {
        struct ip_address stranger = address_of(i);
        assert_int_equal(wrong_keys_wait_ms(wrong_keys, &stranger, NOW_MS), 0);
        wrong_keys_add(wrong_keys, &stranger, NOW_MS);
    }
    assert_int_not_equal(wrong_keys_wait_ms(wrong_keys, &bad, NOW_MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(so_many_are_free_and_then_one_each_interval, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(after_a_rest_all_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(one_address_does_not_pay_for_another, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_tried_most_is_kept_longest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
