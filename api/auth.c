#include "api/auth.h"

#include "api/caller.h"
#include "api/reply.h"
#include "common/api_key.h"
#include "common/mem.h"
#include "common/now.h"

enum { UNAUTHORIZED = 401, TOO_MANY_REQUESTS = 429, UNAVAILABLE = 503, RETRY_AFTER_S = 1 };

/* A request that waits for Omnitron's word about its caller. */
struct waiting {
    const struct dispatch *dispatch;
    struct request *request;
    struct settings *settings; /* a reference */
    const struct account *account;
    struct ip_address caller;
    void (*then)(const struct dispatch *dispatch, struct request *request);
};

static void refuse(struct request *request, const char *detail)
{
    reply_add_header(request, "WWW-Authenticate", "Token");
    reply_error(request, UNAUTHORIZED, detail);
}

/* Too many wrong keys have come from caller: this one is not looked into. */
static void hold_off(struct request *request, int64_t wait_ms)
{
    reply_try_later(request, TOO_MANY_REQUESTS, (wait_ms + 999) / 1000,
                    "Too many wrong keys from this address.");
}

/* A credential that is nobody's: refused, and counted where the caller is. */
static void refuse_key(const struct dispatch *dispatch, struct request *request,
                       const struct ip_address *caller)
{
    int64_t now_ms = now_mono_ms();
    int64_t wait_ms = wrong_keys_wait_ms(dispatch->wrong_keys, caller, now_ms);
    if (wait_ms > 0) {
        hold_off(request, wait_ms);
        return;
    }
    wrong_keys_add(dispatch->wrong_keys, caller, now_ms);
    refuse(request, "Invalid token.");
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
        refuse_key(waiting.dispatch, waiting.request, &waiting.caller);
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

/* The token is no API key. Omnitron is not asked about those of a caller who has tried too many: it
   would be we who try them there. */
static void try_omnitron(const struct waiting *waiting, const struct auth_token *token)
{
    const struct dispatch *dispatch = waiting->dispatch;
    struct request *request = waiting->request;
    enum token_verdict verdict =
        waiting->account == NULL
            ? TOKEN_REFUSED
            : auth_omnitron_recall(dispatch->auth_omnitron, waiting->account, token);
    int64_t wait_ms = 0;
    switch (verdict) {
    case TOKEN_ACCEPTED:
        request_set_account(request, waiting->settings, waiting->account);
        waiting->then(dispatch, request);
        break;
    case TOKEN_REFUSED:
        refuse_key(dispatch, request, &waiting->caller);
        break;
    case TOKEN_UNKNOWN:
        wait_ms = wrong_keys_wait_ms(dispatch->wrong_keys, &waiting->caller, now_mono_ms());
        if (wait_ms > 0) {
            hold_off(request, wait_ms);
        } else {
            ask(waiting, token);
        }
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
        const char *host = request_header(request, "Host");
        struct waiting waiting = {.dispatch = dispatch,
                                  .request = request,
                                  .settings = settings,
                                  .account = settings_find_host(settings, host == NULL ? "" : host),
                                  .then = then};
        caller_address(request, dispatch->trusted_proxies, &waiting.caller);
        try_omnitron(&waiting, &token);
        return;
    }
    request_set_account(request, settings, account);
    then(dispatch, request);
}
