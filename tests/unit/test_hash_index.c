/* Keys to numbers. */
#include "common/hash_index.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
    static struct hash_index index;
    hash_index_init(&index, 0);
    *state = &index;
    return 0;
}

static int tear_down(void **state)
{
    hash_index_clear(*state);
    return 0;
}

static void a_key_is_found_after_it_was_added(void **state)
{
    struct hash_index *index = *state;
    assert_int_equal(hash_index_find(index, "a", 1), HASH_INDEX_NONE);
    assert_int_equal(hash_index_add(index, "a", 1, 7), HASH_INDEX_NONE);
    assert_int_equal(hash_index_find(index, "a", 1), 7);
}

static void the_first_value_of_a_key_stays(void **state)
{
    struct hash_index *index = *state;
    assert_int_equal(hash_index_add(index, "a", 1, 1), HASH_INDEX_NONE);
    assert_int_equal(hash_index_add(index, "a", 1, 2), 1);
    assert_int_equal(hash_index_find(index, "a", 1), 1);
    assert_int_equal(index->count, 1);
}

static void keys_are_bytes_with_a_length(void **state)
{
    struct hash_index *index = *state;
    assert_int_equal(hash_index_add(index, "a\0b", 3, 1), HASH_INDEX_NONE);
    assert_int_equal(hash_index_add(index, "a\0c", 3, 2), HASH_INDEX_NONE);
    assert_int_equal(hash_index_add(index, "a", 1, 3), HASH_INDEX_NONE);
    assert_int_equal(hash_index_add(index, "", 0, 4), HASH_INDEX_NONE);
    assert_int_equal(hash_index_find(index, "a\0c", 3), 2);
    assert_int_equal(hash_index_find(index, "a", 1), 3);
    assert_int_equal(hash_index_find(index, "", 0), 4);
}

static void growing_loses_no_key(void **state)
{
    enum { KEYS = 5000, KEY_SIZE = 16 };
    static char keys[KEYS][KEY_SIZE];
    struct hash_index *index = *state;
    for (size_t i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], KEY_SIZE, "key %zu", i);
        assert_int_equal(hash_index_add(index, keys[i], strlen(keys[i]), i), HASH_INDEX_NONE);
    }
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(hash_index_find(index, keys[i], strlen(keys[i])), i);
    }
    assert_int_equal(hash_index_find(index, "key", 3), HASH_INDEX_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_found_after_it_was_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_value_of_a_key_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_bytes_with_a_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(growing_loses_no_key, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
