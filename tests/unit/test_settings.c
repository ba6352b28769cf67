/* Accounts from the environment and from a settings file; every fault names its place. */
#include "common/settings.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/environment.h"
#include "tests/support/fail.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define KEY_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define HOOK(event, more)                                                                          \
    "{\"event_type\":\"" event "\",\"target_url\":\"https://erp.example.com/h\"" more "}"
#define OMNITRON "\"omnitron\":{\"url\":\"https://a.example/\",\"token\":\"t0ken\"}"
/* An account that needs one more member: more. */
#define ACCOUNT(name, more)                                                                        \
    "\"" name "\":{\"api_keys\":[\"" KEY_A "\"]," OMNITRON ",\"OMNITRON_WEBHOOKS\":[]" more "}"
#define ACCOUNTS(list) "{\"accounts\":{" list "}}"

#define URL "OMNITRON_URL=https://brand.example.net/api/v1"
#define TOKEN "OMNITRON_TOKEN=t0ken"
#define KEYS                                                                                       \
    "OMNIHOOK_API_KEYS=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NO_HOOKS "OMNITRON_WEBHOOKS=[]"

/* One loading, and the folder of the files it reads. */
struct load {
    struct temp_dir *dir;
    struct faults faults;
    struct settings *settings;
};

static int set_up(void **state)
{
    struct load *load = mem_new(1, sizeof *load);
    load->dir = temp_dir_new();
    *state = load;
    return 0;
}

static void forget(struct load *load)
{
    faults_clear(&load->faults);
    settings_unref(load->settings);
    load->settings = NULL;
}

static int tear_down(void **state)
{
    struct load *load = *state;
    forget(load);
    temp_dir_free(load->dir);
    mem_free(load);
    return 0;
}

/* From an environment of these variables alone. */
static void load_variables(struct load *load, const char *const *variables)
{
    const struct service_config config = {0};
    char **environment = make_environment(variables);
    load->settings = settings_load(&config, environment, &load->faults);
    free_environment(environment);
    assert_int_equal(load->settings == NULL, load->faults.count > 0);
}

/* From a settings file with that text. */
static void load_text(struct load *load, const char *text)
{
    temp_dir_overwrite_file(load->dir, "settings.json", text);
    char *path = temp_dir_join(load->dir, "settings.json");
    const struct service_config config = {.settings_path = path};
    char **environment = make_environment((const char *const[]){"A_SECRET=fr0m env", NULL});
    load->settings = settings_load(&config, environment, &load->faults);
    free_environment(environment);
    mem_free(path);
    assert_int_equal(load->settings == NULL, load->faults.count > 0);
}

static const struct account *load_account(struct load *load, const char *text, const char *name)
{
    load_text(load, text);
    if (load->faults.count > 0) {
        fail_because("%s", load->faults.lines[0]);
    }
    const struct account *account = settings_find_account(load->settings, name);
    assert_non_null(account);
    return account;
}

static void assert_one_fault(struct load *load, const char *expected)
{
    assert_null(load->settings);
    assert_string_equal(load->faults.lines[0], expected);
    assert_int_equal(load->faults.count, 1);
    forget(load);
}

static void the_variables_of_one_account_make_the_account_default(void **state)
{
    struct load *load = *state;
    load_variables(load, (const char *const[]){URL, TOKEN, KEYS "," KEY_B,
                                               "OMNITRON_WEBHOOKS=[" HOOK("a", "") "]", NULL});
    assert_int_equal(load->faults.count + load->faults.warning_count, 0);
    const struct account *account = settings_find_account(load->settings, "default");
    assert_non_null(account);
    assert_string_equal(account->omnitron.url, "https://brand.example.net/api/v1/");
    assert_string_equal(account->omnitron.hooks_url, "https://brand.example.net/whisperer/hooks/");
    assert_string_equal(account->omnitron.login_url,
                        "https://brand.example.net/api/v1/auth/login/");
    assert_string_equal(account->omnitron.user_url,
                        "https://brand.example.net/api/v1/active_user/");
    assert_string_equal(account->omnitron.token.value, "t0ken");
    assert_int_equal(account->omnitron.connect_timeout_ms, 5000);
    assert_int_equal(account->omnitron.timeout_ms, 10000);
    assert_int_equal(account->omnitron.max_connections, 8);
    assert_int_equal(account->api_key_count, 2);
    assert_int_equal(account->auth, ACCOUNT_AUTH_KEYS);
    assert_int_equal(account->inactive, INACTIVE_REACTIVATE);
    assert_int_equal(account->drift, DRIFT_REPORT);
    assert_int_equal(account->webhook_count, 1);
    assert_string_equal(account->webhooks[0].event_type, "a");
}

static void a_long_setting_and_secrets_come_from_files(void **state)
{
    struct load *load = *state;
    char hooks[256];
    char password[256];
    temp_dir_overwrite_file(load->dir, "hooks", "[" HOOK("a", "") "]\n");
    temp_dir_overwrite_file(load->dir, "password", "p4ss\n");
    (void)snprintf(hooks, sizeof hooks, "OMNITRON_WEBHOOKS_FILE=%s/hooks",
                   temp_dir_path(load->dir));
    (void)snprintf(password, sizeof password, "OMNITRON_PASSWORD_FILE=%s/password",
                   temp_dir_path(load->dir));
    load_variables(load,
                   (const char *const[]){URL, "OMNITRON_USERNAME=u", password, KEYS, hooks, NULL});
    assert_int_equal(load->faults.count, 0);
    const struct account *account = settings_account_at(load->settings, 0);
    assert_string_equal(account->omnitron.password.value, "p4ss");
    assert_int_equal(account->webhook_count, 1);
}

static void paths_are_resolved_against_the_url(void **state)
{
    struct load *load = *state;
    static const char url[] = URL "/";
    load_variables(load, (const char *const[]){url, TOKEN, KEYS, NO_HOOKS,
                                               "OMNITRON_HOOKS_PATH=../v2/hooks",
                                               "OMNITRON_LOGIN_PATH=https://brand.example.net/in",
                                               "OMNITRON_USER_PATH=/me", NULL});
    assert_int_equal(load->faults.count, 0);
    const struct omnitron_settings *omnitron = &settings_account_at(load->settings, 0)->omnitron;
    assert_string_equal(omnitron->hooks_url, "https://brand.example.net/api/v2/hooks/");
    assert_string_equal(omnitron->login_url, "https://brand.example.net/in");
    assert_string_equal(omnitron->user_url, "https://brand.example.net/me");
}

static void all_missing_variables_are_named_at_once(void **state)
{
    struct load *load = *state;
    load_variables(load, (const char *const[]){NULL});
    static const char *const places[] = {
        "OMNITRON_URL: ", "OMNITRON_WEBHOOKS: ", "OMNITRON_TOKEN: ", "OMNIHOOK_API_KEYS: "};
    assert_int_equal(load->faults.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_memory_equal(load->faults.lines[i], places[i], strlen(places[i]));
        assert_non_null(strstr(load->faults.lines[i], ": is required"));
    }
}

static void keys_are_not_needed_where_omnitron_tells_who_calls(void **state)
{
    struct load *load = *state;
    load_variables(load,
                   (const char *const[]){URL, TOKEN, NO_HOOKS, "OMNIHOOK_AUTH=omnitron", NULL});
    assert_int_equal(load->faults.count, 0);
    assert_int_equal(settings_account_at(load->settings, 0)->auth, ACCOUNT_AUTH_OMNITRON);
}

static void the_settings_file_excludes_the_variables_of_one_account(void **state)
{
    struct load *load = *state;
    const struct service_config config = {.settings_path = (char[]){"/no/such/file"}};
    char **environment = make_environment(
        (const char *const[]){URL, "OMNITRON_TOKEN_FILE=/x", "OMNIHOOK_AUTH=", KEYS, NULL});
    load->settings = settings_load(&config, environment, &load->faults);
    free_environment(environment);
    assert_int_equal(load->faults.count, 4);
    assert_string_equal(load->faults.lines[0],
                        "OMNITRON_URL: must not be set together with OMNIHOOK_SETTINGS");
    assert_string_equal(load->faults.lines[1],
                        "OMNITRON_TOKEN_FILE: must not be set together with OMNIHOOK_SETTINGS");
    assert_string_equal(load->faults.lines[3],
                        "OMNIHOOK_SETTINGS: cannot be read: No such file or directory");
}

static void a_settings_file_holds_many_accounts(void **state)
{
    struct load *load = *state;
    load_text(load, ACCOUNTS("\"acme\":{\"api_keys\":[\"" KEY_A "\"]," OMNITRON
                             ",\"OMNITRON_WEBHOOKS\":[" HOOK(
                                 "a", "") "]},"
                                          "\"b.e_t-a9\":{\"api_keys\":[\"" KEY_B
                                          "\"],\"inactive\":\"keep\",\"drift\":\"update\","
                                          "\"hosts\":[\"B.example\"],\"auth\":\"omnitron\","
                                          "\"omnitron\":{\"url\":\"http://127.0.0.1:8/r\","
                                          "\"username\":\"u\",\"password_env\":\"A_SECRET\","
                                          "\"proxy\":\"http://u:p@proxy:3128\","
                                          "\"connect_timeout_ms\":100,\"timeout_ms\":600000,\"max_"
                                          "connections\":64,\"ca_file\":null},"
                                          "\"OMNITRON_WEBHOOKS\":[]}"));
    assert_int_equal(load->faults.count + load->faults.warning_count, 0);
    assert_int_equal(settings_account_count(load->settings), 2);
    assert_null(settings_find_account(load->settings, "gamma"));
    const struct account *beta = settings_find_account(load->settings, "b.e_t-a9");
    assert_non_null(beta);
    assert_ptr_equal(beta, settings_account_at(load->settings, 1));
    assert_int_equal(beta->inactive, INACTIVE_KEEP);
    assert_int_equal(beta->drift, DRIFT_UPDATE);
    assert_int_equal(beta->webhook_count, 0);
    assert_string_equal(beta->hosts[0], "b.example");
    assert_string_equal(beta->omnitron.url, "http://127.0.0.1:8/r/");
    assert_string_equal(beta->omnitron.hooks_url, "http://127.0.0.1:8/whisperer/hooks/");
    assert_string_equal(beta->omnitron.password.value, "fr0m env");
    assert_string_equal(beta->omnitron.proxy, "http://u:p@proxy:3128");
    assert_null(beta->omnitron.ca_file);
    assert_int_equal(beta->omnitron.connect_timeout_ms, 100);
    assert_int_equal(beta->omnitron.timeout_ms, 600000);
    assert_int_equal(beta->omnitron.max_connections, 64);
}

static void a_key_finds_its_account(void **state)
{
    struct load *load = *state;
    struct api_key_hash key;
    load_text(load, ACCOUNTS(ACCOUNT("a", "")));
    assert_true(api_key_parse(&key, KEY_A, strlen(KEY_A)));
    assert_string_equal(settings_find_key(load->settings, &key)->name, "a");
    assert_true(api_key_parse(&key, KEY_B, strlen(KEY_B)));
    assert_null(settings_find_key(load->settings, &key));
}

static void a_key_of_two_accounts_is_a_fault_that_names_both(void **state)
{
    struct load *load = *state;
    load_text(load, ACCOUNTS(ACCOUNT("a", "") "," ACCOUNT("b", "")));
    assert_one_fault(load, "accounts.b.api_keys: must not hold a key of account a");
}

static void a_key_twice_in_one_account_is_a_warning(void **state)
{
    struct load *load = *state;
    static const char twice[] = KEYS "," KEY_A;
    load_variables(load, (const char *const[]){URL, TOKEN, twice, NO_HOOKS, NULL});
    assert_string_equal(load->faults.warnings[0], "OMNIHOOK_API_KEYS: holds a key twice");
}

#define BY_HOST(name, hosts)                                                                       \
    "\"" name "\":{\"auth\":\"omnitron\",\"hosts\":[" hosts "]," OMNITRON                          \
    ",\"OMNITRON_WEBHOOKS\":[]}"

static void assert_host(struct load *load, const char *host, const char *expected)
{
    const struct account *account = settings_find_host(load->settings, host);
    if (expected == NULL) {
        assert_null(account);
    } else {
        assert_non_null(account);
        assert_string_equal(account->name, expected);
    }
}

static void a_host_tells_the_account_of_an_unknown_token(void **state)
{
    struct load *load = *state;
    load_text(load, ACCOUNTS(BY_HOST("a", "\"A.example\",\"[::1]\"") "," BY_HOST(
                        "b", "\"b.example:81\"") "," ACCOUNT("k", ",\"hosts\":[\"k.example\"]")));
    assert_int_equal(load->faults.count, 0);
    assert_host(load, "a.example", "a");
    assert_host(load, "A.EXAMPLE:8080", "a");
    assert_host(load, "[::1]", "a");
    assert_host(load, "[::1]:80", "a");
    assert_host(load, "b.example:81", "b");
    assert_host(load, "b.example", NULL);
    assert_host(load, "k.example", NULL); /* only its keys may call it */
    assert_host(load, "", NULL);
}

static void the_only_account_needs_no_host(void **state)
{
    struct load *load = *state;
    load_text(load, ACCOUNTS(BY_HOST("a", "")));
    assert_host(load, "anything", "a");
    forget(load);
    load_text(load, ACCOUNTS(ACCOUNT("a", "")));
    assert_host(load, "anything", NULL);
}

static void no_token_is_shown_to_another_accounts_omnitron(void **state)
{
    struct load *load = *state;
    load_text(load, ACCOUNTS(BY_HOST("a", "\"x\"") "," BY_HOST("b", "\"y\",\"X\"")));
    assert_one_fault(load, "accounts.b.hosts[1]: must not be a host of account a");
    load_text(load, ACCOUNTS(BY_HOST("a", "\"x\"") "," BY_HOST("b", "")));
    assert_int_equal(load->faults.warning_count, 1);
    assert_memory_equal(load->faults.warnings[0], "accounts.b.hosts: ", 18);
}

static void the_same_webhook_twice_is_taken_once(void **state)
{
    struct load *load = *state;
    static const char list[] = ",\"drift\":\"update\"},\"z\":{\"auth\":\"omnitron\"," OMNITRON
                               ",\"OMNITRON_WEBHOOKS\":[" HOOK("a", "") "," HOOK("b", "") "," HOOK(
                                   "a", ",\"is_active\":true") "]";
    char text[1024];
    (void)snprintf(text, sizeof text, ACCOUNTS(ACCOUNT("y", "%s")), list);
    const struct account *account = load_account(load, text, "z");
    assert_int_equal(account->webhook_count, 2);
    assert_int_equal(account->webhooks[0].named, WEBHOOK_IS_ACTIVE);
    assert_string_equal(load->faults.warnings[0],
                        "accounts.z.OMNITRON_WEBHOOKS[2]: is the same webhook as "
                        "accounts.z.OMNITRON_WEBHOOKS[0]; taken once");
}

static void two_webhooks_of_one_key_that_differ_are_a_fault(void **state)
{
    struct load *load = *state;
    load_variables(load, (const char *const[]){URL, TOKEN, KEYS,
                                               "OMNITRON_WEBHOOKS=[" HOOK("a", "") "," HOOK(
                                                   "a", ",\"secret_key\":\"s3cret\"") "]",
                                               NULL});
    assert_one_fault(load, "OMNITRON_WEBHOOKS[1]: must not have the target_url and event_type of "
                           "OMNITRON_WEBHOOKS[0] and differ from it otherwise");
}

#define KEYED(form) ",\"secret_key_" form
#define WITH_HOOK(more)                                                                            \
    ACCOUNTS("\"a\":{\"api_keys\":[\"" KEY_A "\"]," OMNITRON                                       \
             ",\"OMNITRON_WEBHOOKS\":[" HOOK("e", more) "]}")

static void a_secret_key_comes_from_a_variable_or_a_file(void **state)
{
    struct load *load = *state;
    const struct account *account = load_account(load, WITH_HOOK(KEYED("env\":\"A_SECRET\"")), "a");
    assert_string_equal(account->webhooks[0].secret_key.value, "fr0m env");
    assert_int_equal(account->webhooks[0].named, WEBHOOK_SECRET_KEY);
    forget(load);
    temp_dir_overwrite_file(load->dir, "key", "fr0m file\n");
    char text[1024];
    (void)snprintf(text, sizeof text, WITH_HOOK(KEYED("file\":\"%s/key\"")),
                   temp_dir_path(load->dir));
    account = load_account(load, text, "a");
    assert_string_equal(account->webhooks[0].secret_key.value, "fr0m file");
    forget(load);
    account = load_account(load, WITH_HOOK(KEYED("env\":null,\"secret_key_file\":null")), "a");
    assert_int_equal(account->webhooks[0].named, 0);
}

static void bad_json_is_told_by_line_and_column(void **state)
{
    struct load *load = *state;
    load_text(load, "{\n  \"accounts\": s3cret\n}");
    assert_one_fault(load, "OMNIHOOK_SETTINGS: line 2, column 15: must be valid JSON, in accounts");
    load_text(load, "{\"accounts\":{}} s3cret");
    assert_one_fault(load, "OMNIHOOK_SETTINGS: line 1, column 17: something follows after the end "
                           "of the JSON");
    load_text(load, "{\"accounts\":{");
    assert_one_fault(load,
                     "OMNIHOOK_SETTINGS: line 1, column 13: the JSON ends too early, in accounts");
    load_text(load, "[1e999]");
    assert_one_fault(load, "[0]: the number is too large (line 1, column 6)");
}

static void a_duplicate_key_is_told_by_its_path_with_all_other_faults(void **state)
{
    struct load *load = *state;
    load_text(load, "{\"accounts\":{\"a\":{\"drift\":\"x\",\"OMNITRON_WEBHOOKS\":[{},\n"
                    "{\"event_type\":\"s3cret\",\"event_type\":\"e\"}]}}}");
    assert_string_equal(load->faults.lines[0], "accounts.a.OMNITRON_WEBHOOKS[1].event_type: "
                                               "duplicate key (line 2, column 35)");
    assert_int_equal(load->faults.count, 7);
    for (size_t i = 0; i < load->faults.count; i++) {
        assert_null(strstr(load->faults.lines[i], "s3cret"));
    }
    forget(load);
    load_variables(load, (const char *const[]){URL, TOKEN, KEYS,
                                               "OMNITRON_WEBHOOKS=[" HOOK(
                                                   "e", ",\"config\":{\"a\":{\"}\\\"\":1},\"b\":1,"
                                                        "\"b\":2}") "]",
                                               NULL});
    assert_memory_equal(load->faults.lines[0], "OMNITRON_WEBHOOKS[0].config.b: duplicate key", 44);
}

static void a_fault_deep_inside_still_tells_what_is_wrong(void **state)
{
    enum { DEPTH = 600 };
    struct load *load = *state;
    char text[DEPTH + 64];
    memset(text, '[', DEPTH);
    (void)snprintf(text + DEPTH, sizeof text - DEPTH, "{\"a\":1,\"a\":2}");
    load_text(load, text);
    assert_memory_equal(load->faults.lines[0], "[0][0]", 6);
    assert_non_null(strstr(load->faults.lines[0], "[0]…: duplicate key (line 1, column "));
}

/* The digest of the only account, whose webhook has more. */
static void digest_with(struct load *load, const char *more, char digest[SETTINGS_DIGEST_SIZE])
{
    char text[1024];
    (void)snprintf(text, sizeof text, WITH_HOOK("%s"), more);
    memcpy(digest, load_account(load, text, "a")->digest, SETTINGS_DIGEST_SIZE);
    forget(load);
}

static void a_digest_changes_with_the_setting_and_tells_no_secret(void **state)
{
    struct load *load = *state;
    static const char *const different[] = {"",
                                            ",\"is_active\":false",
                                            ",\"secret_key\":\"a\"",
                                            ",\"callback\":\"a\"",
                                            ",\"config\":{\"a\":1}",
                                            ",\"config\":{\"b\":1}",
                                            ",\"additional_headers\":{\"A\":\"1\"}"};
    enum { COUNT = sizeof different / sizeof different[0] };
    char digests[COUNT][SETTINGS_DIGEST_SIZE];
    for (size_t i = 0; i < COUNT; i++) {
        digest_with(load, different[i], digests[i]);
        assert_int_equal(strspn(digests[i], "0123456789abcdef"), SETTINGS_DIGEST_SIZE - 1);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(digests[i], digests[j]);
        }
    }
    char again[SETTINGS_DIGEST_SIZE];
    digest_with(load, ",\"secret_key\":\"b\"", again);
    assert_string_equal(again, digests[2]);
    digest_with(load, ",\"config\":{\"a\":{}}", again);
    assert_string_not_equal(again, digests[4]);
    digest_with(load, ",\"config\":{\"a\":2}", again);
    assert_string_equal(again, digests[4]);
    digest_with(load, ",\"additional_headers\":{\"A\":\"2\"}", again);
    assert_string_equal(again, digests[6]);
}

static void a_version_lives_until_its_last_reference_ends(void **state)
{
    struct load *load = *state;
    load_text(load, ACCOUNTS(ACCOUNT("a", "")));
    struct settings *kept = settings_ref(load->settings);
    settings_unref(load->settings);
    load->settings = NULL;
    assert_string_equal(settings_account_at(kept, 0)->name, "a");
    settings_unref(kept);
}

/* A list of count webhooks. */
static void load_webhooks(struct load *load, size_t count)
{
    struct strbuf text;
    strbuf_init(&text, SIZE_MAX / 2);
    strbuf_add_text(&text, "{\"accounts\":{\"a\":{\"api_keys\":[\"" KEY_A "\"]," OMNITRON
                           ",\"OMNITRON_WEBHOOKS\":[");
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(&text, "%s" HOOK("e%zu", ""), i == 0 ? "" : ",", i);
    }
    strbuf_add_text(&text, "]}}}");
    load_text(load, text.bytes);
    strbuf_clear(&text);
}

static void an_account_holds_up_to_twenty_thousand_webhooks(void **state)
{
    struct load *load = *state;
    load_webhooks(load, 20000);
    assert_int_equal(load->faults.count, 0);
    assert_int_equal(settings_account_at(load->settings, 0)->webhook_count, 20000);
    forget(load);
    load_webhooks(load, 20001);
    assert_one_fault(load, "accounts.a.OMNITRON_WEBHOOKS: must not hold more than 20000 webhooks");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_variables_of_one_account_make_the_account_default),
        CASE(a_long_setting_and_secrets_come_from_files),
        CASE(paths_are_resolved_against_the_url),
        CASE(all_missing_variables_are_named_at_once),
        CASE(keys_are_not_needed_where_omnitron_tells_who_calls),
        CASE(the_settings_file_excludes_the_variables_of_one_account),
        CASE(a_settings_file_holds_many_accounts),
        CASE(a_key_finds_its_account),
        CASE(a_key_of_two_accounts_is_a_fault_that_names_both),
        CASE(a_key_twice_in_one_account_is_a_warning),
        CASE(a_host_tells_the_account_of_an_unknown_token),
        CASE(the_only_account_needs_no_host),
        CASE(no_token_is_shown_to_another_accounts_omnitron),
        CASE(the_same_webhook_twice_is_taken_once),
        CASE(two_webhooks_of_one_key_that_differ_are_a_fault),
        CASE(a_secret_key_comes_from_a_variable_or_a_file),
        CASE(bad_json_is_told_by_line_and_column),
        CASE(a_duplicate_key_is_told_by_its_path_with_all_other_faults),
        CASE(a_fault_deep_inside_still_tells_what_is_wrong),
        CASE(a_digest_changes_with_the_setting_and_tells_no_secret),
        CASE(a_version_lives_until_its_last_reference_ends),
        CASE(an_account_holds_up_to_twenty_thousand_webhooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
