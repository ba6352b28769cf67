#include "api/auth.h"

#include "api/reply.h"
#include "common/api_key.h"
#include "common/mem.h"

enum { UNAUTHORIZED = 401, TOO_MANY_REQUESTS = 429, UNAVAILABLE = 503, RETRY_AFTER_S = 1 };

static const char invalid_token[] = "Invalid token.";

/* A request that waits for Omnitron's word about its caller. */
struct waiting {
    const struct dispatch *dispatch;
    struct request *request;
    struct settings *settings; /* a reference */
    const struct account *account;
    void (*then)(const struct dispatch *dispatch, struct request *request);
};

static void refuse(struct request *request, const char *detail)
{
    reply_add_header(request, "WWW-Authenticate", "Token");
    reply_error(request, UNAUTHORIZED, detail);
}

static void on_word(void *arg, enum token_verdict verdict, const struct error *why_not)
{
    struct waiting waiting = *(struct waiting *)arg;
    mem_free(arg);
    if (why_not != NULL) {
        /* Not 401: a caller may not be told that a good token is bad. */
        reply_try_later(waiting.request, UNAVAILABLE, RETRY_AFTER_S, why_not->text);
    } else if (verdict == TOKEN_ACCEPTED) {
        request_set_account(waiting.request, waiting.settings, waiting.account);
        waiting.then(waiting.dispatch, waiting.request);
    } else {
        refuse(waiting.request, invalid_token);
    }
    settings_unref(waiting.settings);
}

static void ask(const struct waiting *waiting, const struct auth_token *token)
{
    struct waiting *copy = mem_new(1, sizeof *copy);
    *copy = *waiting;
    (void)settings_ref(copy->settings);
    if (!auth_omnitron_ask(waiting->dispatch->auth_omnitron, copy->settings, copy->account, token,
                           on_word, copy)) {
        settings_unref(copy->settings);
        mem_free(copy);
        reply_try_later(waiting->request, TOO_MANY_REQUESTS, RETRY_AFTER_S,
                        "Too many unknown tokens at once.");
    }
}

/* The token is no API key. */
static void try_omnitron(const struct dispatch *dispatch, struct request *request,
                         struct settings *settings, const struct auth_token *token,
                         void (*then)(const struct dispatch *dispatch, struct request *request))
{
    const char *host = request_header(request, "Host");
    const struct account *account = settings_find_host(settings, host == NULL ? "" : host);
    if (account == NULL) {
        refuse(request, invalid_token);
        return;
    }
    switch (auth_omnitron_recall(dispatch->auth_omnitron, account, token)) {
    case TOKEN_ACCEPTED:
        request_set_account(request, settings, account);
        then(dispatch, request);
        break;
    case TOKEN_REFUSED:
        refuse(request, invalid_token);
        break;
    case TOKEN_UNKNOWN:
        ask(&(struct waiting){.dispatch = dispatch,
                              .request = request,
                              .settings = settings,
                              .account = account,
                              .then = then},
            token);
        break;
    }
}

void auth_start(const struct dispatch *dispatch, struct request *request,
                void (*then)(const struct dispatch *dispatch, struct request *request))
{
    struct auth_token token;
    const char *problem = auth_header_parse(request_header(request, "Authorization"), &token);
    if (problem != NULL) {
        refuse(request, problem);
        return;
    }
    struct settings *settings = settings_store_current(dispatch->store);
    struct api_key_hash hash;
    api_key_hash_of(&hash, token.bytes, token.size);
    const struct account *account = settings_find_key(settings, &hash);
    if (account == NULL) {
        try_omnitron(dispatch, request, settings, &token, then);
        return;
    }
    request_set_account(request, settings, account);
    then(dispatch, request);
}
