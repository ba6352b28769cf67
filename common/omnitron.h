/* Omnitron in our words: list, create, patch, find, log in. Knows its paging, error bodies,
   throttling and tokens; source of all facts: dj-whisperer 0.2.x and Django REST framework
   (docs/reconcile.md).

   Tries: a call is repeated inside (backoff with full jitter) after a failure that may pass, up to
   the pool's tries; a 401 renews a login once for all waiters and is repeated once; a 429 pauses
   all calls of the account. A pause that would be longer than 5 s fails the calls instead, with
   retry_after_ms, so that the caller can wait elsewhere. POST is repeated like GET: Omnitron's
   unique key makes a second row impossible. */
#ifndef OMNIHOOK_COMMON_OMNITRON_H
#define OMNIHOOK_COMMON_OMNITRON_H

#include "common/backoff.h"
#include "common/http_client.h"
#include "common/settings.h"

/* What an account's tries, tokens and pauses have in common within one process. */
struct omnitron_pool;
struct login_ledger;
struct omnitron_pool_options {
    unsigned tries;       /* of one call, 1 = no repeat */
    struct backoff retry; /* between them, and how long the breaker stays open */
    int64_t retry_after_max_ms;
    unsigned breaker_failures;   /* so many unanswered calls or 5xx of an account in a row make it
                                    pause; 0 = no breaker */
    struct login_ledger *ledger; /* what other processes know of logins; borrowed; NULL = none */
};

/* http is borrowed for the pool's life. */
struct omnitron_pool *omnitron_pool_new(struct loop *loop, struct http_client *http,
                                        const struct omnitron_pool_options *options);
/* Every struct omnitron of the pool must have been freed. */
void omnitron_pool_free(struct omnitron_pool *pool);

/* One account's Omnitron, as the given version of the settings describes it. */
struct omnitron;
/* Holds a reference to settings; shares login and pauses with others of the same account whose
   credentials are the same. Freed by omnitron_free, which cancels its calls (no callback fires). */
struct omnitron *omnitron_new(struct omnitron_pool *pool, struct settings *settings,
                              const struct account *account);
void omnitron_free(struct omnitron *omnitron);
/* Asked just before each request leaves; NULL = always. For the worker's lease. */
void omnitron_set_guard(struct omnitron *omnitron, bool (*may_send)(void *arg), void *arg);

/* How the account shows Omnitron at this moment who it is. */
enum omnitron_login {
    OMNITRON_NOT_LOGGED_IN, /* not yet, or not any more */
    OMNITRON_SET_TOKEN,     /* by the token of the settings */
    OMNITRON_LOGGED_IN,
    OMNITRON_SHARED_LOGIN, /* by what came of another process's login */
};
enum omnitron_login omnitron_get_login(const struct omnitron *omnitron);

enum omnitron_failure_kind {
    OMNITRON_UNREACHABLE, /* DNS, TCP, reset, 408, 425, 5xx: may pass */
    OMNITRON_TIMEOUT,     /* no (whole) answer in time: may pass */
    OMNITRON_THROTTLED,   /* 429, or not tried because of one, of the breaker, or of too many
                             logins: may pass after retry_after_ms */
    OMNITRON_BROKEN,      /* answered what makes no sense (not JSON, wrong shape ...): may pass */
    OMNITRON_INVALID,     /* 400 for this webhook: permanent */
    OMNITRON_CREDENTIALS, /* 401 after a renewed login, a refused login: permanent */
    OMNITRON_FORBIDDEN,   /* a true 403: permanent, for all webhooks */
    OMNITRON_WRONG_PATH,  /* 404 or 405 for the hooks path: permanent, for all webhooks */
    OMNITRON_REDIRECTED,  /* 3xx: permanent, check the base URL */
    OMNITRON_TLS,         /* certificate: permanent until mended */
    OMNITRON_REJECTED,    /* any other 4xx; 403, 404 and 405 of a PATCH, which say something about
                             one row: permanent, for this webhook */
    OMNITRON_CANCELLED,   /* the guard said no */
};

struct omnitron_failure {
    enum omnitron_failure_kind kind;
    int status;              /* HTTP status of the last try; 0 = none */
    int64_t retry_after_ms;  /* not before this; 0 = as the caller likes */
    bool is_outcome_unknown; /* a try may have been carried out although it has failed */
    struct error error;      /* a sentence with the server's own words cut short and redacted */
};

bool omnitron_failure_may_pass(const struct omnitron_failure *failure);
/* An answer of this status to a write says that this webhook failed, and would again. */
bool omnitron_status_is_for_good(int status);
/* True when it says something about the account as a whole, so trying other webhooks is useless. */
bool omnitron_failure_is_for_all(const struct omnitron_failure *failure);
const char *omnitron_failure_name(enum omnitron_failure_kind kind);

/* All rows that the account can see, each id once. */
struct hook_list {
    struct registered_hook *hooks; /* owned */
    size_t count;
    bool is_unstable;    /* rows moved while it was read, even after reading again */
    size_t skipped_rows; /* that made no sense apart from their key fields */
};
void hook_list_free(struct hook_list *list);

struct omnitron_call;
/* Ends a call of any kind; its callback will not fire. Only before it has fired. */
void omnitron_cancel(struct omnitron_call *call);

/* list belongs to the callback. On failure NULL: a list that failed is never an empty list. */
typedef void omnitron_list_fn(void *arg, struct hook_list *list,
                              const struct omnitron_failure *failure);
struct omnitron_call *omnitron_list(struct omnitron *omnitron, omnitron_list_fn *fn, void *arg);

enum omnitron_written {
    OMNITRON_CREATED,
    OMNITRON_ALREADY, /* 406 webhook_100_2: it exists; whether active is for a look-up */
    OMNITRON_UNSURE,  /* the same after a try without an answer: most likely that one's own row */
    OMNITRON_PATCHED,
};
/* status: HTTP status of the last answer. webhook is one of the account's: borrowed until fn fires.
 */
typedef void omnitron_write_fn(void *arg, enum omnitron_written written, int status,
                               const struct omnitron_failure *failure);
struct omnitron_call *omnitron_create(struct omnitron *omnitron, const struct webhook *webhook,
                                      omnitron_write_fn *fn, void *arg);
struct omnitron_call *omnitron_patch(struct omnitron *omnitron, int64_t id,
                                     const struct webhook *webhook, unsigned fields,
                                     omnitron_write_fn *fn, void *arg);

/* The event types that this Omnitron knows (its registry), borrowed until fn returns; NULL without
   a failure when it has no registry, as older ones. */
typedef void omnitron_registry_fn(void *arg, const char *const *event_types, size_t count,
                                  const struct omnitron_failure *failure);
struct omnitron_call *omnitron_read_registry(struct omnitron *omnitron, omnitron_registry_fn *fn,
                                             void *arg);

/* The rows that have exactly this webhook's target_url and event_type (each row rechecked: servers
   may ignore filters). */
struct omnitron_call *omnitron_find(struct omnitron *omnitron, const struct webhook *webhook,
                                    omnitron_list_fn *fn, void *arg);

/* Whether the account's Omnitron accepts a caller's token (GET of the user path): failure NULL =
   yes, OMNITRON_CREDENTIALS = no. token is copied and wiped. Never uses the account's own login. */
typedef void omnitron_user_fn(void *arg, const struct omnitron_failure *failure);
struct omnitron_call *omnitron_check_token(struct omnitron *omnitron, const char *token,
                                           omnitron_user_fn *fn, void *arg);

#endif
