#include "common/account.h"
#include "common/mem.h"
#include "common/private_host.h"
#include "common/text.h"
#include "common/url.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

enum {
    URL_MAX_BYTES = 2048,
    CA_FILE_MAX_BYTES = 16 * 1024 * 1024,
    CONNECT_TIMEOUT_DEFAULT_MS = 5000,
    CONNECT_TIMEOUT_MIN_MS = 100,
    CONNECT_TIMEOUT_MAX_MS = 60000,
    TIMEOUT_DEFAULT_MS = 10000,
    TIMEOUT_MIN_MS = 100,
    TIMEOUT_MAX_MS = 600000,
    CONNECTIONS_DEFAULT = 8,
    CONNECTIONS_MAX = 64,
};

/* The three paths of the API that we use. */
enum { HOOKS, LOGIN, USER, PATH_COUNT };

static const char *const default_paths[PATH_COUNT] = {
    [HOOKS] = "/whisperer/hooks/", [LOGIN] = "auth/login/", [USER] = "active_user/"};

/* A value and what a fault calls it. */
struct given {
    const char *text; /* NULL = not given */
    const char *place;
};

static bool is_api_root(const struct given *given, struct faults *faults)
{
    struct url url;
    struct error err;
    if (strlen(given->text) > URL_MAX_BYTES || !url_parse(&url, given->text, &err)) {
        faults_add(faults, "%s: must be an absolute http or https URL", given->place);
        return false;
    }
    const char *wrong = NULL;
    if ((strcmp(url.scheme, "http") != 0 && strcmp(url.scheme, "https") != 0) || url.host == NULL) {
        wrong = "must be an absolute http or https URL";
    } else if (url.user != NULL || url.password != NULL) {
        wrong = "must not hold a user or a password";
    } else if (strpbrk(given->text, "?#") != NULL) {
        wrong = "must not have a query or a fragment";
    } else if (strcmp(url.scheme, "http") == 0 && !host_is_private(url.host)) {
        faults_warn(faults, "%s: http sends the credentials in the clear", given->place);
    }
    if (wrong != NULL) {
        faults_add(faults, "%s: %s", given->place, wrong);
    }
    url_clear(&url);
    return wrong == NULL;
}

/* Frees the text it is given. */
static char *with_last_slash(char *text)
{
    size_t size = strlen(text);
    if (text[size - 1] == '/') {
        return text;
    }
    text = mem_resize(text, size + 2, 1);
    text[size] = '/';
    text[size + 1] = '\0';
    return text;
}

static char *resolve_path(const char *base, const struct given *given, struct faults *faults)
{
    struct error err;
    if (strpbrk(given->text, "?#") != NULL || given->text[0] == '\0' ||
        strlen(given->text) > URL_MAX_BYTES) {
        faults_add(faults, "%s: must be a path without a query or a fragment", given->place);
        return NULL;
    }
    char *url = url_resolve(base, given->text, &err);
    if (url == NULL) {
        faults_add(faults, "%s: %s", given->place, err.text);
    }
    return url;
}

static void resolve_urls(struct omnitron_settings *omnitron, const struct given *root,
                         const struct given paths[PATH_COUNT], struct faults *faults)
{
    if (root->text == NULL || !is_api_root(root, faults)) {
        return;
    }
    char **const urls[PATH_COUNT] = {&omnitron->hooks_url, &omnitron->login_url,
                                     &omnitron->user_url};
    omnitron->url = with_last_slash(mem_copy_text(root->text));
    for (size_t i = 0; i < PATH_COUNT; i++) {
        struct given path = paths[i];
        path.text = path.text == NULL ? default_paths[i] : path.text;
        *urls[i] = resolve_path(omnitron->url, &path, faults);
    }
    if (omnitron->hooks_url != NULL) {
        omnitron->hooks_url = with_last_slash(omnitron->hooks_url);
    }
}

/* What faults call the three. */
struct credential_places {
    const char *token;
    const char *username;
    const char *password;
};

static void check_login_text(const struct secret *secret, const char *place, struct faults *faults)
{
    if (secret_is_set(secret) &&
        (!text_is_utf8(secret->value, secret->size) || text_has_control(secret->value))) {
        faults_add(faults, "%s: must be UTF-8 without control characters", place);
    }
}

static void check_credentials(const struct omnitron_settings *omnitron,
                              const struct credential_places *places, struct faults *faults)
{
    bool has_token = secret_is_set(&omnitron->token);
    bool has_username = secret_is_set(&omnitron->username);
    bool has_password = secret_is_set(&omnitron->password);
    if (has_token && (has_username || has_password)) {
        faults_add(faults, "%s: must not be given together with a username or a password",
                   places->token);
    } else if (!has_token && !has_username && !has_password) {
        faults_add(faults, "%s: is required, unless a username and a password are given",
                   places->token);
    } else if (!has_token && !has_username) {
        faults_add(faults, "%s: is required, because a password is given", places->username);
    } else if (!has_token && !has_password) {
        faults_add(faults, "%s: is required, because a username is given", places->password);
    }
    if (has_token && !text_is_visible_ascii(omnitron->token.value)) {
        faults_add(faults, "%s: must be ASCII without white space or control characters",
                   places->token);
    }
    check_login_text(&omnitron->username, places->username, faults);
    check_login_text(&omnitron->password, places->password, faults);
}

static bool holds_certificate(const struct secret *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->value, (int)pem->size);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool is_good = certificate != NULL;
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error(); /* what went wrong in there is nobody else's error */
    return is_good;
}

static void read_ca_file(struct account_reader *reader, struct jsonget *get, char **ca_file)
{
    static const char key[] = "ca_file";
    const char *path = jsonget_text(get, key);
    *ca_file = mem_copy_text(path);
    if (path == NULL || hash_index_find(reader->ca_files, path, strlen(path)) != HASH_INDEX_NONE) {
        return;
    }
    struct error err;
    struct secret pem = {0};
    if (!file_watch_read(reader->files, path, CA_FILE_MAX_BYTES, &pem, &err)) {
        jsonget_fault(get, key, "%s", err.text);
    } else if (!holds_certificate(&pem)) {
        jsonget_fault(get, key, "must be a file of PEM certificates");
    } else {
        (void)hash_index_add(reader->ca_files, path, strlen(path), 0);
    }
    secret_clear(&pem);
}

/* Unlike all other URLs this one may hold a user and a password: proxies take them no other way. */
static void read_proxy(struct jsonget *get, char **proxy)
{
    static const char *const schemes[] = {"http",    "https",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    static const char expected[] = "must be a URL like http://host:port or socks5h://host:port";
    const char *text = jsonget_text(get, "proxy");
    if (text == NULL) {
        return;
    }
    struct url url;
    if (strlen(text) > URL_MAX_BYTES || !url_parse(&url, text, NULL)) {
        jsonget_fault(get, "proxy", "%s", expected);
        return;
    }
    size_t at = 0;
    while (at < sizeof schemes / sizeof schemes[0] && strcmp(schemes[at], url.scheme) != 0) {
        at++;
    }
    if (at == sizeof schemes / sizeof schemes[0] || url.host == NULL || url.query != NULL ||
        url.fragment != NULL) {
        jsonget_fault(get, "proxy", "%s", expected);
    } else {
        *proxy = mem_copy_text(text);
    }
    url_clear(&url);
}

static void read_urls(struct jsonget *get, struct omnitron_settings *omnitron)
{
    static const char *const keys[PATH_COUNT] = {
        [HOOKS] = "hooks_path", [LOGIN] = "login_path", [USER] = "user_path"};
    char *root_place = jsonget_path(get, "url");
    char *places[PATH_COUNT];
    struct given paths[PATH_COUNT];
    (void)jsonget_require(get, "url");
    struct given root = {.text = jsonget_text(get, "url"), .place = root_place};
    for (size_t i = 0; i < PATH_COUNT; i++) {
        places[i] = jsonget_path(get, keys[i]);
        paths[i] = (struct given){.text = jsonget_text(get, keys[i]), .place = places[i]};
    }
    resolve_urls(omnitron, &root, paths, get->faults);
    for (size_t i = 0; i < PATH_COUNT; i++) {
        mem_free(places[i]);
    }
    mem_free(root_place);
}

static void read_credentials(struct account_reader *reader, struct jsonget *get,
                             struct omnitron_settings *omnitron)
{
    size_t before = get->faults->count;
    account_read_secret(reader, get, "token", &omnitron->token);
    account_read_secret(reader, get, "username", &omnitron->username);
    account_read_secret(reader, get, "password", &omnitron->password);
    if (get->faults->count > before) {
        return; /* what is missing now is not missing in the file */
    }
    char *token = jsonget_path(get, "token");
    char *username = jsonget_path(get, "username");
    char *password = jsonget_path(get, "password");
    const struct credential_places places = {
        .token = token, .username = username, .password = password};
    check_credentials(omnitron, &places, get->faults);
    mem_free(token);
    mem_free(username);
    mem_free(password);
}

/* The keys that a secret may be given by. */
#define FORMS(key) key, key "_file", key "_env"

void account_read_omnitron(struct account_reader *reader, json_t *value, const char *path,
                           struct omnitron_settings *omnitron)
{
    static const char *const known[] = {"url",
                                        "hooks_path",
                                        "login_path",
                                        "user_path",
                                        FORMS("token"),
                                        FORMS("username"),
                                        FORMS("password"),
                                        "ca_file",
                                        "proxy",
                                        "timeout_ms",
                                        "connect_timeout_ms",
                                        "max_connections",
                                        NULL};
    struct jsonget get;
    if (!jsonget_init(&get, value, path, reader->faults)) {
        return;
    }
    jsonget_check_keys(&get, known);
    read_urls(&get, omnitron);
    read_credentials(reader, &get, omnitron);
    read_ca_file(reader, &get, &omnitron->ca_file);
    read_proxy(&get, &omnitron->proxy);
    omnitron->connect_timeout_ms =
        jsonget_int(&get, "connect_timeout_ms", CONNECT_TIMEOUT_DEFAULT_MS, CONNECT_TIMEOUT_MIN_MS,
                    CONNECT_TIMEOUT_MAX_MS);
    omnitron->timeout_ms =
        jsonget_int(&get, "timeout_ms", TIMEOUT_DEFAULT_MS, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
    omnitron->max_connections =
        (unsigned)jsonget_int(&get, "max_connections", CONNECTIONS_DEFAULT, 1, CONNECTIONS_MAX);
}

static void take_secret(struct secret *to, struct secret *from)
{
    *to = *from;
    *from = (struct secret){0};
}

/* The variable is set but could not be read, which is a fault already. */
static bool is_lost(struct account_reader *reader, const char *name, const struct secret *secret)
{
    return !secret_is_set(secret) && config_is_set(reader->environment, name);
}

void account_read_omnitron_variables(struct account_reader *reader,
                                     struct account_variables *variables,
                                     struct omnitron_settings *omnitron)
{
    static const struct credential_places places = {.token = "OMNITRON_TOKEN",
                                                    .username = "OMNITRON_USERNAME",
                                                    .password = "OMNITRON_PASSWORD"};
    const struct given root = {variables->url, "OMNITRON_URL"};
    const struct given paths[PATH_COUNT] = {
        [HOOKS] = {variables->hooks_path, "OMNITRON_HOOKS_PATH"},
        [LOGIN] = {variables->login_path, "OMNITRON_LOGIN_PATH"},
        [USER] = {variables->user_path, "OMNITRON_USER_PATH"}};
    resolve_urls(omnitron, &root, paths, reader->faults);
    take_secret(&omnitron->token, &variables->token);
    take_secret(&omnitron->username, &variables->username);
    take_secret(&omnitron->password, &variables->password);
    omnitron->connect_timeout_ms = CONNECT_TIMEOUT_DEFAULT_MS;
    omnitron->timeout_ms = TIMEOUT_DEFAULT_MS;
    omnitron->max_connections = CONNECTIONS_DEFAULT;
    if (!is_lost(reader, places.token, &omnitron->token) &&
        !is_lost(reader, places.username, &omnitron->username) &&
        !is_lost(reader, places.password, &omnitron->password)) {
        check_credentials(omnitron, &places, reader->faults);
    }
}

void omnitron_settings_clear(struct omnitron_settings *omnitron)
{
    mem_free(omnitron->url);
    mem_free(omnitron->hooks_url);
    mem_free(omnitron->login_url);
    mem_free(omnitron->user_url);
    secret_clear(&omnitron->token);
    secret_clear(&omnitron->username);
    secret_clear(&omnitron->password);
    mem_free(omnitron->ca_file);
    if (omnitron->proxy != NULL) {
        secret_wipe(omnitron->proxy, strlen(omnitron->proxy));
        mem_free(omnitron->proxy);
    }
    *omnitron = (struct omnitron_settings){0};
}
