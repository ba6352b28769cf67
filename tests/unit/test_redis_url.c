/* REDIS_URL: what it may be, and that an error never quotes it. */
#include "common/redis_tls.h"
#include "common/redis_url.h"
#include "tests/support/test.h"

#include <string.h>
#include <sys/un.h>

static void parse(struct redis_address *address, const char *url)
{
    struct error err = {0};
    if (!redis_address_parse(address, url, &err)) {
        print_error("%s: %s\n", url, err.text);
        fail();
    }
}

static void a_host_alone_has_the_usual_port_and_the_first_database(void **state)
{
    (void)state;
    const char *const urls[] = {"redis://redis.example.net", "redis://redis.example.net/",
                                "redis://redis.example.net:6379/0"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct redis_address address;
        parse(&address, urls[i]);
        assert_string_equal(address.host, "redis.example.net");
        assert_int_equal(address.port, 6379);
        assert_int_equal(address.database, 0);
        assert_null(address.path);
        assert_null(address.user);
        assert_false(secret_is_set(&address.password));
        assert_string_equal(address.label, "redis.example.net:6379");
        redis_address_clear(&address);
    }
}

static void every_part_is_read_and_credentials_are_percent_decoded(void **state)
{
    (void)state;
    struct redis_address address;
    parse(&address, "redis://us%40er:p%3Aa%2Fss@10.0.0.1:7000/15");
    assert_string_equal(address.user, "us@er");
    assert_string_equal(address.password.value, "p:a/ss");
    assert_string_equal(address.host, "10.0.0.1");
    assert_int_equal(address.port, 7000);
    assert_int_equal(address.database, 15);
    assert_string_equal(address.label, "10.0.0.1:7000");
    redis_address_clear(&address);
}

static void a_password_without_a_user_is_the_default_users(void **state)
{
    (void)state;
    struct redis_address address;
    parse(&address, "redis://:secret@h");
    assert_null(address.user);
    assert_string_equal(address.password.value, "secret");
    redis_address_clear(&address);
}

static void an_ipv6_host_loses_its_brackets_but_not_in_the_label(void **state)
{
    (void)state;
    struct redis_address address;
    parse(&address, "redis://[::1]:7000");
    assert_string_equal(address.host, "::1");
    assert_string_equal(address.label, "[::1]:7000");
    redis_address_clear(&address);
}

static void a_unix_socket_may_have_credentials_and_a_database(void **state)
{
    (void)state;
    struct redis_address address;
    parse(&address, "unix:///run/redis/redis.sock");
    assert_null(address.host);
    assert_string_equal(address.path, "/run/redis/redis.sock");
    assert_string_equal(address.label, "/run/redis/redis.sock");
    assert_int_equal(address.database, 0);
    redis_address_clear(&address);

    parse(&address, "unix://user:pa%20ss@/run/my%20redis.sock?db=3");
    assert_string_equal(address.user, "user");
    assert_string_equal(address.password.value, "pa ss");
    assert_string_equal(address.path, "/run/my redis.sock");
    assert_int_equal(address.database, 3);
    redis_address_clear(&address);
}

static const char *const no_addresses[] = {
    "",
    "hunter2",
    "hunter2:6379",
    "redis:hunter2",
    "redis:/hunter2",
    "redis://",
    "redis:///0?hunter2",
    "redis://hunter2@host",
    "redis://hunter2:@host",
    "redis://:hunter2@",
    "redis://:hunter2@/0",
    "redis://:hunter2@host:0",
    "redis://:hunter2@host:65536",
    "redis://:hunter2@host:port",
    "redis://:hunter2@host:-1",
    "redis://:hunter2@host/-1",
    "redis://:hunter2@host/one",
    "redis://:hunter2@host/0/1",
    "redis://:hunter2@host/9999999999",
    "redis://:hunter2@host/0?db=1",
    "redis://:hunter2@host?db=1",
    "redis://:hunter2@ho st",
    "redis://:hunter2 @host",
    "redis://:hunter2%00@host",
    "redis://h1:6379,hunter2:6379/0",
    "redis-sentinel://:hunter2@host:26379",
    "redis-sentinel://:hunter2@host:26379/",
    "redis-sentinel://:hunter2@host:26379//0",
    "redis-sentinel://:hunter2@host:0/shop",
    "redis-sentinel://:hunter2@host,/shop",
    "redis-sentinel://:hunter2@,host/shop",
    "redis-sentinel://:hunter2@/shop",
    "redis-sentinel://hunter2@host/shop",
    "redis-sentinel://:hunter2@host/shop/one",
    "redis-sentinel://:hunter2@host/shop/0/1",
    "redis-sentinel://:hunter2@host/shop?db=1",
    "redis-sentinel://:hunter2@host/sh%6fp",
    "redis-sentinel://:hunter2@1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17/shop",
    "http://:hunter2@host/",
    "unix://",
    "unix:///",
    "unix://hunter2/path",
    "unix://:hunter2@host/path",
    "unix://hunter2@/path",
    "unix:///path?hunter2=1",
    "unix:///path?db=hunter2",
    "unix:///path?db=",
    "unix:///hunter2%",
    "unix:///hunter2%4",
    "unix:///hunter2%zz",
    "unix:///hunter2%00",
};

static void what_is_no_address_is_refused_without_being_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_addresses / sizeof no_addresses[0]; i++) {
        struct redis_address address;
        struct error err = {0};
        if (redis_address_parse(&address, no_addresses[i], &err)) {
            print_error("taken: %s\n", no_addresses[i]);
            fail();
        }
        assert_int_equal(err.code, ERROR_BAD_INPUT);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "hunter2"));
        redis_address_clear(&address);
    }
}

static void sentinels_are_read_with_their_service(void **state)
{
    (void)state;
    struct redis_address address;
    parse(&address, "redis-sentinel://us%65r:p%40ss@one:1,[::1],127.0.0.1:26380/shop.eu/4");
    assert_int_equal(address.sentinel_count, 3);
    assert_string_equal(address.sentinels[0].host, "one");
    assert_int_equal(address.sentinels[0].port, 1);
    assert_string_equal(address.sentinels[1].host, "::1");
    assert_int_equal(address.sentinels[1].port, 26379);
    assert_int_equal(address.sentinels[2].port, 26380);
    assert_string_equal(address.service, "shop.eu");
    assert_string_equal(address.user, "user");
    assert_string_equal(address.password.value, "p@ss");
    assert_int_equal(address.database, 4);
    assert_string_equal(address.label, "one:1,[::1],127.0.0.1:26380/shop.eu");
    assert_null(address.host);
    redis_address_clear(&address);
    parse(&address, "redis-sentinel://one/shop/");
    assert_int_equal(address.database, 0);
    assert_false(secret_is_set(&address.password));
    redis_address_clear(&address);
    struct error err;
    assert_int_equal(redis_address_parse(&address, "rediss-sentinel://one/shop", &err),
                     redis_tls_is_built_in(NULL));
    redis_address_clear(&address);
}

static void tls_is_taken_or_refused_with_the_reason(void **state)
{
    (void)state;
    struct redis_address address;
    struct error err = {0};
    bool is_taken = redis_address_parse(&address, "rediss://:hunter2@redis.example.net/2", &err);
    assert_int_equal(is_taken, redis_tls_is_built_in(NULL));
    if (is_taken) {
        assert_true(address.is_tls);
        assert_string_equal(address.label, "redis.example.net:6379");
        assert_int_equal(address.database, 2);
    } else {
        assert_non_null(strstr(err.text, "no TLS"));
    }
    redis_address_clear(&address);
    parse(&address, "redis://redis.example.net");
    assert_false(address.is_tls);
    redis_address_clear(&address);
}

static void a_socket_path_must_fit_where_the_system_keeps_it(void **state)
{
    (void)state;
    enum { PATH_MAX_SIZE = sizeof((struct sockaddr_un *)NULL)->sun_path };
    char url[7 + PATH_MAX_SIZE + 1] = "unix://";
    memset(url + 7, 'a', PATH_MAX_SIZE - 1);
    url[7] = '/';
    struct redis_address address;
    parse(&address, url);
    redis_address_clear(&address);
    url[7 + PATH_MAX_SIZE - 1] = 'a';
    struct error err = {0};
    assert_false(redis_address_parse(&address, url, &err));
    redis_address_clear(&address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_alone_has_the_usual_port_and_the_first_database),
        cmocka_unit_test(every_part_is_read_and_credentials_are_percent_decoded),
        cmocka_unit_test(a_password_without_a_user_is_the_default_users),
        cmocka_unit_test(an_ipv6_host_loses_its_brackets_but_not_in_the_label),
        cmocka_unit_test(a_unix_socket_may_have_credentials_and_a_database),
        cmocka_unit_test(what_is_no_address_is_refused_without_being_quoted),
        cmocka_unit_test(sentinels_are_read_with_their_service),
        cmocka_unit_test(tls_is_taken_or_refused_with_the_reason),
        cmocka_unit_test(a_socket_path_must_fit_where_the_system_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
