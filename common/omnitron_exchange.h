/* One request to Omnitron with all its tries: waits for its turn, sends, tells an answer from a
   hiccup, repeats what may pass, renews the login once. For the omnitron_*.c files.

   States: new -> waiting (in its session's lane) -> sent -> resting (backoff) -> waiting ... ->
   over */
#ifndef OMNIHOOK_COMMON_OMNITRON_EXCHANGE_H
#define OMNIHOOK_COMMON_OMNITRON_EXCHANGE_H

#include "common/omnitron_error.h"
#include "common/omnitron_session.h"

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_WAITING,
    EXCHANGE_SENT,
    EXCHANGE_RESTING,
    EXCHANGE_FAILING, /* failure is set and will be told on the next turn of the loop */
    EXCHANGE_OVER,
};

enum exchange_token {
    EXCHANGE_ACCOUNTS_TOKEN,
    EXCHANGE_CALLERS_TOKEN,
    EXCHANGE_NO_TOKEN, /* the login itself */
};

enum exchange_verdict {
    EXCHANGE_ACCEPTED,
    EXCHANGE_REPEAT, /* failure is set, and another try may bring something better */
    EXCHANGE_FAILED, /* failure is set, and it would not */
};

/* Judges an answer: 2xx, or 4xx other than 401, 408, 425 and 429 (403 after a renewed login). May
   keep what it reads; starts and ends nothing. */
typedef enum exchange_verdict exchange_judge_fn(void *arg, const struct http_response *response,
                                                struct omnitron_failure *failure);
/* Fires once, never before exchange_start returns; the exchange may be cleared or used again from
   it. failure is NULL after EXCHANGE_ACCEPTED, and else dies with the exchange. */
typedef void exchange_done_fn(void *arg, const struct omnitron_failure *failure);

struct exchange_handlers {
    exchange_judge_fn *judge;
    exchange_done_fn *done;
    void *arg;
};

struct exchange {
    struct session *session;       /* borrowed */
    const struct account *account; /* borrowed */
    bool (*guard)(void *arg);
    void *guard_arg;
    struct exchange_handlers handlers;

    const char *method; /* literal */
    char *url;          /* owned */
    char *body;         /* owned, wiped; NULL = none */
    size_t body_size;
    size_t max_response_bytes;
    enum exchange_token token;
    struct secret callers_authorization;
    const struct webhook *webhook; /* borrowed; what it is about: its secrets are not quoted */

    enum exchange_state state;
    struct exchange *next; /* in its lane */
    struct exchange *previous;
    struct http_transfer *transfer;
    struct event *timer; /* made when first needed */
    unsigned tries;
    int64_t sent_us;                /* the last try; mono */
    unsigned authorization_version; /* that was sent */
    unsigned renewals;              /* of the token, for this exchange */
    bool is_outcome_unknown;        /* an earlier try may have been carried out */
    struct omnitron_failure failure;
};

/* exchange is zeroed. Takes over url and body (as dumped JSON; NULL = none). Set token, webhook and
   the rest before exchange_start where they are not the default. */
void exchange_init(struct exchange *exchange, struct session *session,
                   const struct account *account, const struct exchange_handlers *handlers);
void exchange_start(struct exchange *exchange, const char *method, char *url_take, char *body_take);
/* Cancels it if it is under way (done does not fire), frees what it owns, and zeroes it. */
void exchange_clear(struct exchange *exchange);

/* For a judge: fills failure for a status that is no success, and says EXCHANGE_FAILED. */
enum exchange_verdict exchange_refuse(struct exchange *exchange,
                                      const struct http_response *response,
                                      enum omnitron_failure_kind kind,
                                      struct omnitron_failure *failure);

/* ---- For omnitron_session.c ---- */

enum session_lane exchange_lane(const struct exchange *exchange);
void exchange_send(struct exchange *exchange);
/* Tells failure on the next turn of the loop. Not in a lane any more. */
void exchange_fail_soon(struct exchange *exchange, const struct omnitron_failure *failure);
/* The same when the login that it waits for has failed. */
void exchange_fail_login(struct exchange *exchange, const struct omnitron_failure *failure);

#endif
