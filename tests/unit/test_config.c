/* The variables of the service: defaults, ranges, files, and what is wrong with them. */
#include "common/service_config.h"

#include "common/mem.h"
#include "tests/support/environment.h"
#include "tests/support/fail.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define KEY_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "sha256:BBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct fixture {
    struct temp_dir *dir;
    struct service_config config;
    struct faults faults;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_new(1, sizeof *fixture);
    fixture->dir = temp_dir_new();
    *state = fixture;
    return 0;
}

static void forget(struct fixture *fixture)
{
    service_config_clear(&fixture->config);
    faults_clear(&fixture->faults);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    forget(fixture);
    temp_dir_free(fixture->dir);
    mem_free(fixture);
    return 0;
}

static bool load(struct fixture *fixture, enum program program, const char *const *variables)
{
    char **environment = make_environment(variables);
    bool is_good = service_config_load(&fixture->config, program, environment, &fixture->faults);
    free_environment(environment);
    assert_int_equal(is_good, fixture->faults.count == 0);
    return is_good;
}

/* Loads NAME=<path of a file with that text in it>. */
static bool load_with_file(struct fixture *fixture, const char *name, const char *text)
{
    temp_dir_overwrite_file(fixture->dir, "value", text);
    char *path = temp_dir_join(fixture->dir, "value");
    char variable[512];
    (void)snprintf(variable, sizeof variable, "%s=%s", name, path);
    mem_free(path);
    return load(fixture, PROGRAM_API, (const char *const[]){variable, NULL});
}

static void an_empty_environment_gives_the_defaults(void **state)
{
    struct fixture *fixture = *state;
    const struct service_config *config = &fixture->config;
    assert_true(load(fixture, PROGRAM_API, (const char *const[]){NULL}));
    assert_string_equal(config->redis_url.value, "redis://127.0.0.1:6379/0");
    assert_string_equal(config->namespace_name, "omnihook");
    assert_string_equal(config->listen.host, "127.0.0.1");
    assert_int_equal(config->listen.port, 8080);
    assert_false(config->listen.is_default);
    assert_string_equal(config->ops_listen.text, "127.0.0.1:9180");
    assert_true(config->ops_listen.is_default);
    assert_int_equal(config->processes, 1);
    assert_int_equal(config->concurrency, 64);
    assert_int_equal(config->lease_ms, 15000);
    assert_int_equal(config->job_attempts, 5);
    assert_int_equal(config->job_timeout_ms, 600000);
    assert_int_equal(config->job_max_age_ms, 3600000);
    assert_int_equal(config->retry.base_ms, 1000);
    assert_int_equal(config->retry.max_ms, 60000);
    assert_int_equal(config->retry_after_max_ms, 120000);
    assert_int_equal(config->result_ttl_s, 86400);
    assert_int_equal(config->queue_max, 1000000);
    assert_int_equal(config->grace_ms, 8000);
    assert_int_equal(config->redis_timeout_ms, 2000);
    assert_int_equal(config->request_timeout_ms, 30000);
    assert_int_equal(config->read_timeout_ms, 10000);
    assert_int_equal(config->idle_timeout_ms, 75000);
    assert_int_equal(config->auth_ttl_s, 60);
    assert_int_equal(config->redis_wait_replicas, 0);
    assert_int_equal(config->log_level, LOG_INFO);
    assert_int_equal(config->log_format, LOG_LOGFMT);
    assert_int_equal(config->operator_key_count, 0);
    assert_null(config->settings_path);
    assert_int_equal(fixture->faults.warning_count, 0);
}

static void each_program_has_its_own_default_for_operators(void **state)
{
    struct fixture *fixture = *state;
    assert_true(load(fixture, PROGRAM_WORKER, (const char *const[]){NULL}));
    assert_string_equal(fixture->config.ops_listen.text, "127.0.0.1:9181");
    forget(fixture);
    assert_true(load(fixture, PROGRAM_CLI, (const char *const[]){NULL}));
    assert_null(fixture->config.ops_listen.text);
}

static void an_explicit_address_is_no_default_and_off_is_none(void **state)
{
    struct fixture *fixture = *state;
    assert_true(load(fixture, PROGRAM_API,
                     (const char *const[]){"OMNIHOOK_OPS_LISTEN=127.0.0.1:9180", NULL}));
    assert_false(fixture->config.ops_listen.is_default);
    forget(fixture);
    assert_true(load(fixture, PROGRAM_API, (const char *const[]){"OMNIHOOK_OPS_LISTEN=off", NULL}));
    assert_null(fixture->config.ops_listen.text);
}

static void an_empty_variable_counts_as_unset(void **state)
{
    struct fixture *fixture = *state;
    assert_true(load(fixture, PROGRAM_API,
                     (const char *const[]){
                         "OMNIHOOK_LEASE_MS=", "OMNIHOOK_LISTEN=", "OMNIHOOK_OPS_LISTEN=",
                         "OMNIHOOK_NO_SUCH=", "REDIS_URL=redis://r/1", "REDIS_URL_FILE=", NULL}));
    assert_int_equal(fixture->config.lease_ms, 15000);
    assert_string_equal(fixture->config.ops_listen.text, "127.0.0.1:9180");
    assert_int_equal(fixture->faults.warning_count, 0);
}

static void addresses_have_three_forms(void **state)
{
    struct fixture *fixture = *state;
    assert_true(load(fixture, PROGRAM_API,
                     (const char *const[]){"OMNIHOOK_LISTEN=[::1]:0",
                                           "OMNIHOOK_OPS_LISTEN=unix:/run/o.sock", NULL}));
    assert_string_equal(fixture->config.listen.host, "::1");
    assert_int_equal(fixture->config.listen.port, 0);
    assert_string_equal(fixture->config.ops_listen.path, "/run/o.sock");
    assert_null(fixture->config.ops_listen.host);
}

struct range {
    const char *name;
    const char *least;
    const char *most;
    const char *below;
    const char *above;
};

static void assert_number(struct fixture *fixture, const char *name, const char *value,
                          bool is_expected_good)
{
    char variable[128];
    char least_base[] = "OMNIHOOK_RETRY_BASE_MS=10";
    (void)snprintf(variable, sizeof variable, "%s=%s", name, value);
    /* The base must not pass the maximum, whichever of the two is being tried. */
    bool is_base = strcmp(name, "OMNIHOOK_RETRY_BASE_MS") == 0;
    const char *const variables[] = {variable,
                                     is_base ? "OMNIHOOK_RETRY_MAX_MS=3600000" : least_base, NULL};
    if (load(fixture, PROGRAM_API, variables) != is_expected_good) {
        fail_because("%s", variable);
    }
    if (!is_expected_good) {
        assert_int_equal(fixture->faults.count, 1);
        assert_memory_equal(fixture->faults.lines[0], name, strlen(name));
        assert_non_null(strstr(fixture->faults.lines[0], ": must be a whole number from "));
    }
    forget(fixture);
}

static void numbers_are_taken_up_to_the_ends_of_their_ranges(void **state)
{
    static const struct range ranges[] = {
        {"OMNIHOOK_PROCESSES", "1", "256", "0", "257"},
        {"OMNIHOOK_CONCURRENCY", "1", "10000", "0", "10001"},
        {"OMNIHOOK_LEASE_MS", "1000", "600000", "999", "600001"},
        {"OMNIHOOK_JOB_ATTEMPTS", "1", "100", "0", "101"},
        {"OMNIHOOK_JOB_TIMEOUT_MS", "100", "86400000", "99", "86400001"},
        {"OMNIHOOK_JOB_MAX_AGE_MS", "1000", "604800000", "999", "604800001"},
        {"OMNIHOOK_RETRY_BASE_MS", "10", "3600000", "9", "3600001"},
        {"OMNIHOOK_RETRY_MAX_MS", "10", "3600000", "9", "3600001"},
        {"OMNIHOOK_RETRY_AFTER_MAX_MS", "0", "3600000", "-1", "3600001"},
        {"OMNIHOOK_RESULT_TTL", "1", "31536000", "0", "31536001"},
        {"OMNIHOOK_QUEUE_MAX", "1", "100000000", "0", "100000001"},
        {"OMNIHOOK_GRACE_MS", "0", "600000", "-1", "600001"},
        {"OMNIHOOK_REDIS_TIMEOUT_MS", "100", "60000", "99", "60001"},
        {"OMNIHOOK_REDIS_WAIT_REPLICAS", "0", "10", "-1", "11"},
        {"OMNIHOOK_REQUEST_TIMEOUT_MS", "100", "600000", "99", "600001"},
        {"OMNIHOOK_READ_TIMEOUT_MS", "100", "3600000", "99", "3600001"},
        {"OMNIHOOK_IDLE_TIMEOUT_MS", "100", "3600000", "99", "3600001"},
        {"OMNIHOOK_CONNECTIONS_MAX", "1", "1000000", "0", "1000001"},
        {"OMNIHOOK_ADDRESS_CONNECTIONS_MAX", "0", "1000000", "-1", "1000001"},
        {"OMNIHOOK_REQUESTS_MAX", "1", "1000000", "0", "1000001"},
        {"OMNIHOOK_AUTH_TTL", "0", "3600", "-1", "3601"},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        assert_number(*state, ranges[i].name, ranges[i].least, true);
        assert_number(*state, ranges[i].name, ranges[i].most, true);
        assert_number(*state, ranges[i].name, ranges[i].below, false);
        assert_number(*state, ranges[i].name, ranges[i].above, false);
    }
}

static void numbers_are_decimal_digits_and_nothing_else(void **state)
{
    static const char *const texts[] = {
        "64k", "+64", " 64", "64 ", "0x40", "6e1", "64.0", "-0", "99999999999999999999", "64\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_number(*state, "OMNIHOOK_CONCURRENCY", texts[i], false);
    }
    assert_number(*state, "OMNIHOOK_CONCURRENCY", "0064", true);
}

static const struct {
    const char *variable;
    const char *fault;
} wrong_variables[] = {
    {"REDIS_URL=http://s3cret/", "REDIS_URL: "},
    {"REDIS_URL=s3cret", "REDIS_URL: "},
    {"OMNIHOOK_NAMESPACE=a b", "OMNIHOOK_NAMESPACE: must be 1 to 64 characters of "
                               "A-Z a-z 0-9 . _ : -"},
    {"OMNIHOOK_NAMESPACE={a}", "OMNIHOOK_NAMESPACE: "},
    {"OMNIHOOK_NAMESPACE=0123456789012345678901234567890123456789012345678901234567890123x",
     "OMNIHOOK_NAMESPACE: "},
    {"OMNIHOOK_LISTEN=8080", "OMNIHOOK_LISTEN: must be host:port, [v6]:port or unix:/path"},
    {"OMNIHOOK_LISTEN=:8080", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=127.0.0.1", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=127.0.0.1:", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=127.0.0.1:65536", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=127.0.0.1:8080/", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=a b:80", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=::1:80", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=[::g]:80", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=[127.0.0.1]:80", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=unix:run/x", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=unix:/0123456789012345678901234567890123456789012345678901234567890123"
     "4567890123456789012345678901234567890123456789",
     "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_LISTEN=off", "OMNIHOOK_LISTEN: "},
    {"OMNIHOOK_OPS_LISTEN=none",
     "OMNIHOOK_OPS_LISTEN: must be host:port, [v6]:port, unix:/path or off"},
    {"OMNIHOOK_LOG_LEVEL=loud", "OMNIHOOK_LOG_LEVEL: must be debug or info or warn or error"},
    {"OMNIHOOK_LOG_FORMAT=xml", "OMNIHOOK_LOG_FORMAT: must be logfmt or json"},
    {"OMNIHOOK_OPERATOR_KEYS=s3cret",
     "OMNIHOOK_OPERATOR_KEYS[0]: must be sha256: and 64 hex digits"},
    {"OMNIHOOK_OPERATOR_KEYS=" KEY_A ",", "OMNIHOOK_OPERATOR_KEYS[1]: "},
    {"OMNIHOOK_OPERATOR_KEYS=" KEY_A "0", "OMNIHOOK_OPERATOR_KEYS[0]: "},
    {"OMNIHOOK_RETRY_BASE_MS=60001",
     "OMNIHOOK_RETRY_BASE_MS: must not be more than OMNIHOOK_RETRY_MAX_MS"},
    {"REDIS_URL_FILE=/no/s3cret", "REDIS_URL_FILE: cannot be read: No such file or directory"},
    {"OMNIHOOK_OPERATOR_KEYS_FILE=/dev/null", "OMNIHOOK_OPERATOR_KEYS_FILE: is not a regular file"},
};

static void each_wrong_variable_gives_one_fault(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof wrong_variables / sizeof wrong_variables[0]; i++) {
        if (load(fixture, PROGRAM_API, (const char *const[]){wrong_variables[i].variable, NULL})) {
            fail_because("taken: %s", wrong_variables[i].variable);
        }
        assert_int_equal(fixture->faults.count, 1);
        assert_memory_equal(fixture->faults.lines[0], wrong_variables[i].fault,
                            strlen(wrong_variables[i].fault));
        assert_null(strstr(fixture->faults.lines[0], "s3cret"));
        forget(fixture);
    }
}

static void all_wrong_variables_are_told_at_once(void **state)
{
    struct fixture *fixture = *state;
    assert_false(
        load(fixture, PROGRAM_API,
             (const char *const[]){"OMNIHOOK_LEASE_MS=1", "OMNIHOOK_LISTEN=x",
                                   "OMNIHOOK_LOG_LEVEL=x", "OMNIHOOK_RETRY_MAX_MS=20", NULL}));
    assert_int_equal(fixture->faults.count, 4);
}

static void unknown_variables_of_ours_are_warnings(void **state)
{
    struct fixture *fixture = *state;
    assert_true(
        load(fixture, PROGRAM_API,
             (const char *const[]){"OMNIHOOK_LEASE=5", "OMNIHOOK_LEASE_MS_FILE=/x", "OTHER_LEASE=5",
                                   "OMNIHOOK_API_KEYS_FILE=/x", "OMNIHOOK_AUTH=omnitron", NULL}));
    assert_int_equal(fixture->faults.warning_count, 2);
    assert_string_equal(fixture->faults.warnings[0], "OMNIHOOK_LEASE: unknown variable");
    assert_string_equal(fixture->faults.warnings[1], "OMNIHOOK_LEASE_MS_FILE: unknown variable");
}

static void operator_keys_are_hashes_in_a_comma_list(void **state)
{
    struct fixture *fixture = *state;
    assert_true(load(fixture, PROGRAM_API,
                     (const char *const[]){"OMNIHOOK_OPERATOR_KEYS= " KEY_A " ,\n" KEY_B, NULL}));
    assert_int_equal(fixture->config.operator_key_count, 2);
    assert_int_equal(fixture->config.operator_keys[0].bytes[31], 0xaa);
    assert_int_equal(fixture->config.operator_keys[1].bytes[0], 0xbb);
}

static void a_key_is_hashed_and_printed_as_it_is_parsed(void **state)
{
    (void)state;
    struct api_key_hash hash;
    struct api_key_hash parsed;
    char text[API_KEY_TEXT_SIZE];
    api_key_hash_of(&hash, "abc", 3);
    assert_string_equal(api_key_print(text, &hash),
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(api_key_parse(&parsed, text, strlen(text)));
    assert_memory_equal(&parsed, &hash, sizeof hash);
}

static void one_newline_at_the_end_of_a_file_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"redis://r/1", "redis://r/1\n", "redis://r/1\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(load_with_file(fixture, "REDIS_URL_FILE", texts[i]));
        assert_string_equal(fixture->config.redis_url.value, "redis://r/1");
        forget(fixture);
    }
    assert_false(load_with_file(fixture, "REDIS_URL_FILE", "redis://r/1\n\n"));
}

static void an_empty_file_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    assert_false(load_with_file(fixture, "REDIS_URL_FILE", ""));
    assert_string_equal(fixture->faults.lines[0], "REDIS_URL_FILE: is empty");
    forget(fixture);
    assert_false(load_with_file(fixture, "REDIS_URL_FILE", "\n"));
    assert_string_equal(fixture->faults.lines[0], "REDIS_URL_FILE: is empty");
}

static void a_file_over_its_limit_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    enum { LIMIT = 64 * 1024 };
    char *text = mem_new(LIMIT + 2, 1);
    memset(text, 'x', LIMIT + 1);
    assert_false(load_with_file(fixture, "REDIS_URL_FILE", text));
    assert_string_equal(fixture->faults.lines[0], "REDIS_URL_FILE: is larger than 65536 bytes");
    mem_free(text);
}

static void both_forms_at_once_are_a_fault(void **state)
{
    struct fixture *fixture = *state;
    assert_false(load(fixture, PROGRAM_API,
                      (const char *const[]){"REDIS_URL=redis://r/1", "REDIS_URL_FILE=/x", NULL}));
    assert_int_equal(fixture->faults.count, 1);
    assert_string_equal(fixture->faults.lines[0],
                        "REDIS_URL: must not be set together with REDIS_URL_FILE");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_empty_environment_gives_the_defaults),
        CASE(each_program_has_its_own_default_for_operators),
        CASE(an_explicit_address_is_no_default_and_off_is_none),
        CASE(an_empty_variable_counts_as_unset),
        CASE(addresses_have_three_forms),
        CASE(numbers_are_taken_up_to_the_ends_of_their_ranges),
        CASE(numbers_are_decimal_digits_and_nothing_else),
        CASE(each_wrong_variable_gives_one_fault),
        CASE(all_wrong_variables_are_told_at_once),
        CASE(unknown_variables_of_ours_are_warnings),
        CASE(operator_keys_are_hashes_in_a_comma_list),
        CASE(a_key_is_hashed_and_printed_as_it_is_parsed),
        CASE(one_newline_at_the_end_of_a_file_is_dropped),
        CASE(an_empty_file_is_a_fault),
        CASE(a_file_over_its_limit_is_a_fault),
        CASE(both_forms_at_once_are_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
