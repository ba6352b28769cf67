#include "common/omnitron_session.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"
#include "common/omnitron_exchange.h"
#include "common/omnitron_login.h"
#include "common/omnitron_pool.h"
#include "common/random_id.h"
#include "common/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bool session_has_login(const struct session *session)
{
    return secret_is_set(&session->account->omnitron.username);
}

/* ---- Lanes ---- */

static void lane_push(struct lane *lane, struct exchange *exchange, bool is_at_head)
{
    exchange->next = is_at_head ? lane->head : NULL;
    exchange->previous = is_at_head ? NULL : lane->tail;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange;
    } else {
        lane->tail = exchange;
    }
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange;
    } else {
        lane->head = exchange;
    }
}

static void lane_remove(struct lane *lane, struct exchange *exchange)
{
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    } else {
        lane->tail = exchange->previous;
    }
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange->next;
    } else {
        lane->head = exchange->next;
    }
}

static void fail_paused(struct exchange *exchange, int64_t left_ms)
{
    struct omnitron_failure failure;
    omnitron_failure_set(
        &failure, OMNITRON_THROTTLED, 0,
        "Omnitron is left alone for %lld ms more: it asked for that, or failed too "
        "often in a row",
        (long long)left_ms);
    failure.retry_after_ms = left_ms;
    exchange_fail_soon(exchange, &failure);
}

static bool is_breaker_open(const struct session *session)
{
    unsigned limit = session->pool->options.breaker_failures;
    return limit > 0 && session->failures >= limit;
}

/* Whether the first of the account's lane may be sent; starts a login when that is what it lacks.
 */
static bool may_go(struct session *session, const struct exchange *exchange)
{
    const struct lane *lane = &session->lanes[SESSION_ACCOUNT];
    unsigned max = is_breaker_open(session) ? 1 : session->account->omnitron.max_connections;
    if (lane->under_way >= max) {
        return false;
    }
    bool lacks_token =
        exchange->token == EXCHANGE_ACCOUNTS_TOKEN && !secret_is_set(&session->authorization);
    if (lacks_token && session->login == NULL) {
        login_start(session);
    }
    return !lacks_token;
}

static void send_next(struct lane *lane)
{
    struct exchange *exchange = lane->head;
    lane_remove(lane, exchange);
    lane->under_way++;
    exchange_send(exchange);
}

void session_pump(struct session *session)
{
    struct lane *lane = &session->lanes[SESSION_ACCOUNT];
    int64_t left_ms = session_pause_left_ms(session);
    if (left_ms > 0 && lane->head != NULL) {
        loop_timer_start(session->timer, left_ms);
    }
    while (left_ms == 0 && lane->head != NULL && may_go(session, lane->head)) {
        send_next(lane);
    }
    lane = &session->lanes[SESSION_CALLERS];
    while (lane->head != NULL && lane->under_way < session->account->omnitron.max_connections) {
        send_next(lane);
    }
}

static void on_pause_over(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    session_pump(arg);
}

void session_submit(struct session *session, struct exchange *exchange, bool is_at_head)
{
    int64_t left_ms = session_pause_left_ms(session);
    if (left_ms > SESSION_WAIT_MAX_MS && exchange_lane(exchange) == SESSION_ACCOUNT) {
        fail_paused(exchange, left_ms);
        return;
    }
    lane_push(&session->lanes[exchange_lane(exchange)], exchange, is_at_head);
    session_pump(session);
}

void session_withdraw(struct session *session, struct exchange *exchange)
{
    lane_remove(&session->lanes[exchange_lane(exchange)], exchange);
}

void session_leave(struct session *session, enum session_lane lane)
{
    assert(session->lanes[lane].under_way > 0);
    session->lanes[lane].under_way--;
    session_pump(session);
}

void session_fail_waiting(struct session *session, const struct omnitron_failure *failure)
{
    struct lane *lane = &session->lanes[SESSION_ACCOUNT];
    while (lane->head != NULL) {
        struct exchange *exchange = lane->head;
        lane_remove(lane, exchange);
        exchange_fail_login(exchange, failure);
    }
}

bool session_is_wanted(const struct session *session)
{
    const struct exchange *exchange = session->lanes[SESSION_ACCOUNT].head;
    while (exchange != NULL && exchange->guard != NULL && !exchange->guard(exchange->guard_arg)) {
        exchange = exchange->next;
    }
    return exchange != NULL;
}

/* ---- Pauses and the breaker ---- */

int64_t session_pause_left_ms(const struct session *session)
{
    if (session->paused_until_ms == 0) {
        return 0;
    }
    int64_t left_ms = session->paused_until_ms - now_mono_ms();
    return left_ms > 0 ? left_ms : 0;
}

void session_pause(struct session *session, int64_t wait_ms)
{
    int64_t until_ms = now_mono_ms() + wait_ms;
    if (until_ms > session->paused_until_ms) {
        session->paused_until_ms = until_ms;
    }
    int64_t left_ms = session_pause_left_ms(session);
    struct lane *lane = &session->lanes[SESSION_ACCOUNT];
    while (left_ms > SESSION_WAIT_MAX_MS && lane->head != NULL) {
        struct exchange *exchange = lane->head;
        lane_remove(lane, exchange);
        fail_paused(exchange, left_ms);
    }
}

void session_note_answer(struct session *session)
{
    session->failures = 0;
    session->openings = 0;
}

void session_note_failure(struct session *session)
{
    session->failures++;
    /* Those that were under way when it opened say nothing new. */
    if (!is_breaker_open(session) || session_pause_left_ms(session) > 0) {
        return;
    }
    session->openings++;
    metrics_count(METRIC_OMNITRON_BREAKER_OPENINGS, NULL, NULL);
    const struct backoff *retry = &session->pool->options.retry;
    int64_t wait_ms = backoff_delay_ms(retry, session->openings, random_bits());
    wait_ms = wait_ms < retry->base_ms ? retry->base_ms : wait_ms;
    log_warn("omnitron_breaker_open", log_text("account", session->name),
             log_int("failures", session->failures), log_int("wait_ms", wait_ms));
    session_pause(session, wait_ms);
}

/* ---- The token ---- */

static void make_authorization(struct secret *authorization, const char *token)
{
    struct strbuf header;
    strbuf_init(&header, SIZE_MAX / 2);
    strbuf_addf(&header, "Authorization: Token %s", token);
    secret_set(authorization, header.bytes, header.size);
    secret_wipe(header.bytes, header.size);
    strbuf_clear(&header);
}

void session_set_token(struct session *session, const char *token, bool is_borrowed)
{
    make_authorization(&session->authorization, token);
    session->authorization_version++;
    session->is_borrowed = is_borrowed;
    mem_free(session->refusal);
    session->refusal = NULL;
}

bool session_has_refused(const struct session *session, const char *token)
{
    struct secret authorization = {0};
    make_authorization(&authorization, token);
    bool is_same = secret_equals(&authorization, &session->refused);
    secret_clear(&authorization);
    return is_same;
}

bool session_renew(struct session *session, unsigned authorization_version)
{
    if (!session_has_login(session)) {
        return false;
    }
    /* Another call may have renewed it since: then that one is used. */
    if (session->authorization_version == authorization_version) {
        secret_clear(&session->refused);
        session->refused = session->authorization;
        session->authorization = (struct secret){0};
    }
    return true;
}

void session_note_login(struct session *session)
{
    memmove(session->logins_ms + 1, session->logins_ms,
            sizeof session->logins_ms - sizeof session->logins_ms[0]);
    session->logins_ms[0] = now_mono_ms();
}

int64_t session_login_wait_ms(const struct session *session)
{
    int64_t oldest_ms = session->logins_ms[LOGINS_MAX - 1];
    int64_t wait_ms = oldest_ms == 0 ? 0 : oldest_ms + LOGINS_WINDOW_MS - now_mono_ms();
    return wait_ms > 0 ? wait_ms : 0;
}

void session_remember_refusal(struct session *session, const struct omnitron_failure *failure,
                              int64_t ms)
{
    if (session->refusal == NULL) {
        session->refusal = mem_new(1, sizeof *session->refusal);
    }
    *session->refusal = *failure;
    session->refusal_until_ms = now_mono_ms() + ms;
}

bool session_recall_refusal(const struct session *session, struct omnitron_failure *failure)
{
    if (session->refusal == NULL || now_mono_ms() >= session->refusal_until_ms) {
        return false;
    }
    *failure = *session->refusal;
    return true;
}

/* ---- Life ---- */

struct session *session_new(struct omnitron_pool *pool, const struct account *account)
{
    struct session *session = mem_new(1, sizeof *session);
    session->pool = pool;
    session->name = mem_copy_text(account->name);
    session->timer = loop_timer_new(pool->loop, on_pause_over, session);
    if (secret_is_set(&account->omnitron.token)) {
        make_authorization(&session->authorization, account->omnitron.token.value);
    }
    return session;
}

void session_use(struct session *session, struct settings *settings, const struct account *account)
{
    struct settings *before = session->settings;
    session->settings = settings_ref(settings);
    if (before != NULL) {
        settings_unref(before);
    }
    session->account = account;
    session->references++;
}

bool session_unuse(struct session *session)
{
    assert(session->references > 0);
    session->references--;
    if (session->references > 0) {
        return false;
    }
    login_free(session->login);
    session->login = NULL;
    loop_timer_stop(session->timer);
    settings_unref(session->settings);
    session->settings = NULL;
    session->account = NULL;
    return true;
}

bool session_is_worth_keeping(const struct session *session)
{
    return session->authorization_version > 0 || session->failures > 0 ||
           session_pause_left_ms(session) > 0 || session->logins_ms[0] > 0 ||
           session->refusal != NULL;
}

void session_free(struct session *session)
{
    assert(session->references == 0);
    event_free(session->timer);
    secret_clear(&session->authorization);
    secret_clear(&session->refused);
    secret_clear(&session->shared);
    mem_free(session->refusal);
    mem_free(session->name);
    mem_free(session);
}
