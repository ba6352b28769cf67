#include "common/settings.h"

#include "common/account.h"
#include "common/json_text.h"
#include "common/mem.h"
#include "common/settings_read.h"

#include <ctype.h>
#include <string.h>

enum { ACCOUNTS_MAX = 100000, HOST_BYTES = 320 };

struct settings {
    unsigned references;
    bool is_single; /* the account of the variables */
    struct account *accounts;
    size_t account_count;
    struct hash_index names; /* -> index in accounts */
    struct hash_index keys;  /* sha256 -> index in accounts */
    struct hash_index hosts; /* of accounts with auth omnitron -> index in accounts */
    struct file_watch files; /* that they came from, until the store takes them */
};

static struct settings *settings_new(size_t accounts)
{
    struct settings *settings = mem_new(1, sizeof *settings);
    settings->references = 1;
    settings->accounts = mem_new(accounts, sizeof *settings->accounts);
    hash_index_init(&settings->names, accounts);
    hash_index_init(&settings->keys, accounts);
    hash_index_init(&settings->hosts, 0);
    return settings;
}

struct settings *settings_ref(struct settings *settings)
{
    settings->references++;
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (settings == NULL || --settings->references > 0) {
        return;
    }
    for (size_t i = 0; i < settings->account_count; i++) {
        account_clear(&settings->accounts[i]);
    }
    mem_free(settings->accounts);
    hash_index_clear(&settings->names);
    hash_index_clear(&settings->keys);
    hash_index_clear(&settings->hosts);
    file_watch_clear(&settings->files);
    mem_free(settings);
}

static void warn_of_double_key(const struct settings *settings, const struct account *account,
                               struct faults *faults)
{
    if (settings->is_single) {
        faults_warn(faults, "OMNIHOOK_API_KEYS: holds a key twice");
    } else {
        faults_warn(faults, "accounts.%s.api_keys: holds a key twice", account->name);
    }
}

static void index_keys(struct settings *settings, size_t index, struct faults *faults)
{
    const struct account *account = &settings->accounts[index];
    for (size_t i = 0; i < account->api_key_count; i++) {
        const struct api_key_hash *key = &account->api_keys[i];
        size_t owner = hash_index_add(&settings->keys, key->bytes, sizeof key->bytes, index);
        if (owner == index) {
            warn_of_double_key(settings, account, faults);
        } else if (owner != HASH_INDEX_NONE) {
            faults_add(faults, "accounts.%s.api_keys: must not hold a key of account %s",
                       account->name, settings->accounts[owner].name);
        }
    }
}

static void index_hosts(struct settings *settings, size_t index, struct faults *faults)
{
    const struct account *account = &settings->accounts[index];
    if (account->auth != ACCOUNT_AUTH_OMNITRON) {
        return;
    }
    if (account->host_count == 0 && settings->account_count > 1) {
        faults_warn(faults,
                    "accounts.%s.hosts: names none, so no token of Omnitron's can call the account",
                    account->name);
    }
    for (size_t i = 0; i < account->host_count; i++) {
        const char *host = account->hosts[i];
        size_t owner = hash_index_add(&settings->hosts, host, strlen(host), index);
        if (owner != HASH_INDEX_NONE && owner != index) {
            faults_add(faults, "accounts.%s.hosts[%zu]: must not be a host of account %s",
                       account->name, i, settings->accounts[owner].name);
        }
    }
}

/* What can only be said when all accounts are known. */
static void index_accounts(struct settings *settings, struct faults *faults)
{
    for (size_t i = 0; i < settings->account_count; i++) {
        const char *name = settings->accounts[i].name;
        (void)hash_index_add(&settings->names, name, strlen(name), i);
        index_keys(settings, i, faults);
        index_hosts(settings, i, faults);
    }
}

static struct settings *read_accounts(struct account_reader *reader, json_t *root)
{
    static const char *const known[] = {"accounts", NULL};
    struct jsonget get;
    if (!json_is_object(root)) {
        faults_add(reader->faults, "OMNIHOOK_SETTINGS: must be a JSON object");
        return NULL;
    }
    if (!jsonget_init(&get, root, "", reader->faults)) {
        return NULL;
    }
    jsonget_check_keys(&get, known);
    json_t *accounts = jsonget_require(&get, "accounts") ? jsonget_object(&get, "accounts") : NULL;
    size_t count = json_object_size(accounts);
    if (accounts != NULL && (count == 0 || count > ACCOUNTS_MAX)) {
        jsonget_fault(&get, "accounts", "must hold 1 to %d accounts", ACCOUNTS_MAX);
        return NULL;
    }
    struct settings *settings = settings_new(count);
    const char *name;
    json_t *value;
    json_object_foreach(accounts, name, value)
    {
        account_read(reader, name, value, &settings->accounts[settings->account_count++]);
    }
    return settings;
}

static struct settings *read_file(struct account_reader *reader, const char *path)
{
    struct error err;
    struct secret text = {0};
    if (!file_watch_read(reader->files, path, SETTINGS_MAX_BYTES, &text, &err)) {
        faults_add(reader->faults, "OMNIHOOK_SETTINGS: %s", err.text);
        return NULL;
    }
    json_t *root = json_text_decode(&text, "OMNIHOOK_SETTINGS", "", reader->faults);
    secret_clear(&text);
    struct settings *settings = root == NULL ? NULL : read_accounts(reader, root);
    /* Before the document, which the keys of this index are part of. */
    hash_index_clear(reader->ca_files);
    json_decref(root);
    return settings;
}

static struct settings *read_variables(struct account_reader *reader)
{
    struct settings *settings = settings_new(1);
    settings->is_single = true;
    settings->account_count = 1;
    account_read_variables(reader, &settings->accounts[0]);
    return settings;
}

struct settings *settings_read(const struct service_config *config, char *const *environment,
                               struct file_watch *files, struct faults *faults)
{
    struct environment lookup;
    struct hash_index ca_files;
    environment_init(&lookup, environment);
    hash_index_init(&ca_files, 0);
    struct account_reader reader = {
        .environment = &lookup, .files = files, .ca_files = &ca_files, .faults = faults};
    size_t before = faults->count;
    struct settings *settings;
    if (config->settings_path != NULL) {
        account_variables_exclude(&lookup, faults);
        settings = read_file(&reader, config->settings_path);
    } else {
        settings = read_variables(&reader);
    }
    if (settings != NULL) {
        index_accounts(settings, faults);
    }
    if (faults->count > before) {
        settings_unref(settings);
        settings = NULL;
    }
    hash_index_clear(&ca_files);
    environment_clear(&lookup);
    return settings;
}

struct settings *settings_load(const struct service_config *config, char *const *environment,
                               struct faults *faults)
{
    struct file_watch files = {0};
    struct settings *settings = settings_read(config, environment, &files, faults);
    if (settings == NULL) {
        file_watch_clear(&files);
    } else {
        settings->files = files;
    }
    return settings;
}

struct file_watch settings_take_files(struct settings *settings)
{
    struct file_watch files = settings->files;
    settings->files = (struct file_watch){0};
    return files;
}

static const struct account *account_or_null(const struct settings *settings, size_t index)
{
    return index == HASH_INDEX_NONE ? NULL : &settings->accounts[index];
}

const struct account *settings_find_account(const struct settings *settings, const char *name)
{
    return account_or_null(settings, hash_index_find(&settings->names, name, strlen(name)));
}

const struct account *settings_find_key(const struct settings *settings,
                                        const struct api_key_hash *hash)
{
    return account_or_null(settings,
                           hash_index_find(&settings->keys, hash->bytes, sizeof hash->bytes));
}

/* Without its port; an IPv6 address keeps its brackets. */
static size_t size_without_port(const char *host)
{
    const char *colon = strrchr(host, ':');
    const char *bracket = strrchr(host, ']');
    return colon == NULL || (bracket != NULL && bracket > colon) ? strlen(host)
                                                                 : (size_t)(colon - host);
}

const struct account *settings_find_host(const struct settings *settings, const char *host)
{
    if (settings->account_count == 1) {
        const struct account *only = &settings->accounts[0];
        return only->auth == ACCOUNT_AUTH_OMNITRON ? only : NULL;
    }
    char lower[HOST_BYTES];
    size_t size = strlen(host);
    if (size >= sizeof lower) {
        return NULL;
    }
    for (size_t i = 0; i <= size; i++) {
        lower[i] = (char)tolower((unsigned char)host[i]);
    }
    size_t index = hash_index_find(&settings->hosts, lower, size);
    if (index == HASH_INDEX_NONE) {
        index = hash_index_find(&settings->hosts, lower, size_without_port(lower));
    }
    return account_or_null(settings, index);
}

size_t settings_account_count(const struct settings *settings)
{
    return settings->account_count;
}

const struct account *settings_account_at(const struct settings *settings, size_t index)
{
    return &settings->accounts[index];
}
