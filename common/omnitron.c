#include "common/omnitron.h"

#include "common/mem.h"
#include "common/omnitron_call.h"
#include "common/omnitron_pool.h"
#include "common/strbuf.h"

#include <string.h>

struct omnitron {
    struct omnitron_pool *pool;
    struct settings *settings;
    const struct account *account;
    struct session *session;
    bool (*guard)(void *arg);
    void *guard_arg;
    struct omnitron_call *calls;
};

struct omnitron *omnitron_new(struct omnitron_pool *pool, struct settings *settings,
                              const struct account *account)
{
    struct omnitron *omnitron = mem_new(1, sizeof *omnitron);
    omnitron->pool = pool;
    omnitron->settings = settings_ref(settings);
    omnitron->account = account;
    omnitron->session = omnitron_pool_acquire_session(pool, settings, account);
    return omnitron;
}

void omnitron_free(struct omnitron *omnitron)
{
    if (omnitron == NULL) {
        return;
    }
    while (omnitron->calls != NULL) {
        omnitron_call_end(omnitron->calls);
    }
    omnitron_pool_release_session(omnitron->pool, omnitron->session);
    settings_unref(omnitron->settings);
    mem_free(omnitron);
}

void omnitron_set_guard(struct omnitron *omnitron, bool (*may_send)(void *arg), void *arg)
{
    omnitron->guard = may_send;
    omnitron->guard_arg = arg;
}

enum omnitron_login omnitron_get_login(const struct omnitron *omnitron)
{
    const struct session *session = omnitron->session;
    if (!session_has_login(session)) {
        return OMNITRON_SET_TOKEN;
    }
    if (!secret_is_set(&session->authorization)) {
        return OMNITRON_NOT_LOGGED_IN;
    }
    return session->is_borrowed ? OMNITRON_SHARED_LOGIN : OMNITRON_LOGGED_IN;
}

void omnitron_cancel(struct omnitron_call *call)
{
    omnitron_call_end(call);
}

/* ---- For the calls ---- */

void omnitron_call_init_part(struct omnitron_call *call, struct omnitron *omnitron,
                             void (*free_call)(struct omnitron_call *call))
{
    call->omnitron = omnitron;
    call->free_call = free_call;
    call->is_part = true;
}

void omnitron_call_init(struct omnitron_call *call, struct omnitron *omnitron,
                        void (*free_call)(struct omnitron_call *call))
{
    call->omnitron = omnitron;
    call->free_call = free_call;
    call->next = omnitron->calls;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    omnitron->calls = call;
}

static void unlist(struct omnitron_call *call)
{
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        call->omnitron->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
}

void omnitron_call_end(struct omnitron_call *call)
{
    if (!call->is_part) {
        unlist(call);
    }
    call->free_call(call);
}

void omnitron_call_init_exchange(struct omnitron_call *call, struct exchange *exchange,
                                 exchange_judge_fn *judge, exchange_done_fn *done)
{
    const struct omnitron *omnitron = call->omnitron;
    const struct exchange_handlers handlers = {judge, done, call};
    exchange_init(exchange, omnitron->session, omnitron->account, &handlers);
    exchange->guard = omnitron->guard;
    exchange->guard_arg = omnitron->guard_arg;
}

char *omnitron_call_url(const struct omnitron_call *call, const char *rest)
{
    const char *hooks_url = omnitron_call_settings(call)->hooks_url;
    size_t path_size = strcspn(hooks_url, "?#");
    struct strbuf url;
    strbuf_init(&url, SIZE_MAX / 2);
    strbuf_add(&url, hooks_url, path_size);
    bool has_slash = path_size > 0 && hooks_url[path_size - 1] == '/';
    strbuf_addf(&url, "%s%s", has_slash ? "" : "/", rest);
    return strbuf_take(&url);
}

const struct omnitron_settings *omnitron_call_settings(const struct omnitron_call *call)
{
    return &call->omnitron->account->omnitron;
}
