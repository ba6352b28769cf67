/* The digest of a setting, so that people and reports can tell whether two programs hold the same
   one. Secrets go into it only as set or not: from the digest nobody can test guesses of them. */
#include "common/account.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

/* The same object or array with "set" in the place of every value: keys are no secrets. */
static json_t *shape_of(json_t *value)
{
    json_t *shape = NULL;
    if (json_is_object(value)) {
        const char *key;
        json_t *member;
        shape = json_object();
        json_object_foreach(value, key, member)
        {
            json_object_set_new(shape, key, shape_of(member));
        }
    } else if (json_is_array(value)) {
        shape = json_array();
        for (size_t i = 0; i < json_array_size(value); i++) {
            json_array_append_new(shape, shape_of(json_array_get(value, i)));
        }
    } else {
        shape = json_string("set");
    }
    return shape;
}

static json_t *describe_webhook(const struct webhook *webhook)
{
    json_t *all = json_object();
    json_object_set_new(all, "event_type", json_string(webhook->event_type));
    json_object_set_new(all, "target_url", json_string(webhook->target_url));
    json_object_set_new(all, "is_active", json_boolean(webhook->is_active));
    json_object_set_new(all, "secret_key", json_boolean(secret_is_set(&webhook->secret_key)));
    json_object_set_new(all, "callback", text_or_null(webhook->callback));
    json_object_set(all, "retry_countdown_config", webhook->retry_countdown_config);
    json_object_set_new(all, "additional_headers", shape_of(webhook->additional_headers));
    json_object_set_new(all, "config", shape_of(webhook->config));
    json_object_set_new(all, "named", json_integer(webhook->named));
    return all;
}

static json_t *describe_account(const struct account *account)
{
    const struct omnitron_settings *omnitron = &account->omnitron;
    json_t *all = json_object();
    json_object_set_new(all, "hooks_url", text_or_null(omnitron->hooks_url));
    json_object_set_new(all, "login_url", text_or_null(omnitron->login_url));
    json_object_set_new(all, "user_url", text_or_null(omnitron->user_url));
    json_object_set_new(all, "token", json_boolean(secret_is_set(&omnitron->token)));
    json_object_set_new(all, "ca_file", text_or_null(omnitron->ca_file));
    json_object_set_new(all, "proxy", json_boolean(omnitron->proxy != NULL));
    json_object_set_new(all, "connect_timeout_ms", json_integer(omnitron->connect_timeout_ms));
    json_object_set_new(all, "timeout_ms", json_integer(omnitron->timeout_ms));
    json_object_set_new(all, "max_connections", json_integer(omnitron->max_connections));
    json_object_set_new(all, "inactive", json_integer(account->inactive));
    json_object_set_new(all, "drift", json_integer(account->drift));
    return all;
}

static void add_value_take(EVP_MD_CTX *digest, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL || EVP_DigestUpdate(digest, text, strlen(text)) != 1) {
        abort(); /* all of it is valid: memory is out */
    }
    free(text); /* jansson's, not from mem_new */
    json_decref(value);
}

void account_make_digest(struct account *account)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        abort(); /* a library without SHA-256, or no memory */
    }
    add_value_take(digest, describe_account(account));
    for (size_t i = 0; i < account->webhook_count; i++) {
        add_value_take(digest, describe_webhook(&account->webhooks[i]));
    }
    if (EVP_DigestFinal_ex(digest, bytes, NULL) != 1) {
        abort();
    }
    EVP_MD_CTX_free(digest);
    for (size_t i = 0; i < SETTINGS_DIGEST_SIZE - 1; i++) {
        account->digest[i] = digits[bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0x0f];
    }
}
