/* Which Redis we work with, told from its INFO. */
#include "common/redis_greeting.h"
#include "tests/support/test.h"

#include <string.h>

static const char good[] = "# Server\r\nredis_version:7.0.15\r\nos:Linux\r\n\r\n# Persistence\r\n"
                           "loading:0\r\nasync_loading:0\r\n\r\n# Replication\r\nrole:master\r\n";

static void assert_refused(const char *info, enum error_code code, const char *words)
{
    struct error err = {0};
    assert_false(redis_greeting_check_info(info, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
}

static void a_master_with_its_data_loaded_is_good(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(redis_greeting_check_info(good, &err));
}

static void versions_from_6_2_are_good(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(redis_greeting_check_info("redis_version:6.2.0\r\n", &err));
    assert_true(redis_greeting_check_info("redis_version:6.20.1\r\n", &err));
    assert_true(redis_greeting_check_info("redis_version:8\r\n", &err));
    assert_true(redis_greeting_check_info("redis_version:10.0\r\n", &err));
    assert_refused("redis_version:6.0.16\r\n", ERROR_REFUSED, "6.0.16");
    assert_refused("redis_version:5.9\r\n", ERROR_REFUSED, "5.9");
    assert_refused("redis_version:\r\n", ERROR_REFUSED, "6.2");
}

static void what_is_no_redis_is_said_to_be_none(void **state)
{
    (void)state;
    assert_refused("", ERROR_PROTOCOL, "redis_version");
    assert_refused("my_redis_version:7.0\r\nxredis_version:7\r\n", ERROR_PROTOCOL, "redis_version");
}

static void a_redis_that_loads_its_data_is_not_ready(void **state)
{
    (void)state;
    assert_refused("redis_version:7.0.15\r\nloading:1\r\n", ERROR_UNAVAILABLE, "loading");
}

static void a_replica_is_good_only_when_it_takes_writes(void **state)
{
    (void)state;
    struct error err = {0};
    assert_refused("redis_version:7.0.15\r\nrole:slave\r\nslave_read_only:1\r\n", ERROR_UNAVAILABLE,
                   "replica");
    assert_refused("redis_version:7.0.15\r\nrole:slave\r\n", ERROR_UNAVAILABLE, "replica");
    assert_true(redis_greeting_check_info(
        "redis_version:7.0.15\r\nrole:slave\r\nslave_read_only:0\r\n", &err));
}

/* As valkey-server 8.1.1 has it, where redis_version is that of the Redis it is compatible with. */
static void valkey_is_good(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(redis_greeting_check_info(
        "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n"
        "valkey_release_stage:ga\r\nserver_mode:standalone\r\n\r\n# "
        "Persistence\r\nloading:0\r\n\r\n"
        "# Replication\r\nrole:master\r\n",
        &err));
}

static void a_replica_of_a_cluster_tells_who_serves(void **state)
{
    (void)state;
    struct error err = {0};
    assert_true(redis_greeting_check_info(
        "redis_version:7.0.15\r\nrole:slave\r\nslave_read_only:1\r\ncluster_enabled:1\r\n", &err));
    assert_refused(
        "redis_version:7.0.15\r\nrole:slave\r\nslave_read_only:1\r\ncluster_enabled:0\r\n",
        ERROR_UNAVAILABLE, "replica");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_with_its_data_loaded_is_good),
        cmocka_unit_test(versions_from_6_2_are_good),
        cmocka_unit_test(what_is_no_redis_is_said_to_be_none),
        cmocka_unit_test(a_redis_that_loads_its_data_is_not_ready),
        cmocka_unit_test(a_replica_is_good_only_when_it_takes_writes),
        cmocka_unit_test(valkey_is_good),
        cmocka_unit_test(a_replica_of_a_cluster_tells_who_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
