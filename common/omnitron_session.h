/* What all calls to one account's Omnitron have in common within a process: how many are under way,
   the pauses Omnitron asked for, the breaker, and the token that a login gave. For the omnitron_*.c
   files.

   Requests pass through lanes: each lane lets at most max_connections requests be under way and
   keeps the others in order. Requests with the account's token use the account's lane; checks of
   callers' tokens have their own, so that strangers cannot hold up or pause the account. */
#ifndef OMNIHOOK_COMMON_OMNITRON_SESSION_H
#define OMNIHOOK_COMMON_OMNITRON_SESSION_H

#include "common/login_ledger.h"
#include "common/omnitron.h"

struct exchange;
struct login;

/* A wait longer than this is not waited out here: the calls fail with OMNITRON_THROTTLED. */
enum { SESSION_WAIT_MAX_MS = 5000 };

enum session_lane { SESSION_ACCOUNT, SESSION_CALLERS, SESSION_LANES };

struct lane {
    struct exchange *head; /* waiting, not owned */
    struct exchange *tail;
    unsigned under_way;
};

enum { SESSION_IDENTITY_SIZE = 32 };

struct session {
    struct omnitron_pool *pool;
    struct session *next;  /* in its bucket of the pool */
    struct session *older; /* in the pool's list of idle ones */
    struct session *newer;
    char *name;
    unsigned char identity[SESSION_IDENTITY_SIZE]; /* SHA-256 of the base URL and credentials */
    bool is_listed;            /* in the pool: not replaced by one with other credentials */
    unsigned references;       /* of struct omnitron */
    struct settings *settings; /* the newest version in use; NULL when there is no reference */
    const struct account *account;

    struct lane lanes[SESSION_LANES];
    struct event *timer; /* the end of a pause */
    int64_t paused_until_ms;
    unsigned failures; /* in a row: no answer, or 5xx */
    unsigned openings; /* of the breaker, in a row */

    struct secret authorization; /* the header "Authorization: Token ..."; unset = log in first */
    unsigned authorization_version;
    bool is_borrowed;                 /* another process logged in for it */
    struct secret refused;            /* the last header that Omnitron did not take any more */
    struct secret shared;             /* the newest seal of the ledger's that is known here */
    struct login *login;              /* under way */
    int64_t logins_ms[LOGINS_MAX];    /* when Omnitron answered the last logins; 0 = never */
    struct omnitron_failure *refusal; /* of these credentials; NULL = none */
    int64_t refusal_until_ms;         /* how long it is believed */
};

/* For omnitron_pool.c, which lists the sessions and shares them. */
struct session *session_new(struct omnitron_pool *pool, const struct account *account);
/* One more user, who brings the newest settings; one less: true when it was the last one. */
void session_use(struct session *session, struct settings *settings, const struct account *account);
bool session_unuse(struct session *session);
/* Without users: whether it knows something that the next user should not have to learn again. */
bool session_is_worth_keeping(const struct session *session);
void session_free(struct session *session);

bool session_has_login(const struct session *session);

/* Puts the exchange at the end (or the head) of its lane; it is sent, or told that it failed, on a
   later turn of the loop. */
void session_submit(struct session *session, struct exchange *exchange, bool is_at_head);
/* Takes a waiting exchange out. */
void session_withdraw(struct session *session, struct exchange *exchange);
/* A request that was under way is over: others may go. */
void session_leave(struct session *session, enum session_lane lane);
/* Looks again at who may go. */
void session_pump(struct session *session);

/* ---- What answers teach about the account ---- */

/* Nothing is sent for wait_ms. */
void session_pause(struct session *session, int64_t wait_ms);
/* How long nothing is sent from now; 0 = not paused. */
int64_t session_pause_left_ms(const struct session *session);
void session_note_answer(struct session *session);
/* No answer or 5xx: enough of them in a row pause the account, longer each time. */
void session_note_failure(struct session *session);

/* The token of this version is not accepted (any more): the next request logs in first. False when
   that cannot be, because the account has a fixed token. */
bool session_renew(struct session *session, unsigned authorization_version);
/* How long until another login keeps to LOGINS_MAX in this process; 0 = now. */
int64_t session_login_wait_ms(const struct session *session);

/* ---- For omnitron_login.c ---- */

void session_note_login(struct session *session);
/* is_borrowed: it came of another process's login. */
void session_set_token(struct session *session, const char *token, bool is_borrowed);
/* Whether Omnitron has refused this token of late. */
bool session_has_refused(const struct session *session, const char *token);
/* Omnitron does not take these credentials: no login is tried for so long. */
void session_remember_refusal(struct session *session, const struct omnitron_failure *failure,
                              int64_t ms);
/* Fills failure and gives true while a refusal is remembered. */
bool session_recall_refusal(const struct session *session, struct omnitron_failure *failure);
/* The login failed: everyone who waits for it fails. */
void session_fail_waiting(struct session *session, const struct omnitron_failure *failure);
/* Whether any call that waits may still be sent. */
bool session_is_wanted(const struct session *session);

#endif
