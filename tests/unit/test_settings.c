/* Accounts from the environment and from a settings file; every fault names its place. */
#include "common/mem.h"
#include "common/settings.h"
#include "tests/support/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HOOK(event) "{\"event_type\":\"" event "\",\"target_url\":\"https://erp.example.com/h\"}"

/* One loading: its environment, and a settings file when there is one. */
struct load {
    char path[64]; /* "" = no file */
    struct faults faults;
    struct settings *settings;
};

static int set_up(void **state)
{
    *state = mem_new(1, sizeof(struct load));
    return 0;
}

static int tear_down(void **state)
{
    struct load *load = *state;
    if (load->path[0] != '\0') {
        (void)unlink(load->path);
    }
    faults_clear(&load->faults);
    settings_unref(load->settings);
    mem_free(load);
    return 0;
}

static void write_file(struct load *load, const char *text)
{
    if (load->path[0] == '\0') {
        (void)strcpy(load->path, "/tmp/test_settings_XXXXXX");
        int fd = mkstemp(load->path);
        assert_true(fd >= 0);
        assert_int_equal(close(fd), 0);
    }
    FILE *file = fopen(load->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* Loads with an environment of these variables alone. */
static void load_with(struct load *load, const char *const *variables)
{
    struct service_config config = {.settings_path = load->path[0] == '\0' ? NULL : load->path};
    char **environment = make_environment(variables);
    load->settings = settings_load(&config, environment, &load->faults);
    free_environment(environment);
}

static const char *const no_variables[] = {NULL};

static void the_variables_of_one_account_make_the_account_default(void **state)
{
    struct load *load = *state;
    const char *environment[] = {"OMNITRON_URL=https://brand.example.net/api/v1",
                                 "OMNITRON_TOKEN=t0ken", "OMNIHOOK_API_KEYS=" KEY_A ", " KEY_B,
                                 "OMNITRON_WEBHOOKS=[" HOOK("package.created") "]", NULL};
    load_with(load, environment);
    assert_int_equal(load->faults.count, 0);
    assert_non_null(load->settings);
    const struct account *account = settings_find_account(load->settings, "default");
    assert_non_null(account);
    assert_string_equal(account->omnitron.url, "https://brand.example.net/api/v1/");
    assert_string_equal(account->omnitron.hooks_url, "https://brand.example.net/whisperer/hooks/");
    assert_string_equal(account->omnitron.login_url,
                        "https://brand.example.net/api/v1/auth/login/");
    assert_string_equal(account->omnitron.user_url,
                        "https://brand.example.net/api/v1/active_user/");
    assert_int_equal(account->api_key_count, 2);
    assert_int_equal(account->webhook_count, 1);
    assert_string_equal(account->webhooks[0].event_type, "package.created");
    assert_true(account->webhooks[0].is_active);
    assert_int_equal(strlen(account->digest), 16);
    struct api_key_hash key;
    assert_true(api_key_parse(&key, KEY_B, strlen(KEY_B)));
    assert_ptr_equal(settings_find_key(load->settings, &key), account);
}

static void a_settings_file_holds_many_accounts(void **state)
{
    struct load *load = *state;
    write_file(load, "{\"accounts\":{"
                     "\"acme\":{\"api_keys\":[\"" KEY_A
                     "\"],\"omnitron\":{\"url\":\"https://a.example/\","
                     "\"token\":\"x\"},\"OMNITRON_WEBHOOKS\":[" HOOK(
                         "a") "]},"
                              "\"beta\":{\"api_keys\":[\"" KEY_B
                              "\"],\"omnitron\":{\"url\":\"https://b.example/\","
                              "\"username\":\"u\",\"password\":\"p\"},\"inactive\":\"keep\","
                              "\"drift\":\"update\","
                              "\"OMNITRON_WEBHOOKS\":[]}}}");
    load_with(load, no_variables);
    assert_int_equal(load->faults.count, 0);
    assert_non_null(load->settings);
    assert_int_equal(settings_account_count(load->settings), 2);
    const struct account *beta = settings_find_account(load->settings, "beta");
    assert_non_null(beta);
    assert_int_equal(beta->inactive, INACTIVE_KEEP);
    assert_int_equal(beta->drift, DRIFT_UPDATE);
    assert_int_equal(beta->webhook_count, 0);
    assert_null(settings_find_account(load->settings, "gamma"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_variables_of_one_account_make_the_account_default,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_settings_file_holds_many_accounts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
