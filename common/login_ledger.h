/* The logins with each account's Omnitron, counted in Redis over all processes: no more than a few
   in a while, one at a time, and what came of one serves all. Knows nothing of what the seals hold.
   Without Redis every question fails at once, and each process counts alone. */
#ifndef OMNIHOOK_COMMON_LOGIN_LEDGER_H
#define OMNIHOOK_COMMON_LOGIN_LEDGER_H

#include "common/random_id.h"
#include "common/redis_client.h"
#include "common/secret.h"

/* Of one account. Django's lock-outs begin at three to five failures. */
enum { LOGINS_MAX = 3, LOGINS_WINDOW_MS = 6 * 60 * 1000 };

struct login_ledger;

/* client is borrowed until login_ledger_stop. */
struct login_ledger *login_ledger_new(struct redis_client *client, const char *namespace_name);
/* Nothing is sent any more: the client may be freed, which answers what is under way. */
void login_ledger_stop(struct login_ledger *ledger);
/* After the client and every login. NULL is legal. */
void login_ledger_free(struct login_ledger *ledger);

enum login_leave {
    LOGIN_SHARED, /* no need: seal is what came of somebody's login */
    LOGIN_WAIT,   /* somebody logs in at this moment, for ms at most */
    LOGIN_FULL,   /* not before ms */
    LOGIN_GO,     /* counted; to be ended by login_ledger_settle */
};

struct login_answer {
    enum login_leave leave;
    const void *seal; /* borrowed until the callback returns; NULL unless LOGIN_SHARED */
    size_t seal_size;
    int64_t ms; /* LOGIN_SHARED: how long it is still good */
};

/* All borrowed until login_ledger_ask returns. */
struct login_question {
    const char *account;
    const char *id; /* of this login, random_id_make: asking again with it is no other */
    const struct secret *known; /* the seal that is of no use (any more); may be unset */
    int64_t hold_ms;            /* how long the login may take */
};

/* why_not: as in redis_reply_fn. Never fires before login_ledger_ask returns. */
typedef void login_asked_fn(void *arg, const struct login_answer *answer,
                            const struct error *why_not);
struct login_ask;
struct login_ask *login_ledger_ask(struct login_ledger *ledger,
                                   const struct login_question *question, login_asked_fn *fn,
                                   void *arg);
/* fn will not fire. Only before it has. */
void login_ask_forget(struct login_ask *ask);

/* After LOGIN_GO: it is over. Sent and forgotten: if it gets lost the hold runs out. */
struct login_result {
    const char *account;
    const char *id;
    bool is_counted;           /* false: Omnitron did not answer it */
    const struct secret *seal; /* to share; may be unset */
    int64_t seal_ms;           /* how long it is good */
};
void login_ledger_settle(struct login_ledger *ledger, const struct login_result *result);
/* Whether one is on its way: who ends before it is answered makes the others wait for the hold. */
bool login_ledger_is_settling(const struct login_ledger *ledger);

#endif
