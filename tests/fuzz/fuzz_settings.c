/* Any bytes as a settings file, or as OMNITRON_WEBHOOKS: they are refused with faults, or they make
   accounts whose webhooks Omnitron would store as they are. */
#include "common/account_variables.h"
#include "common/json_text.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What Omnitron shows of a webhook that was just created does not drift from it. */
static void check_webhook(const struct webhook *webhook)
{
    json_t *row = webhook_create_body(webhook);
    assert(json_object_size(row) >= 6);
    json_object_set_new(row, "id", json_integer(1));
    char *text = json_dumps(row, JSON_COMPACT);
    json_decref(row);
    struct json_slice slice;
    struct registered_hook hook;
    struct error err;
    bool is_parsed =
        json_slice_init(&slice, text, strlen(text)) && registered_hook_parse(&hook, &slice, &err);
    assert(is_parsed);
    free(text);
    assert(strcmp(hook.event_type, webhook->event_type) == 0);
    assert(strcmp(hook.target_url, webhook->target_url) == 0);
    assert(hook.is_active == webhook->is_active);
    assert(webhook_drift(webhook, &hook) == 0);
    assert(webhook_equals(webhook, webhook));
    registered_hook_clear(&hook);
}

static void check_account(const struct settings *settings, const struct account *account)
{
    assert(settings_find_account(settings, account->name) == account);
    assert(strlen(account->digest) == SETTINGS_DIGEST_SIZE - 1);
    assert(account->auth == ACCOUNT_AUTH_OMNITRON || account->api_key_count > 0);
    for (size_t i = 0; i < account->api_key_count; i++) {
        assert(settings_find_key(settings, &account->api_keys[i]) == account);
    }
    for (size_t i = 0; i < account->webhook_count; i++) {
        check_webhook(&account->webhooks[i]);
    }
}

static void check_load(const struct service_config *config, char *const *environment)
{
    struct faults faults = {0};
    struct settings *settings = settings_load(config, environment, &faults);
    assert((settings == NULL) == (faults.count > 0));
    for (size_t i = 0; i < faults.count && i < FAULTS_SHOWN_MAX; i++) {
        assert(strstr(faults.lines[i], ": ") != NULL && strchr(faults.lines[i], '\n') == NULL);
    }
    for (size_t i = 0; settings != NULL && i < settings_account_count(settings); i++) {
        check_account(settings, settings_account_at(settings, i));
    }
    settings_unref(settings);
    faults_clear(&faults);
}

static char path[] = "/tmp/fuzz_settings_XXXXXX";

static void remove_file(void)
{
    (void)unlink(path);
}

static void check_file(const uint8_t *data, size_t size)
{
    static int file = -1;
    if (file < 0) {
        file = mkstemp(path);
        assert(file >= 0);
        (void)atexit(remove_file);
    }
    bool is_written = ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size;
    assert(is_written);
    const struct service_config config = {.settings_path = path};
    char *environment[] = {(char[]){"A=b"}, NULL};
    check_load(&config, environment);
}

static void check_variable(const uint8_t *data, size_t size)
{
    const struct service_config config = {0};
    struct strbuf webhooks;
    strbuf_init(&webhooks, SIZE_MAX / 2);
    strbuf_add_text(&webhooks, "OMNITRON_WEBHOOKS=");
    strbuf_add(&webhooks, data, size);
    char *environment[] = {(char[]){"OMNITRON_URL=https://a.example/"},
                           (char[]){"OMNITRON_TOKEN=t"}, (char[]){"OMNIHOOK_AUTH=omnitron"},
                           webhooks.bytes, NULL};
    check_load(&config, environment);
    strbuf_clear(&webhooks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t start = 0;
    while (start < size && strchr(" \t\r\n", data[start]) != NULL) {
        start++;
    }
    if (start < size && data[start] == '[') {
        check_variable(data, size);
    } else {
        check_file(data, size);
    }
    return 0;
}
