#include "common/webhook.h"

#include "common/countdown.h"
#include "common/jsonget.h"
#include "common/mem.h"
#include "common/private_host.h"
#include "common/text.h"
#include "common/url.h"

#include <string.h>

/* In code points, of Omnitron's model. */
enum { EVENT_TYPE_MAX = 124, TARGET_URL_MAX = 255, SECRET_KEY_MAX = 124, CALLBACK_MAX = 64 };

static const char *const field_names[WEBHOOK_FIELD_COUNT] = {
    "is_active",          "secret_key", "callback", "retry_countdown_config",
    "additional_headers", "config"};

const char *webhook_field_name(enum webhook_field field)
{
    unsigned bit = 0;
    while (bit < WEBHOOK_FIELD_COUNT - 1 && ((unsigned)field >> bit & 1) == 0) {
        bit++;
    }
    return field_names[bit];
}

/* A text that the server keeps byte for byte: it removes white space at the ends, refuses 0 bytes,
   and counts code points. NULL when there is none, or a fault was added. */
static const char *get_kept_text(struct jsonget *get, const char *key, size_t max)
{
    const char *text = jsonget_text(get, key);
    if (text == NULL) {
        return NULL;
    }
    size_t length = text_length(text);
    if (length == 0 || length > max) {
        jsonget_fault(get, key, "must have 1 to %zu characters", max);
    } else if (text_has_control(text)) {
        jsonget_fault(get, key, "must not hold control characters");
    } else if (!text_is_trimmed(text)) {
        jsonget_fault(get, key, "must not begin or end with white space");
    } else {
        return text;
    }
    return NULL;
}

static bool is_http(const struct url *url)
{
    return (strcmp(url->scheme, "http") == 0 || strcmp(url->scheme, "https") == 0) &&
           url->host != NULL && (url->port == NULL || strcmp(url->port, "0") != 0);
}

static void check_target_url(struct jsonget *get, const char *text)
{
    struct url url;
    if (!url_parse(&url, text, NULL)) {
        jsonget_fault(get, "target_url", "must be an absolute http or https URL");
        return;
    }
    if (!is_http(&url)) {
        jsonget_fault(get, "target_url", "must be an absolute http or https URL");
    } else if (url.user != NULL || url.password != NULL) {
        jsonget_fault(get, "target_url", "must not hold a user or a password");
    } else if (host_is_private(url.host)) {
        faults_warn(get->faults,
                    "%s.target_url: is an address of this machine or a private network", get->path);
    }
    url_clear(&url);
}

/* Bytes of the header's name (RFC 9110, 5.6.2: a token) that name begins with. */
static size_t token_size(const char *name)
{
    return strspn(name, "!#$%&'*+-.^_`|~0123456789"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* Shown up to where it is none: behind that may be a value, of a line that was pasted whole. */
static void refuse_header_name(struct jsonget *get, const char *name)
{
    char *shown = mem_copy_bytes(name, token_size(name));
    jsonget_fault(get, shown, "must be the name of an HTTP header");
    mem_free(shown);
}

/* Omnitron stores any JSON, and then fails at each delivery unless these are headers. */
static void check_headers(const struct jsonget *parent, json_t *headers, bool *is_good)
{
    char *path = jsonget_path(parent, "additional_headers");
    struct jsonget get = {
        .object = headers, .path = path, .faults = parent->faults, .is_good = true};
    const char *name;
    json_t *value;
    json_object_foreach(headers, name, value)
    {
        if (name[0] == '\0' || name[token_size(name)] != '\0') {
            refuse_header_name(&get, name);
        } else if (!json_is_string(value)) {
            jsonget_fault(&get, name, "must be a text");
        } else if (text_has_control(json_string_value(value)) ||
                   !text_is_trimmed(json_string_value(value))) {
            jsonget_fault(&get, name,
                          "must not hold control characters or white space at its ends");
        }
    }
    *is_good = *is_good && get.is_good;
    mem_free(path);
}

/* A reference to the object, or to a new empty one. */
static json_t *get_object(struct jsonget *get, const char *key)
{
    json_t *object = jsonget_object(get, key);
    return object == NULL ? json_object() : json_incref(object);
}

static unsigned named_fields(const struct jsonget *get)
{
    unsigned named = 0;
    for (unsigned i = 0; i < WEBHOOK_FIELD_COUNT; i++) {
        named |= jsonget_value(get, field_names[i]) != NULL ? 1U << i : 0;
    }
    return named;
}

static void read_fields(struct webhook *webhook, struct jsonget *get)
{
    if (jsonget_require(get, "event_type")) {
        webhook->event_type = mem_copy_text(get_kept_text(get, "event_type", EVENT_TYPE_MAX));
    }
    if (jsonget_require(get, "target_url")) {
        webhook->target_url = mem_copy_text(get_kept_text(get, "target_url", TARGET_URL_MAX));
    }
    if (webhook->target_url != NULL) {
        check_target_url(get, webhook->target_url);
    }
    webhook->is_active = jsonget_bool(get, "is_active", true);
    const char *secret_key = get_kept_text(get, "secret_key", SECRET_KEY_MAX);
    if (secret_key != NULL) {
        secret_set(&webhook->secret_key, secret_key, strlen(secret_key));
    }
    webhook->callback = mem_copy_text(get_kept_text(get, "callback", CALLBACK_MAX));
    webhook->retry_countdown_config = countdown_parse(get);
    webhook->additional_headers = get_object(get, "additional_headers");
    check_headers(get, webhook->additional_headers, &get->is_good);
    webhook->config = get_object(get, "config");
    webhook->named = named_fields(get);
}

bool webhook_parse(struct webhook *webhook, json_t *entry, const char *path, struct faults *faults)
{
    static const char *const known[] = {
        "event_type", "target_url",         "is_active",
        "secret_key", "callback",           "retry_countdown_config",
        "config",     "additional_headers", NULL};
    *webhook = (struct webhook){0};
    struct jsonget get;
    if (!jsonget_init(&get, entry, path, faults)) {
        return false;
    }
    jsonget_check_keys(&get, known);
    read_fields(webhook, &get);
    if (!get.is_good) {
        webhook_clear(webhook);
    }
    return get.is_good;
}

void webhook_clear(struct webhook *webhook)
{
    mem_free(webhook->event_type);
    mem_free(webhook->target_url);
    secret_clear(&webhook->secret_key);
    mem_free(webhook->callback);
    json_decref(webhook->retry_countdown_config);
    json_decref(webhook->additional_headers);
    json_decref(webhook->config);
    *webhook = (struct webhook){0};
}

static bool same_text(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

bool webhook_equals(const struct webhook *left, const struct webhook *right)
{
    return same_text(left->event_type, right->event_type) &&
           same_text(left->target_url, right->target_url) && left->is_active == right->is_active &&
           secret_equals(&left->secret_key, &right->secret_key) &&
           same_text(left->callback, right->callback) &&
           json_equal(left->retry_countdown_config, right->retry_countdown_config) &&
           json_equal(left->additional_headers, right->additional_headers) &&
           json_equal(left->config, right->config);
}

/* A new reference to what the server is sent for a field; null when there is nothing. */
static json_t *field_value(const struct webhook *webhook, enum webhook_field field)
{
    switch (field) {
    case WEBHOOK_IS_ACTIVE:
        return json_boolean(webhook->is_active);
    case WEBHOOK_SECRET_KEY:
        return secret_is_set(&webhook->secret_key) ? json_string(webhook->secret_key.value)
                                                   : json_null();
    case WEBHOOK_CALLBACK:
        return webhook->callback == NULL ? json_null() : json_string(webhook->callback);
    case WEBHOOK_RETRY_COUNTDOWN_CONFIG:
        return json_incref(webhook->retry_countdown_config);
    case WEBHOOK_ADDITIONAL_HEADERS:
        return json_incref(webhook->additional_headers);
    case WEBHOOK_CONFIG:
        return json_incref(webhook->config);
    }
    return json_null();
}

json_t *webhook_patch_body(const struct webhook *webhook, unsigned fields)
{
    json_t *body = json_object();
    for (unsigned i = 0; i < WEBHOOK_FIELD_COUNT; i++) {
        if ((fields >> i & 1) != 0) {
            json_object_set_new(body, field_names[i], field_value(webhook, 1U << i));
        }
    }
    return body;
}

json_t *webhook_create_body(const struct webhook *webhook)
{
    unsigned fields = WEBHOOK_IS_ACTIVE | WEBHOOK_RETRY_COUNTDOWN_CONFIG |
                      WEBHOOK_ADDITIONAL_HEADERS | WEBHOOK_CONFIG;
    fields |= secret_is_set(&webhook->secret_key) ? WEBHOOK_SECRET_KEY : 0;
    fields |= webhook->callback != NULL ? WEBHOOK_CALLBACK : 0;
    json_t *body = webhook_patch_body(webhook, fields);
    json_object_set_new(body, "event_type", json_string(webhook->event_type));
    json_object_set_new(body, "target_url", json_string(webhook->target_url));
    return body;
}

static bool text_differs(const char *wanted, const struct json_slice *shown)
{
    return wanted == NULL ? !json_slice_is_null(shown) : !json_slice_is_text(shown, wanted);
}

/* Shown as the server would store it today. */
static bool json_differs(const struct webhook *webhook, enum webhook_field field,
                         const struct json_slice *shown)
{
    if (field != WEBHOOK_RETRY_COUNTDOWN_CONFIG && json_slice_is_null(shown)) {
        /* A map in a row from before the server refused null. */
        return json_object_size(field == WEBHOOK_CONFIG ? webhook->config
                                                        : webhook->additional_headers) > 0;
    }
    json_t *wanted = field_value(webhook, field);
    json_t *there = json_loadb(shown->bytes, shown->size, JSON_DECODE_ANY, NULL);
    if (field == WEBHOOK_RETRY_COUNTDOWN_CONFIG && there != NULL) {
        json_t *normal = countdown_normalise(there);
        json_decref(there);
        there = normal;
    }
    bool is_other = !json_equal(wanted, there);
    json_decref(wanted);
    json_decref(there);
    return is_other;
}

static bool differs(const struct webhook *webhook, enum webhook_field field,
                    const struct json_slice *shown)
{
    switch (field) {
    case WEBHOOK_IS_ACTIVE:
        return false;
    case WEBHOOK_SECRET_KEY:
        return text_differs(webhook->secret_key.value, shown);
    case WEBHOOK_CALLBACK:
        return text_differs(webhook->callback, shown);
    case WEBHOOK_RETRY_COUNTDOWN_CONFIG:
    case WEBHOOK_ADDITIONAL_HEADERS:
    case WEBHOOK_CONFIG:
        return json_differs(webhook, field, shown);
    }
    return false;
}

/* The one of fields that is called so; 0 = none. */
static unsigned field_of_key(const struct json_slice *key, unsigned fields)
{
    for (unsigned i = 0; i < WEBHOOK_FIELD_COUNT; i++) {
        if ((fields >> i & 1) != 0 && json_slice_is_text(key, field_names[i])) {
            return 1U << i;
        }
    }
    return 0;
}

unsigned webhook_drift(const struct webhook *webhook, const struct registered_hook *hook)
{
    unsigned looked_at = webhook->named & ~(unsigned)WEBHOOK_IS_ACTIVE;
    if (looked_at == 0) {
        return 0; /* most settings: the row need not be read */
    }
    unsigned drift = 0;
    struct json_slice key;
    struct json_slice value;
    const struct json_slice row = {hook->row.value, hook->row.size};
    struct json_walk walk = json_walk_start(&row);
    while (json_walk_next(&walk, &key, &value)) {
        unsigned field = field_of_key(&key, looked_at);
        if (field != 0) {
            /* Of two members with one key the last one counts. */
            drift = differs(webhook, field, &value) ? drift | field : drift & ~field;
        }
    }
    return drift;
}
