/* The accounts and their webhooks: loading, checking everything, reloading, keeping the last good.
 */
#ifndef OMNIHOOK_COMMON_SETTINGS_H
#define OMNIHOOK_COMMON_SETTINGS_H

#include "common/loop.h"
#include "common/service_config.h"
#include "common/webhook.h"

enum account_auth { ACCOUNT_AUTH_KEYS, ACCOUNT_AUTH_OMNITRON };
enum inactive_policy { INACTIVE_REACTIVATE, INACTIVE_KEEP };
enum drift_policy { DRIFT_REPORT, DRIFT_UPDATE, DRIFT_IGNORE };

enum { ACCOUNT_NAME_MAX = 63, SETTINGS_DIGEST_SIZE = 17 };

/* How to reach one account's Omnitron. All URLs are absolute and of one origin. */
struct omnitron_settings {
    char *url; /* the API root; ends with '/' */
    char *hooks_url;
    char *login_url;
    char *user_url;
    struct secret token;    /* either this ... */
    struct secret username; /* ... or these two */
    struct secret password;
    char *ca_file; /* NULL = the system's authorities */
    char *proxy;   /* NULL = none */
    int64_t connect_timeout_ms;
    int64_t timeout_ms; /* one try */
    unsigned max_connections;
};

/* Immutable once loaded; lives as long as its settings. */
struct account {
    char *name;
    struct api_key_hash *api_keys;
    size_t api_key_count;
    enum account_auth auth;
    char **hosts;
    size_t host_count;
    struct omnitron_settings omnitron;
    enum inactive_policy inactive;
    enum drift_policy drift;
    struct webhook *webhooks; /* no two with the same (target_url, event_type) */
    size_t webhook_count;
    char digest[SETTINGS_DIGEST_SIZE]; /* hex; changes when the setting does; tells no secret */
};

/* One loaded version of all settings: immutable, counted, so that a run keeps the version that it
   started with while a newer one is loaded. */
struct settings;
struct settings *settings_ref(struct settings *settings);
void settings_unref(struct settings *settings);

/* From config->settings_path, or from the single account's variables in environment. All faults are
   added, not only the first; NULL when there was one. */
MUST_CHECK struct settings *settings_load(const struct service_config *config,
                                          char *const *environment, struct faults *faults);

/* Borrowed; NULL when there is no such account. O(1). */
const struct account *settings_find_account(const struct settings *settings, const char *name);
/* The account that a key belongs to, O(1), comparing hashes in constant time. */
const struct account *settings_find_key(const struct settings *settings,
                                        const struct api_key_hash *hash);
/* The account with auth omnitron that a caller's unknown token is shown to: the one whose hosts
   have the Host header's value (with or without its port), or the only account there is. NULL when
   there is none. */
const struct account *settings_find_host(const struct settings *settings, const char *host);
size_t settings_account_count(const struct settings *settings);
const struct account *settings_account_at(const struct settings *settings, size_t index);

/* Watches the files that the settings came from (the settings file and every file that it names)
   and swaps in each new good version. */
struct settings_store;

/* Takes the loaded settings. config and environment are borrowed for the store's life. on_change
   (may be NULL) fires after each swap, on a later turn of the loop. */
struct settings_store *settings_store_new(struct loop *loop, const struct service_config *config,
                                          char *const *environment, struct settings *settings_take,
                                          void (*on_change)(void *arg), void *arg);
void settings_store_free(struct settings_store *store);

/* The last good version; at most a second stale. Borrowed: settings_ref to keep it over a turn. */
struct settings *settings_store_current(struct settings_store *store);

/* Looks at the files now, and reloads when one has changed (reload: in any case, for SIGHUP). What
   is broken is logged and counted and leaves the last good version. */
struct settings *settings_store_refresh(struct settings_store *store);
void settings_store_reload(struct settings_store *store);

/* The first fault of the newest, broken version; NULL when the newest version is in use. */
const char *settings_store_fault(const struct settings_store *store);

#endif
