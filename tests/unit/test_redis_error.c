/* What error replies of Redis mean, and what of them is shown. */
#include "common/redis_error.h"
#include "tests/support/test.h"

#include <string.h>

struct row {
    const char *reply;
    enum error_code code;
    bool is_final;
};

static void assert_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        print_message("%s\n", rows[i].reply);
        assert_int_equal(redis_error_read(rows[i].reply, &err), rows[i].is_final);
        assert_int_equal(err.code, rows[i].code);
        assert_string_equal(err.text, rows[i].reply);
    }
}

static void the_first_word_tells_what_it_means(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"OOM command not allowed when used memory > 'maxmemory'.", ERROR_FULL, false},
        {"LOADING Redis is loading the dataset in memory", ERROR_UNAVAILABLE, true},
        {"READONLY You can't write against a read only replica.", ERROR_UNAVAILABLE, true},
        {"UNBLOCKED force unblock from blocking operation, instance state changed (master -> "
         "replica?)",
         ERROR_UNAVAILABLE, true},
        {"MASTERDOWN Link with MASTER is down", ERROR_UNAVAILABLE, true},
        {"CLUSTERDOWN The cluster is down", ERROR_UNAVAILABLE, false},
        {"MOVED 3999 127.0.0.1:6381", ERROR_UNAVAILABLE, true},
        {"ASK 3999 127.0.0.1:6381", ERROR_UNAVAILABLE, false},
        {"NOREPLICAS Not enough good replicas to write.", ERROR_UNAVAILABLE, false},
        {"MISCONF Redis is configured to save RDB snapshots", ERROR_UNAVAILABLE, false},
        {"BUSY Redis is busy running a script.", ERROR_UNAVAILABLE, false},
        {"NOAUTH Authentication required.", ERROR_UNAUTHORIZED, true},
        {"NOPERM this user has no permissions to run the 'get' command", ERROR_UNAUTHORIZED, false},
        {"WRONGTYPE Operation against a key holding the wrong kind of value", ERROR_REFUSED, false},
        {"NOSCRIPT No matching script. Please use EVAL.", ERROR_REFUSED, false},
        {"ERR unknown command 'FOO'", ERROR_REFUSED, false},
        {"ERR max number of clients reached", ERROR_UNAVAILABLE, true},
        {"ERR", ERROR_REFUSED, false},
        {"ERR ", ERROR_REFUSED, false},
        {"", ERROR_REFUSED, false},
        {"OOMPH", ERROR_REFUSED, false},
        {"BUSYGROUP Consumer Group name already exists", ERROR_REFUSED, false},
    };
    assert_rows(rows, sizeof rows / sizeof rows[0]);
}

static void a_proxys_prefix_does_not_hide_it(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"ERR READONLY You can't write against a read only replica.", ERROR_UNAVAILABLE, true},
        {"ERR UNBLOCKED force unblock", ERROR_UNAVAILABLE, true},
        {"ERR OOM command not allowed", ERROR_FULL, false},
    };
    assert_rows(rows, sizeof rows / sizeof rows[0]);
}

static void neither_does_the_script_around_it(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"OOM command not allowed when used memory > 'maxmemory'. script: 7d5d8d, on "
         "@user_script:1.",
         ERROR_FULL, false},
        {"ERR Error running script (call to f_7d5d8d): @user_script:1: @user_script: 1: -OOM "
         "command not allowed when used memory > 'maxmemory'.",
         ERROR_FULL, false},
        {"ERR Error running script (call to f_7d5d8d): @user_script:1: @user_script: 1: -READONLY "
         "You can't write against a read only replica.",
         ERROR_UNAVAILABLE, true},
        {"ERR Error running script (call to f_7d5d8d): @user_script:1: user_script:1: no -OOM",
         ERROR_REFUSED, false},
    };
    assert_rows(rows, sizeof rows / sizeof rows[0]);
}

static void a_refused_login_never_shows_what_was_sent(void **state)
{
    (void)state;
    struct error err = {0};
    redis_error_read_auth("ERR unknown command 'AUTH', with args beginning with: 'hunter2' ", &err);
    assert_int_equal(err.code, ERROR_UNAUTHORIZED);
    assert_null(strstr(err.text, "hunter2"));
    assert_non_null(strstr(err.text, "ERR"));
    redis_error_read_auth("hunter2", &err);
    assert_null(strstr(err.text, "hunter2"));
}

static void a_refused_login_says_why_where_redis_does(void **state)
{
    (void)state;
    struct error err = {0};
    redis_error_read_auth("WRONGPASS invalid username-password pair or user is disabled.", &err);
    assert_int_equal(err.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(err.text, "invalid username-password pair"));
    redis_error_read_auth("ERR AUTH <password> called without any password configured for the "
                          "default user. Are you sure your configuration is correct?",
                          &err);
    assert_int_equal(err.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(err.text, "has none"));
    redis_error_read_auth("ERR max number of clients reached", &err);
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void a_moved_slot_names_its_node(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
    } good[] = {
        {"MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381},
        {"MOVED 0 redis-1.example.net:1", "redis-1.example.net", 1},
        {"MOVED 16383 fd00::1:65535", "fd00::1", 65535},
        {"MOVED 3999 :6381", "", 6381},
    };
    static const char *const bad[] = {
        "MOVED",
        "MOVED 1",
        "MOVED 1 host",
        "MOVED 1 host:",
        "MOVED 1 host:0",
        "MOVED 1 host:65536",
        "MOVED 1 host:1x",
        "MOVED x host:1",
        "ASK 1 host:1",
        "ERR",
        "",
    };
    struct redis_moved moved;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(redis_error_read_moved(good[i].text, &moved));
        assert_string_equal(moved.host, good[i].host);
        assert_int_equal(moved.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(redis_error_read_moved(bad[i], &moved));
    }
    char longest[400];
    memset(longest, 'h', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest, "MOVED 1 ", strlen("MOVED 1 "));
    memcpy(longest + sizeof longest - sizeof ":1", ":1", sizeof ":1");
    assert_false(redis_error_read_moved(longest, &moved));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_word_tells_what_it_means),
        cmocka_unit_test(a_proxys_prefix_does_not_hide_it),
        cmocka_unit_test(neither_does_the_script_around_it),
        cmocka_unit_test(a_moved_slot_names_its_node),
        cmocka_unit_test(a_refused_login_never_shows_what_was_sent),
        cmocka_unit_test(a_refused_login_says_why_where_redis_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
