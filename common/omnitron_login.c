#include "common/omnitron_login.h"

#include "common/log.h"
#include "common/login_seal.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"
#include "common/omnitron_exchange.h"
#include "common/omnitron_pool.h"

#include <jansson.h>
#include <string.h>

enum {
    TOKEN_MAX_BYTES = 1024,             /* Omnitron's have 40 */
    TOKEN_SHARED_MS = 24 * 3600 * 1000, /* then the next process that starts logs in */
    ASK_AGAIN_MS = 100,                 /* while another process logs in */
    /* Refused logins alone then never use up more than the budget of logins. */
    REFUSAL_MS = LOGINS_WINDOW_MS / LOGINS_MAX,
};

/* asking the ledger -> (another process logs in) waiting -> asking ... -> sent -> over. Without a
   ledger, or without Redis, it is sent at once. */
struct login {
    struct session *session;
    struct settings *settings; /* keeps the account */
    const struct account *account;
    char id[RANDOM_ID_SIZE];
    int64_t started_ms;    /* mono */
    struct login_ask *ask; /* NULL = none under way */
    struct event *timer;   /* until it is asked again; made when first needed */
    bool is_booked;        /* the ledger counts it, and has to be told the end */
    bool is_answered;      /* by Omnitron */
    struct exchange exchange;
    struct secret token; /* once it is known */
};

static struct login_ledger *ledger_of(const struct login *login)
{
    return login->session->pool->options.ledger;
}

/* ---- The end ---- */

/* Tells the ledger the end, with what other processes may know of it; text NULL = nothing. */
static void settle(struct login *login, enum login_word word, const char *text, int64_t ms)
{
    if (!login->is_booked) {
        return;
    }
    login->is_booked = false;
    struct secret *shared = &login->session->shared;
    struct login_seal_key key;
    bool is_shared = text != NULL && login_seal_key_make(&key, login->account);
    if (is_shared) {
        login_seal(shared, &key, word, text);
        secret_wipe(&key, sizeof key);
    }
    static const struct secret nothing;
    login_ledger_settle(ledger_of(login), &(struct login_result){
                                              .account = login->account->name,
                                              .id = login->id,
                                              .is_counted = login->is_answered,
                                              .seal = is_shared ? shared : &nothing,
                                              .seal_ms = ms,
                                          });
}

void login_free(struct login *login)
{
    if (login == NULL) {
        return;
    }
    /* In mid-login it may have reached Omnitron. */
    login->is_answered = login->is_answered || login->exchange.state == EXCHANGE_SENT;
    settle(login, LOGIN_WORD_TOKEN, NULL, 0);
    if (login->ask != NULL) {
        login_ask_forget(login->ask);
    }
    if (login->timer != NULL) {
        event_free(login->timer);
    }
    exchange_clear(&login->exchange);
    settings_unref(login->settings);
    secret_clear(&login->token);
    mem_free(login);
}

static void fail(struct login *login, const struct omnitron_failure *failure)
{
    struct session *session = login->session;
    struct omnitron_failure why = *failure; /* it may be the exchange's */
    session->login = NULL;
    login_free(login);
    if (why.kind != OMNITRON_CANCELLED) {
        log_warn("omnitron_login_failed", log_text("account", session->name),
                 log_reason(&why.error));
    }
    session_fail_waiting(session, &why);
}

static void succeed(struct login *login, const char *token, bool is_borrowed)
{
    struct session *session = login->session;
    log_info("omnitron_login", log_text("account", session->name),
             log_text("by", is_borrowed ? "another process" : "this process"));
    session_set_token(session, token, is_borrowed);
    session->login = NULL;
    login_free(login);
    session_pump(session);
}

static void set_too_many(struct omnitron_failure *failure, int64_t wait_ms)
{
    metrics_count(METRIC_OMNITRON_LOGINS_HELD_BACK, NULL, NULL);
    omnitron_failure_set(failure, OMNITRON_THROTTLED, 0,
                         "no more than %d logins in %d minutes are made for an account, and these "
                         "are used up: does somebody keep logging its user out?",
                         LOGINS_MAX, LOGINS_WINDOW_MS / 60000);
    failure->retry_after_ms = wait_ms;
}

/* ---- The login itself ---- */

/* A token goes into a header: what could end that is no token. */
static bool is_token(const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    const char *c = text;
    while (*c > ' ' && *c < 0x7f && c - text < TOKEN_MAX_BYTES) {
        c++;
    }
    return *c == '\0';
}

static enum exchange_verdict on_answer(void *arg, const struct http_response *response,
                                       struct omnitron_failure *failure)
{
    struct login *login = arg;
    login->is_answered = true;
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
    if (failure == NULL) {
        settle(login, LOGIN_WORD_TOKEN, login->token.value, TOKEN_SHARED_MS);
        succeed(login, login->token.value, false);
        return;
    }
    if (failure->kind == OMNITRON_CREDENTIALS) {
        session_remember_refusal(login->session, failure, REFUSAL_MS);
        settle(login, LOGIN_WORD_REFUSED, failure->error.text, REFUSAL_MS);
    }
    fail(login, failure);
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

static void send_login(struct login *login)
{
    metrics_count(METRIC_OMNITRON_LOGINS, NULL, NULL);
    const struct exchange_handlers handlers = {on_answer, on_done, login};
    exchange_init(&login->exchange, login->session, login->account, &handlers);
    login->exchange.token = EXCHANGE_NO_TOKEN;
    login->exchange.guard = may_send;
    login->exchange.guard_arg = login;
    exchange_start(&login->exchange, "POST", mem_copy_text(login->account->omnitron.login_url),
                   login_body(&login->account->omnitron));
}

/* ---- What other processes know ---- */

static void ask(struct login *login);

/* What came of another process's login; asks again when it is of no use. */
static void take_shared(struct login *login, const struct login_answer *answer)
{
    struct session *session = login->session;
    secret_set(&session->shared, answer->seal, answer->seal_size);
    struct login_seal_key key = {{0}};
    enum login_word word = LOGIN_WORD_TOKEN;
    struct secret text = {0};
    bool is_opened = login_seal_key_make(&key, login->account) &&
                     login_unseal(&key, &session->shared, &word, &text);
    secret_wipe(&key, sizeof key);
    if (is_opened && word == LOGIN_WORD_REFUSED) {
        struct omnitron_failure failure;
        omnitron_failure_set(&failure, OMNITRON_CREDENTIALS, 0, "%s", text.value);
        session_remember_refusal(session, &failure,
                                 answer->ms < REFUSAL_MS ? answer->ms : REFUSAL_MS);
        fail(login, &failure);
    } else if (is_opened && is_token(text.value) && !session_has_refused(session, text.value)) {
        succeed(login, text.value, true);
    } else {
        ask(login);
    }
    secret_clear(&text);
}

static void on_ask_again(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    ask(arg);
}

static void wait_for_other(struct login *login, int64_t ms)
{
    if (now_mono_ms() - login->started_ms > SESSION_WAIT_MAX_MS) {
        struct omnitron_failure failure;
        omnitron_failure_set(&failure, OMNITRON_THROTTLED, 0,
                             "another process has been logging in for long");
        failure.retry_after_ms = ms;
        fail(login, &failure);
        return;
    }
    if (login->timer == NULL) {
        login->timer = loop_timer_new(login->session->pool->loop, on_ask_again, login);
    }
    loop_timer_start(login->timer, ms < ASK_AGAIN_MS ? ms : ASK_AGAIN_MS);
}

static void on_asked(void *arg, const struct login_answer *answer, const struct error *why_not)
{
    struct login *login = arg;
    login->ask = NULL;
    struct omnitron_failure failure;
    if (why_not != NULL && why_not->code == ERROR_CANCELLED) {
        omnitron_failure_set(&failure, OMNITRON_CANCELLED, 0, "not sent: this process is stopping");
        fail(login, &failure);
        return;
    }
    if (why_not != NULL) {
        log_debug("omnitron_login_alone", log_text("account", login->account->name),
                  log_reason(why_not));
        send_login(login);
        return;
    }
    switch (answer->leave) {
    case LOGIN_SHARED:
        take_shared(login, answer);
        return;
    case LOGIN_WAIT:
        wait_for_other(login, answer->ms);
        return;
    case LOGIN_FULL:
        set_too_many(&failure, answer->ms);
        fail(login, &failure);
        return;
    case LOGIN_GO:
        login->is_booked = true;
        send_login(login);
        return;
    }
}

static void ask(struct login *login)
{
    const struct omnitron_settings *omnitron = &login->account->omnitron;
    const struct login_question question = {
        .account = login->account->name,
        .id = login->id,
        .known = &login->session->shared,
        .hold_ms = omnitron->connect_timeout_ms + omnitron->timeout_ms,
    };
    login->ask = login_ledger_ask(ledger_of(login), &question, on_asked, login);
}

/* ---- The start ---- */

void login_start(struct session *session)
{
    struct omnitron_failure failure;
    if (session_recall_refusal(session, &failure)) {
        session_fail_waiting(session, &failure);
        return;
    }
    int64_t wait_ms = session_login_wait_ms(session);
    if (wait_ms > 0) {
        set_too_many(&failure, wait_ms);
        session_fail_waiting(session, &failure);
        return;
    }
    struct login *login = mem_new(1, sizeof *login);
    login->session = session;
    login->settings = settings_ref(session->settings);
    login->account = session->account;
    login->started_ms = now_mono_ms();
    (void)random_id_make(login->id);
    session->login = login;
    if (ledger_of(login) != NULL) {
        ask(login);
    } else {
        send_login(login);
    }
}
