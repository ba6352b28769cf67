/* What the variables about Redis mean together. */
#include "common/redis_tls.h"
#include "common/service_redis.h"
#include "tests/support/certificate.h"
#include "tests/support/test.h"

#include "common/mem.h"

#include <stdio.h>
#include <string.h>

enum { ENTRIES_MAX = 8, ENTRY_SIZE = 512 };

struct fixture {
    struct temp_dir *dir;
    struct service_config config;
    struct faults faults;
    char entries[ENTRIES_MAX][ENTRY_SIZE];
    size_t count;
};

static int fixture_new(void **state)
{
    struct fixture *fixture = mem_new(1, sizeof *fixture);
    fixture->dir = temp_dir_new();
    const struct certificate_options options = {
        .subject = "DNS:redis", .valid_from_s = -60, .valid_to_s = 60};
    certificate_write(fixture->dir, "one", &options);
    certificate_write(fixture->dir, "other", &options);
    *state = fixture;
    return 0;
}

static int fixture_free(void **state)
{
    struct fixture *fixture = *state;
    service_config_clear(&fixture->config);
    faults_clear(&fixture->faults);
    temp_dir_free(fixture->dir);
    mem_free(fixture);
    return 0;
}

static void set(struct fixture *fixture, const char *name, const char *value)
{
    assert_true(fixture->count < ENTRIES_MAX);
    (void)snprintf(fixture->entries[fixture->count++], ENTRY_SIZE, "%s=%s", name, value);
}

static void set_file(struct fixture *fixture, const char *name, const char *file)
{
    char *path = temp_dir_join(fixture->dir, file);
    set(fixture, name, path);
    mem_free(path);
}

static bool load(struct fixture *fixture)
{
    char *environment[ENTRIES_MAX + 1] = {NULL};
    for (size_t i = 0; i < fixture->count; i++) {
        environment[i] = fixture->entries[i];
    }
    return service_config_load(&fixture->config, PROGRAM_API, environment, &fixture->faults);
}

static void expect_fault(struct fixture *fixture, const char *start)
{
    assert_false(load(fixture));
    assert_int_equal(fixture->faults.count, 1);
    if (strncmp(fixture->faults.lines[0], start, strlen(start)) != 0) {
        fail_msg("%s", fixture->faults.lines[0]);
    }
}

static void the_files_of_tls_reach_the_address(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "rediss://redis");
    set_file(fixture, "OMNIHOOK_REDIS_CA_FILE", "other.crt");
    set_file(fixture, "OMNIHOOK_REDIS_CERT_FILE", "one.crt");
    set_file(fixture, "OMNIHOOK_REDIS_KEY_FILE", "one.key");
    assert_true(load(fixture));
    assert_int_equal(fixture->faults.warning_count, 0);
    struct redis_address address;
    struct error err;
    assert_true(service_redis_address(&fixture->config, &address, &err));
    assert_true(address.is_tls);
    assert_non_null(strstr(address.ca_file, "/other.crt"));
    assert_non_null(strstr(address.certificate_file, "/one.crt"));
    assert_non_null(strstr(address.key_file, "/one.key"));
    redis_address_clear(&address);
}

static void what_clients_need_to_find_their_way_reaches_the_address(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "redis-sentinel://:sesame@one,two/shop");
    set(fixture, "OMNIHOOK_REDIS_SENTINEL_PASSWORD", "poppy");
    set(fixture, "OMNIHOOK_NAMESPACE", "ns");
    set(fixture, "OMNIHOOK_REDIS_TIMEOUT_MS", "1000");
    assert_true(load(fixture));
    struct redis_address address;
    struct error err;
    assert_true(service_redis_address(&fixture->config, &address, &err));
    assert_int_equal(address.sentinel_count, 2);
    assert_string_equal(address.sentinel_password.value, "poppy");
    assert_string_equal(address.password.value, "sesame");
    assert_string_equal(address.home_key, "{ns}:queue");
    assert_int_equal(service_redis_wait_ms(&fixture->config), 250);
    redis_address_clear(&address);
}

static void a_password_for_sentinels_that_are_not_asked_is_a_warning(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "redis://one");
    set(fixture, "OMNIHOOK_REDIS_SENTINEL_PASSWORD", "poppy");
    assert_true(load(fixture));
    assert_int_equal(fixture->faults.warning_count, 1);
    assert_non_null(
        strstr(fixture->faults.warnings[0], "OMNIHOOK_REDIS_SENTINEL_PASSWORD: is not used"));
}

static void an_authority_that_is_no_certificate_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "rediss://redis");
    set_file(fixture, "OMNIHOOK_REDIS_CA_FILE", "one.key");
    expect_fault(fixture, "OMNIHOOK_REDIS_CA_FILE: the authorities' file must be");
}

static void a_file_that_is_not_there_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "rediss://redis");
    set_file(fixture, "OMNIHOOK_REDIS_CA_FILE", "none.crt");
    expect_fault(fixture, "OMNIHOOK_REDIS_CA_FILE: ");
}

static void a_certificate_needs_its_key(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "rediss://redis");
    set_file(fixture, "OMNIHOOK_REDIS_CERT_FILE", "one.crt");
    expect_fault(fixture, "OMNIHOOK_REDIS_KEY_FILE: is required");
}

static void the_key_of_another_certificate_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "rediss://redis");
    set_file(fixture, "OMNIHOOK_REDIS_CERT_FILE", "one.crt");
    set_file(fixture, "OMNIHOOK_REDIS_KEY_FILE", "other.key");
    expect_fault(fixture, "OMNIHOOK_REDIS_KEY_FILE: ");
}

static void without_tls_its_files_are_a_warning(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "redis://redis");
    set_file(fixture, "OMNIHOOK_REDIS_CA_FILE", "none.crt");
    assert_true(load(fixture));
    assert_int_equal(fixture->faults.warning_count, 1);
    assert_non_null(strstr(fixture->faults.warnings[0], "OMNIHOOK_REDIS_CA_FILE: is not used"));
}

static void without_tls_in_this_build_its_scheme_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "REDIS_URL", "rediss://:sesame@redis");
    expect_fault(fixture, "REDIS_URL: ");
    assert_non_null(strstr(fixture->faults.lines[0], "TLS"));
    assert_null(strstr(fixture->faults.lines[0], "sesame"));
}

#define CONFIG_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_new, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(what_clients_need_to_find_their_way_reaches_the_address),
        CONFIG_TEST(a_password_for_sentinels_that_are_not_asked_is_a_warning),
        CONFIG_TEST(without_tls_its_files_are_a_warning),
    };
    const struct CMUnitTest with_tls[] = {
        CONFIG_TEST(the_files_of_tls_reach_the_address),
        CONFIG_TEST(an_authority_that_is_no_certificate_is_a_fault),
        CONFIG_TEST(a_file_that_is_not_there_is_a_fault),
        CONFIG_TEST(a_certificate_needs_its_key),
        CONFIG_TEST(the_key_of_another_certificate_is_a_fault),
    };
    const struct CMUnitTest without_tls[] = {
        CONFIG_TEST(without_tls_in_this_build_its_scheme_is_a_fault),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += redis_tls_is_built_in(NULL) ? cmocka_run_group_tests(with_tls, NULL, NULL)
                                          : cmocka_run_group_tests(without_tls, NULL, NULL);
    return failed;
}
