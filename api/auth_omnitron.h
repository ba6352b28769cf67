/* Asks an account's own Omnitron whether it accepts a caller's token, for accounts whose `auth` is
   omnitron. A token is shown to no other Omnitron. Callers with the same token share one question;
   the answer is remembered for a while. */
#ifndef OMNIHOOK_API_AUTH_OMNITRON_H
#define OMNIHOOK_API_AUTH_OMNITRON_H

#include "api/auth_header.h"
#include "api/token_memory.h"
#include "common/loop.h"
#include "common/omnitron.h"

struct auth_omnitron;

struct auth_omnitron_options {
    int64_t ttl_ms;     /* for which an acceptance is remembered; 0 = not at all */
    int64_t timeout_ms; /* of one question */
};

/* pool is borrowed. */
struct auth_omnitron *auth_omnitron_new(struct loop *loop, struct omnitron_pool *pool,
                                        const struct auth_omnitron_options *options);
/* Fails all who wait with ERROR_CANCELLED (inside this call), then frees. NULL is legal. */
void auth_omnitron_free(struct auth_omnitron *auth);

/* What is remembered of token; TOKEN_UNKNOWN = ask. */
enum token_verdict auth_omnitron_recall(const struct auth_omnitron *auth,
                                        const struct account *account,
                                        const struct auth_token *token);

/* verdict is TOKEN_UNKNOWN when there is why_not, else it is not. ERROR_CANCELLED: we are stopping.
   ERROR_UNAVAILABLE: Omnitron could not be asked, or made no sense. */
typedef void auth_omnitron_fn(void *arg, enum token_verdict verdict, const struct error *why_not);

/* token is copied, and wiped when it has been sent. fn fires exactly once, after this has returned
   true. False: too many questions are under way. account is kept alive by a reference to settings.
 */
MUST_CHECK bool auth_omnitron_ask(struct auth_omnitron *auth, struct settings *settings,
                                  const struct account *account, const struct auth_token *token,
                                  auth_omnitron_fn *fn, void *arg);

#endif
