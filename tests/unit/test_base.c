/* The smallest parts: buffers, times, secrets, ids. */
#include "common/mem.h"
#include "common/now.h"
#include "common/number_text.h"
#include "common/own_pid.h"
#include "common/random_id.h"
#include "common/secret.h"
#include "common/strbuf.h"
#include "tests/support/test.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_buffer_refuses_as_a_whole_what_would_pass_its_ceiling(void **state)
{
    (void)state;
    struct strbuf buffer;
    strbuf_init(&buffer, 8);
    assert_string_equal(buffer.bytes, "");
    assert_true(strbuf_addf(&buffer, "%d", 1234));
    assert_false(strbuf_add_text(&buffer, "56789"));
    assert_true(buffer.is_full);
    assert_string_equal(buffer.bytes, "1234");
    assert_true(strbuf_add_text(&buffer, "5678"));
    assert_int_equal(buffer.size, 8);
    strbuf_reset(&buffer);
    assert_true(strbuf_add_int(&buffer, 0) && strbuf_add_int(&buffer, -1205));
    assert_string_equal(buffer.bytes, "0-1205");
    strbuf_reset(&buffer);
    assert_false(buffer.is_full);
    assert_string_equal(buffer.bytes, "");
    char *taken = strbuf_take(&buffer);
    assert_string_equal(taken, "");
    mem_free(taken);
    strbuf_clear(&buffer);
}

static void times_are_iso_8601_utc_with_milliseconds(void **state)
{
    (void)state;
    char text[NOW_ISO_SIZE];
    assert_string_equal(now_iso(text, 1700000000123), "2023-11-14T22:13:20.123Z");
    assert_string_equal(now_iso(text, 0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(now_iso(text, 951782400000), "2000-02-29T00:00:00.000Z");
    assert_string_equal(now_iso(text, INT64_MAX), "1970-01-01T00:00:00.000Z");
}

static void times_of_headers_are_those_of_http(void **state)
{
    (void)state;
    char text[NOW_HTTP_SIZE];
    assert_string_equal(now_http(text, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_string_equal(now_http(text, 784111777999), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_string_equal(now_http(text, 784111778000), "Sun, 06 Nov 1994 08:49:38 GMT");
    assert_string_equal(now_http(text, INT64_MAX), "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void whole_numbers_are_printed_in_full(void **state)
{
    (void)state;
    char text[NUMBER_TEXT_SIZE];
    assert_int_equal(number_print(text, 0), 1);
    assert_string_equal(text, "0");
    assert_int_equal(number_print(text, 204), 3);
    assert_string_equal(text, "204");
    assert_int_equal(number_print(text, INT64_MAX), 19);
    assert_string_equal(text, "9223372036854775807");
    assert_int_equal(number_print(text, INT64_MIN), 20);
    assert_string_equal(text, "-9223372036854775808");
}

static void secrets_compare_by_value_and_unset_equals_only_unset(void **state)
{
    (void)state;
    struct secret left = {0};
    struct secret right = {0};
    assert_true(secret_equals(&left, &right));
    secret_set(&left, "abc", 3);
    assert_false(secret_equals(&left, &right));
    secret_set(&right, "abd", 3);
    assert_false(secret_equals(&left, &right));
    secret_set(&right, left.value, left.size);
    assert_true(secret_equals(&left, &right));
    secret_set(&left, left.value, 2); /* its own bytes */
    assert_string_equal(left.value, "ab");
    secret_clear(&left);
    assert_false(secret_is_set(&left));
    secret_clear(&right);
}

static void ids_are_32_hex_digits_and_differ(void **state)
{
    (void)state;
    char one[RANDOM_ID_SIZE];
    char two[RANDOM_ID_SIZE];
    assert_int_equal(strspn(random_id_make(one), "0123456789abcdef"), 32);
    assert_string_not_equal(one, random_id_make(two));
}

/* 0 = a child knows itself, and draws another id than this process does next. */
static int fork_and_draw(char next[RANDOM_ID_SIZE])
{
    int ends[2];
    char of_child[RANDOM_ID_SIZE] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        bool is_told = write(ends[1], random_id_make(of_child), sizeof of_child) > 0;
        _exit(is_told && own_pid() == getpid() ? 0 : 1);
    }
    int status = -1;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(read(ends[0], of_child, sizeof of_child), sizeof of_child);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_string_not_equal(of_child, random_id_make(next));
    return status;
}

static void a_forked_child_has_a_pid_and_ids_of_its_own(void **state)
{
    (void)state;
    char id[RANDOM_ID_SIZE];
    (void)random_id_make(id); /* leaves bytes that the child must not use */
    assert_int_equal(own_pid(), getpid());
    assert_int_equal(fork_and_draw(id), 0);
    assert_int_equal(own_pid(), getpid());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_refuses_as_a_whole_what_would_pass_its_ceiling),
        cmocka_unit_test(times_are_iso_8601_utc_with_milliseconds),
        cmocka_unit_test(times_of_headers_are_those_of_http),
        cmocka_unit_test(whole_numbers_are_printed_in_full),
        cmocka_unit_test(secrets_compare_by_value_and_unset_equals_only_unset),
        cmocka_unit_test(ids_are_32_hex_digits_and_differ),
        cmocka_unit_test(a_forked_child_has_a_pid_and_ids_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
