#include "common/account.h"
#include "common/mem.h"

#include <string.h>

/* entry with its secret_key_file or secret_key_env replaced by the secret_key itself: a new
   reference. */
static json_t *resolve_secret_key(struct account_reader *reader, json_t *entry, const char *path)
{
    static const char key[] = "secret_key";
    static const char file_key[] = "secret_key_file";
    static const char variable_key[] = "secret_key_env";
    if (json_object_get(entry, file_key) == NULL && json_object_get(entry, variable_key) == NULL) {
        return json_incref(entry);
    }
    struct jsonget get = {.object = entry, .path = path, .faults = reader->faults};
    struct secret secret = {0};
    account_read_secret(reader, &get, key, &secret);
    json_t *resolved = json_copy(entry);
    json_object_del(resolved, file_key);
    json_object_del(resolved, variable_key);
    if (secret_is_set(&secret) &&
        json_object_set_new(resolved, key, json_stringn(secret.value, secret.size)) != 0) {
        jsonget_fault(&get, key, "must be UTF-8");
    }
    secret_clear(&secret);
    return resolved;
}

/* What is known of the array while it is read. */
struct webhook_list {
    struct account_reader *reader;
    const char *place;
    struct account *account;
    struct hash_index keys; /* -> place in account->webhooks */
    char **owned_keys;      /* as long as account->webhooks */
    size_t *positions;      /* of account->webhooks in the array */
};

/* The URL, a 0 byte, the event type: equal only when both are. Owned by the caller. */
static char *make_key(const struct webhook *webhook, size_t *size)
{
    size_t url_size = strlen(webhook->target_url) + 1;
    *size = url_size + strlen(webhook->event_type);
    char *key = mem_new(*size, 1);
    memcpy(key, webhook->target_url, url_size);
    memcpy(key + url_size, webhook->event_type, *size - url_size);
    return key;
}

static void add_webhook(struct webhook_list *list, struct webhook *webhook, size_t position)
{
    struct account *account = list->account;
    size_t next = account->webhook_count;
    size_t size;
    char *key = make_key(webhook, &size);
    size_t same = hash_index_add(&list->keys, key, size, next);
    if (same == HASH_INDEX_NONE) {
        account->webhooks[next] = *webhook;
        list->owned_keys[next] = key;
        list->positions[next] = position;
        account->webhook_count++;
        return;
    }
    if (webhook_equals(webhook, &account->webhooks[same])) {
        account->webhooks[same].named |= webhook->named;
        faults_warn(list->reader->faults, "%s[%zu]: is the same webhook as %s[%zu]; taken once",
                    list->place, position, list->place, list->positions[same]);
    } else {
        faults_add(
            list->reader->faults,
            "%s[%zu]: must not have the target_url and event_type of %s[%zu] and differ from "
            "it otherwise",
            list->place, position, list->place, list->positions[same]);
    }
    webhook_clear(webhook);
    mem_free(key);
}

static void read_webhook(struct webhook_list *list, json_t *entry, size_t position)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s[%zu]", list->place, position);
    json_t *resolved = resolve_secret_key(list->reader, entry, path);
    struct webhook webhook;
    if (webhook_parse(&webhook, resolved, path, list->reader->faults)) {
        add_webhook(list, &webhook, position);
    }
    json_decref(resolved);
}

void account_read_webhooks(struct account_reader *reader, json_t *array, const char *place,
                           struct account *account)
{
    size_t size = json_array_size(array);
    if (size > WEBHOOKS_MAX) {
        faults_add(reader->faults, "%s: must not hold more than %d webhooks", place, WEBHOOKS_MAX);
        return;
    }
    struct webhook_list list = {.reader = reader, .place = place, .account = account};
    hash_index_init(&list.keys, size);
    list.owned_keys = mem_new(size, sizeof *list.owned_keys);
    list.positions = mem_new(size, sizeof *list.positions);
    account->webhooks = mem_new(size, sizeof *account->webhooks);
    for (size_t i = 0; i < size; i++) {
        read_webhook(&list, json_array_get(array, i), i);
    }
    for (size_t i = 0; i < account->webhook_count; i++) {
        mem_free(list.owned_keys[i]);
    }
    mem_free(list.owned_keys);
    mem_free(list.positions);
    hash_index_clear(&list.keys);
}
