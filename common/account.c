#include "common/account.h"

#include "common/json_text.h"
#include "common/mem.h"

#include <ctype.h>
#include <string.h>

/* RFC 1035's longest name, with a port behind. */
enum { HOST_MAX_BYTES = 253 + 6 };

static bool is_account_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strlen(name);
    return size > 0 && size <= ACCOUNT_NAME_MAX && strspn(name, letters) == size &&
           strchr("._-", name[0]) == NULL;
}

static void element_fault(struct jsonget *get, const char *key, size_t index, const char *expected)
{
    char *place = jsonget_element_path(get, key, index);
    faults_add(get->faults, "%s: %s", place, expected);
    mem_free(place);
    get->is_good = false;
}

static void require_keys(struct jsonget *get, const char *key, const struct account *account)
{
    if (account->api_key_count == 0 && account->auth == ACCOUNT_AUTH_KEYS) {
        jsonget_fault(get, key, "must hold at least one key, unless auth is omnitron");
    }
}

static void read_keys(struct jsonget *get, struct account *account)
{
    static const char key[] = "api_keys";
    json_t *array = jsonget_array(get, key);
    size_t size = json_array_size(array);
    if (size == 0) {
        if (array != NULL || jsonget_value(get, key) == NULL) {
            require_keys(get, key, account);
        }
        return;
    }
    account->api_keys = mem_new(size, sizeof *account->api_keys);
    for (size_t i = 0; i < size; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text != NULL &&
            api_key_parse(&account->api_keys[account->api_key_count], text, strlen(text))) {
            account->api_key_count++;
        } else {
            element_fault(get, key, i, "must be sha256: and 64 hex digits");
        }
    }
}

/* A host as a Host header has it: a name or an address, with or without a port. */
static bool is_host(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_:[]";
    size_t size = strlen(text);
    return size > 0 && size <= HOST_MAX_BYTES && strspn(text, letters) == size;
}

static char *lower_copy(const char *text)
{
    char *copy = mem_copy_text(text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return copy;
}

static void read_hosts(struct jsonget *get, struct account *account)
{
    static const char key[] = "hosts";
    json_t *array = jsonget_array(get, key);
    size_t size = json_array_size(array);
    account->hosts = mem_new(size, sizeof *account->hosts);
    for (size_t i = 0; i < size; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text != NULL && is_host(text)) {
            account->hosts[account->host_count++] = lower_copy(text);
        } else {
            element_fault(get, key, i, "must be a host name, as Host headers have it");
        }
    }
}

static void read_omnitron(struct account_reader *reader, struct jsonget *get,
                          struct account *account)
{
    static const char key[] = "omnitron";
    if (jsonget_require(get, key)) {
        char *path = jsonget_path(get, key);
        account_read_omnitron(reader, jsonget_value(get, key), path, &account->omnitron);
        mem_free(path);
    }
}

static void read_webhooks(struct account_reader *reader, struct jsonget *get,
                          struct account *account)
{
    static const char key[] = "OMNITRON_WEBHOOKS";
    json_t *array = jsonget_require(get, key) ? jsonget_array(get, key) : NULL;
    if (array != NULL) {
        char *path = jsonget_path(get, key);
        account_read_webhooks(reader, array, path, account);
        mem_free(path);
    }
}

void account_read(struct account_reader *reader, const char *name, json_t *value,
                  struct account *account)
{
    static const char *const known[] = {
        "api_keys", "auth", "hosts", "omnitron", "inactive", "drift", "OMNITRON_WEBHOOKS", NULL};
    static const char *const inactive_names[] = {"reactivate", "keep", NULL};
    static const char *const drift_names[] = {"report", "update", "ignore", NULL};
    *account = (struct account){.name = mem_copy_text(name)};
    struct jsonget all = {.path = "accounts", .faults = reader->faults};
    if (!is_account_name(name)) {
        jsonget_fault(&all, name,
                      "an account's name must be 1 to %d characters of a-z 0-9 . _ - and begin "
                      "with a letter or a digit",
                      ACCOUNT_NAME_MAX);
    }
    char *path = jsonget_path(&all, name);
    struct jsonget get;
    if (jsonget_init(&get, value, path, reader->faults)) {
        jsonget_check_keys(&get, known);
        account->auth = jsonget_choice(&get, "auth", account_auth_names);
        account->inactive = jsonget_choice(&get, "inactive", inactive_names);
        account->drift = jsonget_choice(&get, "drift", drift_names);
        read_keys(&get, account);
        read_hosts(&get, account);
        read_omnitron(reader, &get, account);
        read_webhooks(reader, &get, account);
    }
    mem_free(path);
    account_make_digest(account);
}

/* The setting of the variable OMNITRON_WEBHOOKS. */
static void read_webhooks_text(struct account_reader *reader, const struct secret *text,
                               struct account *account)
{
    static const char place[] = "OMNITRON_WEBHOOKS";
    if (!secret_is_set(text)) {
        return; /* which is a fault already */
    }
    json_t *array = json_text_decode(text, place, place, reader->faults);
    if (json_is_array(array)) {
        account_read_webhooks(reader, array, place, account);
    } else if (array != NULL) {
        faults_add(reader->faults, "%s: must be a JSON array", place);
    }
    json_decref(array);
}

static void read_keys_text(struct account_reader *reader, const struct secret *text,
                           struct account *account)
{
    static const char place[] = "OMNIHOOK_API_KEYS";
    if (secret_is_set(text)) {
        api_key_parse_list(&account->api_keys, &account->api_key_count, text->value, place,
                           reader->faults);
    } else if (account->auth == ACCOUNT_AUTH_KEYS && !config_is_set(reader->environment, place)) {
        faults_add(reader->faults, "%s: is required, unless OMNIHOOK_AUTH is omnitron", place);
    }
}

void account_read_variables(struct account_reader *reader, struct account *account)
{
    const struct config_source source = {
        .environment = reader->environment, .files = reader->files, .faults = reader->faults};
    struct account_variables variables;
    *account = (struct account){.name = mem_copy_text("default")};
    account_variables_read(&variables, &source);
    account->auth = variables.auth;
    account_read_omnitron_variables(reader, &variables, &account->omnitron);
    read_keys_text(reader, &variables.api_keys, account);
    read_webhooks_text(reader, &variables.webhooks, account);
    account_variables_clear(&variables);
    account_make_digest(account);
}

void account_clear(struct account *account)
{
    mem_free(account->name);
    mem_free(account->api_keys);
    for (size_t i = 0; i < account->host_count; i++) {
        mem_free(account->hosts[i]);
    }
    mem_free(account->hosts);
    omnitron_settings_clear(&account->omnitron);
    for (size_t i = 0; i < account->webhook_count; i++) {
        webhook_clear(&account->webhooks[i]);
    }
    mem_free(account->webhooks);
    *account = (struct account){0};
}
