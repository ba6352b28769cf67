#include "common/planner.h"

#include "common/hash_index.h"
#include "common/mem.h"
#include "common/strbuf.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WARNINGS_MAX = 1000 };

/* The rows that have one key, at the place of the first of them. */
struct same_key {
    size_t chosen; /* an active one, if there is any */
    bool is_double;
    bool is_in_setting;
};

/* What is known while a plan is made. Rows are named by their place in the list. */
struct planning {
    struct plan *plan;
    const struct account *account;
    const struct hook_list *list;
    struct hash_index index; /* key -> the first row with it */
    struct strbuf keys;      /* the bytes that index borrows */
    struct same_key *rows;
    struct strbuf key; /* of the moment */
};

static void warn(struct plan *plan, const struct webhook *webhook, enum plan_warning_kind kind,
                 const char *detail)
{
    if (plan->warning_count == WARNINGS_MAX) {
        return;
    }
    plan->warnings = mem_resize(plan->warnings, plan->warning_count + 1, sizeof *plan->warnings);
    plan->warnings[plan->warning_count++] =
        (struct plan_warning){.webhook = webhook, .kind = kind, .detail = mem_copy_text(detail)};
}

/* ---- Keys: a URL, a 0 byte, an event type ---- */

static void set_key(struct strbuf *key, const char *url, const char *event_type)
{
    strbuf_reset(key);
    strbuf_add(key, url, strlen(url) + 1);
    strbuf_add_text(key, event_type);
}

/* "https" and "http" alike, without a default port, in lower case. */
static void add_plain_authority(struct strbuf *key, const char *url, const char *authority,
                                size_t size)
{
    bool is_https = strncasecmp(url, "https:", 6) == 0;
    const char *port = is_https ? ":443" : ":80";
    size_t port_size = strlen(port);
    if (size > port_size && strncmp(authority + size - port_size, port, port_size) == 0) {
        size -= port_size;
    }
    for (size_t i = 0; i < size; i++) {
        char lower = (char)tolower((unsigned char)authority[i]);
        strbuf_add(key, &lower, 1);
    }
}

static void add_plain_rest(struct strbuf *key, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool is_hex = (i >= 1 && bytes[i - 1] == '%') || (i >= 2 && bytes[i - 2] == '%');
        char upper = (char)toupper((unsigned char)bytes[i]);
        strbuf_add(key, is_hex ? &upper : &bytes[i], 1);
    }
}

/* The key of all URLs that people easily mistake for this one. */
static void set_plain_key(struct strbuf *key, const char *url, const char *event_type)
{
    strbuf_reset(key);
    const char *authority = strstr(url, "://");
    authority = authority == NULL ? url : authority + strlen("://");
    size_t authority_size = strcspn(authority, "/?#");
    add_plain_authority(key, url, authority, authority_size);
    const char *path = authority + authority_size;
    size_t path_size = strcspn(path, "?#");
    const char *query = path + path_size;
    if (path_size > 0 && path[path_size - 1] == '/') {
        path_size--;
    }
    add_plain_rest(key, path, path_size);
    add_plain_rest(key, query, strlen(query));
    strbuf_add(key, "", 1);
    strbuf_add_text(key, event_type);
}

/* ---- The rows by key ---- */

/* All keys in one piece of memory, which must not move: the index borrows them. A key is no longer
   than the texts it comes from. */
static void reserve_keys(struct strbuf *keys, const struct hook_list *list)
{
    size_t size = 0;
    for (size_t i = 0; i < list->count; i++) {
        size += strlen(list->hooks[i].target_url) + strlen(list->hooks[i].event_type) + 1;
    }
    strbuf_init(keys, size);
    keys->bytes = mem_new(size + 1, 1);
    keys->capacity = size + 1;
}

/* Adds row under key; the first row with that key, or HASH_INDEX_NONE when this is the first. */
static size_t index_row(struct hash_index *index, struct strbuf *keys, const struct strbuf *key,
                        size_t row)
{
    size_t start = keys->size;
    bool is_added = strbuf_add(keys, key->bytes, key->size);
    assert(is_added);
    (void)is_added;
    return hash_index_add(index, keys->bytes + start, key->size, row);
}

static void index_rows(struct planning *planning)
{
    const struct hook_list *list = planning->list;
    reserve_keys(&planning->keys, list);
    hash_index_init(&planning->index, list->count);
    planning->rows = mem_new(list->count, sizeof *planning->rows);
    for (size_t i = 0; i < list->count; i++) {
        const struct registered_hook *hook = &list->hooks[i];
        set_key(&planning->key, hook->target_url, hook->event_type);
        size_t first = index_row(&planning->index, &planning->keys, &planning->key, i);
        if (first == HASH_INDEX_NONE) {
            planning->rows[i].chosen = i;
            continue;
        }
        planning->rows[first].is_double = true;
        if (hook->is_active && !list->hooks[planning->rows[first].chosen].is_active) {
            planning->rows[first].chosen = i;
        }
    }
}

/* ---- Actions ---- */

static struct plan_action action_for_row(const struct account *account,
                                         const struct webhook *webhook,
                                         const struct registered_hook *hook)
{
    struct plan_action action = {.webhook = webhook, .kind = PLAN_REGISTERED, .id = hook->id};
    unsigned drift = account->drift == DRIFT_IGNORE ? 0 : webhook_drift(webhook, hook);
    bool has_to_wake = webhook->is_active && !hook->is_active;
    bool is_woken = has_to_wake && account->inactive == INACTIVE_REACTIVATE;
    action.is_kept_inactive = has_to_wake && !is_woken;
    /* The other direction is drift like that of any field, so only where the setting names it. */
    if (account->drift != DRIFT_IGNORE && !webhook->is_active && hook->is_active) {
        drift |= webhook->named & WEBHOOK_IS_ACTIVE;
    }
    if (is_woken) {
        action.kind = PLAN_REACTIVATE;
        action.fields = WEBHOOK_IS_ACTIVE | (account->drift == DRIFT_UPDATE ? drift : 0);
    } else if (drift != 0) {
        action.kind = account->drift == DRIFT_UPDATE ? PLAN_UPDATE : PLAN_DRIFTED;
        action.fields = drift;
    }
    return action;
}

static void plan_webhook(struct planning *planning, const struct webhook *webhook)
{
    struct plan *plan = planning->plan;
    struct plan_action action = {.webhook = webhook, .kind = PLAN_CREATE};
    set_key(&planning->key, webhook->target_url, webhook->event_type);
    size_t first = hash_index_find(&planning->index, planning->key.bytes, planning->key.size);
    if (first != HASH_INDEX_NONE) {
        struct same_key *rows = &planning->rows[first];
        rows->is_in_setting = true;
        action = action_for_row(planning->account, webhook, &planning->list->hooks[rows->chosen]);
        if (rows->is_double) {
            warn(plan, webhook, PLAN_DOUBLE,
                 "registered more than once (by several users): every event is delivered as often");
        }
    }
    if (action.is_kept_inactive) {
        warn(plan, webhook, PLAN_INACTIVE, "registered but inactive, and left so: no deliveries");
    }
    plan->kept_inactive += action.is_kept_inactive;
    plan->counts[action.kind]++;
    plan->actions[plan->count++] = action;
}

/* ---- Near misses ---- */

static void warn_near_miss(struct planning *planning, const struct webhook *webhook,
                           const struct hash_index *plain)
{
    set_plain_key(&planning->key, webhook->target_url, webhook->event_type);
    size_t row = hash_index_find(plain, planning->key.bytes, planning->key.size);
    if (row == HASH_INDEX_NONE) {
        return;
    }
    struct strbuf detail;
    strbuf_init(&detail, SIZE_MAX / 2);
    strbuf_addf(&detail, "registered is the similar %s, which counts as another webhook",
                planning->list->hooks[row].target_url);
    warn(planning->plan, webhook, PLAN_NEAR_MISS, detail.bytes);
    strbuf_clear(&detail);
}

/* Only webhooks that are missing, and rows that no webhook of the setting accounts for. */
static void find_near_misses(struct planning *planning)
{
    const struct hook_list *list = planning->list;
    if (planning->plan->counts[PLAN_CREATE] == 0 || list->count == 0) {
        return;
    }
    struct hash_index plain;
    struct strbuf keys;
    reserve_keys(&keys, list);
    hash_index_init(&plain, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct registered_hook *hook = &list->hooks[i];
        if (planning->rows[i].is_in_setting) {
            continue;
        }
        set_plain_key(&planning->key, hook->target_url, hook->event_type);
        (void)index_row(&plain, &keys, &planning->key, i);
    }
    for (size_t i = 0; i < planning->plan->count; i++) {
        if (planning->plan->actions[i].kind == PLAN_CREATE) {
            warn_near_miss(planning, planning->plan->actions[i].webhook, &plain);
        }
    }
    hash_index_clear(&plain);
    strbuf_clear(&keys);
}

/* ---- The plan ---- */

struct plan *plan_make(const struct account *account, const struct hook_list *list)
{
    struct plan *plan = mem_new(1, sizeof *plan);
    plan->actions = mem_new(account->webhook_count, sizeof *plan->actions);
    struct planning planning = {.plan = plan, .account = account, .list = list};
    strbuf_init(&planning.key, SIZE_MAX / 2);
    if (list->is_unstable) {
        warn(plan, NULL, PLAN_LIST_UNSTABLE,
             "the list kept changing while it was read: some rows may be missing from it");
    }
    if (list->count == 0 && account->webhook_count > 0) {
        warn(plan, NULL, PLAN_NOTHING_VISIBLE,
             "Omnitron shows no webhook at all: nothing is registered, or the account is an "
             "ordinary user, who sees only its own");
    }
    index_rows(&planning);
    for (size_t i = 0; i < account->webhook_count; i++) {
        plan_webhook(&planning, &account->webhooks[i]);
    }
    find_near_misses(&planning);
    hash_index_clear(&planning.index);
    strbuf_clear(&planning.keys);
    strbuf_clear(&planning.key);
    mem_free(planning.rows);
    return plan;
}

void plan_free(struct plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->warning_count; i++) {
        mem_free(plan->warnings[i].detail);
    }
    mem_free(plan->warnings);
    mem_free(plan->actions);
    mem_free(plan);
}

bool plan_is_required(const struct plan *plan)
{
    return plan->counts[PLAN_CREATE] + plan->counts[PLAN_REACTIVATE] + plan->counts[PLAN_UPDATE] >
           0;
}
