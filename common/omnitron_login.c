#include "common/omnitron_login.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/omnitron_exchange.h"
#include "common/omnitron_pool.h"

#include <jansson.h>
#include <string.h>

struct login {
    struct session *session;
    struct settings *settings; /* keeps the account */
    struct exchange exchange;
    struct secret token; /* once it is known */
};

/* A token goes into a header: what could end that is no token. */
static bool is_token(const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f) {
            return false;
        }
    }
    return true;
}

static enum exchange_verdict on_answer(void *arg, const struct http_response *response,
                                       struct omnitron_failure *failure)
{
    struct login *login = arg;
    session_note_login(login->session);
    if (response->status < 200 || response->status >= 300) {
        enum omnitron_failure_kind kind = omnitron_kind_of_status(response->status);
        bool is_refused =
            response->status == 400 || response->status == 401 || response->status == 403;
        return exchange_refuse(&login->exchange, response, is_refused ? OMNITRON_CREDENTIALS : kind,
                               failure);
    }
    struct error why = {0};
    json_t *body = omnitron_parse_body(response, &why);
    const char *token = json_string_value(json_object_get(body, "key"));
    bool is_good = is_token(token);
    if (is_good) {
        secret_set(&login->token, token, strlen(token));
    } else {
        omnitron_failure_set(failure, OMNITRON_BROKEN, response->status,
                             "Omnitron answered the login without a token%s%s",
                             why.text[0] == '\0' ? "" : ": ", why.text);
    }
    json_decref(body);
    return is_good ? EXCHANGE_ACCEPTED : EXCHANGE_REPEAT;
}

static void on_done(void *arg, const struct omnitron_failure *failure)
{
    struct login *login = arg;
    struct session *session = login->session;
    session->login = NULL;
    if (failure == NULL) {
        log_info("omnitron_login", log_text("account", session->name));
        session_set_token(session, login->token.value);
        login_free(login);
        session_pump(session);
        return;
    }
    struct omnitron_failure why = *failure;
    login_free(login);
    if (why.kind != OMNITRON_CANCELLED) {
        log_warn("omnitron_login_failed", log_text("account", session->name),
                 log_reason(&why.error));
    }
    session_fail_waiting(session, &why);
}

/* A login serves whoever waits for it: it may be sent as long as one of them may. */
static bool may_send(void *arg)
{
    return session_is_wanted(((const struct login *)arg)->session);
}

static char *login_body(const struct omnitron_settings *omnitron)
{
    json_t *body = json_object();
    json_object_set_new(body, "username", json_string(omnitron->username.value));
    json_object_set_new(body, "password", json_string(omnitron->password.value));
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

void login_start(struct session *session)
{
    if (!session_may_log_in(session)) {
        struct omnitron_failure failure;
        omnitron_failure_set(&failure, OMNITRON_CREDENTIALS, 0,
                             "Omnitron keeps refusing the tokens of its logins: no more than %d "
                             "logins in %d minutes",
                             SESSION_LOGINS_MAX, SESSION_LOGINS_MS / 60000);
        session_fail_waiting(session, &failure);
        return;
    }
    struct login *login = mem_new(1, sizeof *login);
    login->session = session;
    login->settings = settings_ref(session->settings);
    session->login = login;
    session->pool->counters.logins++;
    const struct exchange_handlers handlers = {on_answer, on_done, login};
    exchange_init(&login->exchange, session, session->account, &handlers);
    login->exchange.token = EXCHANGE_NO_TOKEN;
    login->exchange.guard = may_send;
    login->exchange.guard_arg = login;
    exchange_start(&login->exchange, "POST", mem_copy_text(session->account->omnitron.login_url),
                   login_body(&session->account->omnitron));
}

void login_free(struct login *login)
{
    if (login == NULL) {
        return;
    }
    exchange_clear(&login->exchange);
    settings_unref(login->settings);
    secret_clear(&login->token);
    mem_free(login);
}
