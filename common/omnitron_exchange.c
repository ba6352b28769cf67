#include "common/omnitron_exchange.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"
#include "common/omnitron_pool.h"
#include "common/random_id.h"
#include "common/retry_after.h"

#include <assert.h>
#include <string.h>

enum { DEFAULT_RESPONSE_MAX = 1024 * 1024, RENEWALS_MAX = 3 };

/* What an answer, or none, leads to. */
enum next_step {
    STEP_ACCEPT,
    STEP_FAIL,
    STEP_REST,  /* another try after a backoff of this exchange's own */
    STEP_AGAIN, /* another try as soon as the session lets it */
};

enum session_lane exchange_lane(const struct exchange *exchange)
{
    return exchange->token == EXCHANGE_CALLERS_TOKEN ? SESSION_CALLERS : SESSION_ACCOUNT;
}

/* A login goes before those that wait for it. */
static bool goes_first(const struct exchange *exchange)
{
    return exchange->token == EXCHANGE_NO_TOKEN;
}

void exchange_init(struct exchange *exchange, struct session *session,
                   const struct account *account, const struct exchange_handlers *handlers)
{
    exchange->session = session;
    exchange->account = account;
    exchange->handlers = *handlers;
    exchange->max_response_bytes = DEFAULT_RESPONSE_MAX;
    exchange->state = EXCHANGE_NEW;
}

void exchange_start(struct exchange *exchange, const char *method, char *url_take, char *body_take)
{
    assert(exchange->state == EXCHANGE_NEW);
    exchange->method = method;
    exchange->url = url_take;
    exchange->body = body_take;
    exchange->body_size = body_take == NULL ? 0 : strlen(body_take);
    exchange->state = EXCHANGE_WAITING;
    session_submit(exchange->session, exchange, goes_first(exchange));
}

void exchange_clear(struct exchange *exchange)
{
    enum exchange_state state = exchange->state;
    exchange->state = EXCHANGE_OVER;
    if (state == EXCHANGE_WAITING) {
        session_withdraw(exchange->session, exchange);
    } else if (state == EXCHANGE_SENT) {
        http_transfer_cancel(exchange->transfer);
        session_leave(exchange->session, exchange_lane(exchange));
    }
    if (exchange->timer != NULL) {
        event_free(exchange->timer);
    }
    if (exchange->body != NULL) {
        secret_wipe(exchange->body, exchange->body_size);
        mem_free(exchange->body);
    }
    mem_free(exchange->url);
    secret_clear(&exchange->callers_authorization);
    *exchange = (struct exchange){0};
}

/* ---- The end ---- */

static void tell_failure(struct exchange *exchange)
{
    exchange->state = EXCHANGE_OVER;
    exchange->failure.is_outcome_unknown = exchange->is_outcome_unknown;
    exchange->handlers.done(exchange->handlers.arg, &exchange->failure);
}

static void on_timer(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct exchange *exchange = arg;
    if (exchange->state == EXCHANGE_FAILING) {
        tell_failure(exchange);
        return;
    }
    exchange->state = EXCHANGE_WAITING;
    session_submit(exchange->session, exchange, goes_first(exchange));
}

static void start_timer(struct exchange *exchange, enum exchange_state state, int64_t delay_ms)
{
    if (exchange->timer == NULL) {
        exchange->timer = loop_timer_new(exchange->session->pool->loop, on_timer, exchange);
    }
    exchange->state = state;
    loop_timer_start(exchange->timer, delay_ms);
}

void exchange_fail_soon(struct exchange *exchange, const struct omnitron_failure *failure)
{
    exchange->failure = *failure;
    start_timer(exchange, EXCHANGE_FAILING, 0);
}

void exchange_fail_login(struct exchange *exchange, const struct omnitron_failure *failure)
{
    bool was_forbidden = exchange->renewals > 0 && exchange->failure.status == 403;
    if (was_forbidden && failure->kind == OMNITRON_THROTTLED) {
        /* No more logins for now: the 403 is taken for what it says. */
        start_timer(exchange, EXCHANGE_FAILING, 0);
        return;
    }
    exchange_fail_soon(exchange, failure);
}

enum exchange_verdict exchange_refuse(struct exchange *exchange,
                                      const struct http_response *response,
                                      enum omnitron_failure_kind kind,
                                      struct omnitron_failure *failure)
{
    struct redaction redaction = {0};
    redaction_add_account(&redaction, exchange->account);
    redaction_add_webhook(&redaction, exchange->webhook);
    redaction_add(&redaction, exchange->session->authorization.value);
    redaction_add(&redaction, exchange->callers_authorization.value);
    omnitron_failure_of_response(failure, kind, exchange->method, exchange->url, response,
                                 &redaction);
    redaction_clear(&redaction);
    return EXCHANGE_FAILED;
}

/* ---- What an answer means ---- */

static int64_t asked_wait_ms(const struct exchange *exchange, const struct http_response *response)
{
    return retry_after_ms(response->retry_after, response->date, now_wall_ms(),
                          exchange->session->pool->options.retry_after_max_ms);
}

static int64_t backoff_ms(const struct exchange *exchange)
{
    int64_t delay_ms =
        backoff_delay_ms(&exchange->session->pool->options.retry, exchange->tries, random_bits());
    return delay_ms > SESSION_WAIT_MAX_MS ? SESSION_WAIT_MAX_MS : delay_ms;
}

/* 429: the whole account pauses, so that the other writers do not run into it too. */
static enum next_step meet_throttling(struct exchange *exchange,
                                      const struct http_response *response)
{
    struct session *session = exchange->session;
    metrics_count(METRIC_OMNITRON_THROTTLED, NULL, NULL);
    (void)exchange_refuse(exchange, response, OMNITRON_THROTTLED, &exchange->failure);
    int64_t asked_ms = asked_wait_ms(exchange, response);
    int64_t backoff = backoff_ms(exchange);
    int64_t wait_ms = asked_ms > backoff ? asked_ms : backoff;
    exchange->failure.retry_after_ms = wait_ms;
    log_debug("omnitron_throttled", log_text("account", session->name),
              log_int("wait_ms", wait_ms));
    if (exchange_lane(exchange) == SESSION_CALLERS) {
        return STEP_FAIL;
    }
    session_pause(session, wait_ms);
    return wait_ms > SESSION_WAIT_MAX_MS ? STEP_FAIL : STEP_AGAIN;
}

static void note_failure(struct exchange *exchange)
{
    if (exchange_lane(exchange) == SESSION_ACCOUNT) {
        session_note_failure(exchange->session);
    }
}

/* No answer, 408, 425 or 5xx. */
static enum next_step rest_or_fail(struct exchange *exchange, int64_t asked_ms)
{
    int64_t left_ms = session_pause_left_ms(exchange->session);
    int64_t wait_ms = asked_ms > left_ms ? asked_ms : left_ms;
    if (wait_ms > SESSION_WAIT_MAX_MS) {
        exchange->failure.retry_after_ms = wait_ms;
        return STEP_FAIL;
    }
    return STEP_REST;
}

/* 401, and 403 that may hide one: with SessionAuthentication first in its list, Django REST
   framework turns 401 into 403. The two bodies differ only in translated words, so a 403 with its
   body is believed when it comes back after a new login. */
static bool is_worth_a_login(const struct exchange *exchange, const struct http_response *response)
{
    /* A token that another process got may be dead by now: it tells nothing about a login. */
    bool may_renew = exchange->renewals == 0 ||
                     (exchange->session->is_borrowed && exchange->renewals < RENEWALS_MAX);
    if (exchange->token != EXCHANGE_ACCOUNTS_TOKEN || !may_renew) {
        return false;
    }
    if (response->status == 401) {
        return true;
    }
    return response->status == 403 && session_login_wait_ms(exchange->session) == 0 &&
           omnitron_is_rest_refusal(response);
}

static enum next_step step_of(enum exchange_verdict verdict)
{
    switch (verdict) {
    case EXCHANGE_ACCEPTED:
        return STEP_ACCEPT;
    case EXCHANGE_REPEAT:
        return STEP_REST;
    case EXCHANGE_FAILED:
        break;
    }
    return STEP_FAIL;
}

static enum next_step judge_response(struct exchange *exchange,
                                     const struct http_response *response)
{
    int status = response->status;
    if (status == 429) {
        return meet_throttling(exchange, response);
    }
    if (status == 408 || status == 425 || status >= 500) {
        (void)exchange_refuse(exchange, response, omnitron_kind_of_status(status),
                              &exchange->failure);
        exchange->is_outcome_unknown = exchange->is_outcome_unknown || status >= 500;
        if (status >= 500) {
            note_failure(exchange);
        }
        return rest_or_fail(exchange, asked_wait_ms(exchange, response));
    }
    if (exchange_lane(exchange) == SESSION_ACCOUNT) {
        session_note_answer(exchange->session);
    }
    if (is_worth_a_login(exchange, response) &&
        session_renew(exchange->session, exchange->authorization_version)) {
        (void)exchange_refuse(exchange, response, omnitron_kind_of_status(status),
                              &exchange->failure);
        exchange->renewals++;
        exchange->tries--; /* that try was not the webhook's */
        return STEP_AGAIN;
    }
    if (status < 200 || (status >= 300 && status < 400) ||
        (status == 401 && exchange->token == EXCHANGE_ACCOUNTS_TOKEN)) {
        (void)exchange_refuse(exchange, response, omnitron_kind_of_status(status),
                              &exchange->failure);
        return STEP_FAIL;
    }
    return step_of(exchange->handlers.judge(exchange->handlers.arg, response, &exchange->failure));
}

static enum next_step judge_failure(struct exchange *exchange, const struct http_failure *failure)
{
    static const enum omnitron_failure_kind kinds[] = {
        [HTTP_FAILURE_CONNECT] = OMNITRON_UNREACHABLE,
        [HTTP_FAILURE_TLS] = OMNITRON_TLS,
        [HTTP_FAILURE_TIMEOUT] = OMNITRON_TIMEOUT,
        [HTTP_FAILURE_BROKEN] = OMNITRON_UNREACHABLE,
        [HTTP_FAILURE_TOO_LARGE] = OMNITRON_BROKEN,
        [HTTP_FAILURE_CANCELLED] = OMNITRON_CANCELLED,
    };
    exchange->is_outcome_unknown = exchange->is_outcome_unknown || failure->was_sent;
    omnitron_failure_set(&exchange->failure, kinds[failure->kind], 0, "%s", failure->error.text);
    switch (failure->kind) {
    case HTTP_FAILURE_CONNECT:
    case HTTP_FAILURE_TIMEOUT:
    case HTTP_FAILURE_BROKEN:
        note_failure(exchange);
        return rest_or_fail(exchange, 0);
    case HTTP_FAILURE_TLS:
    case HTTP_FAILURE_TOO_LARGE:
    case HTTP_FAILURE_CANCELLED:
        break;
    }
    return STEP_FAIL;
}

/* ---- Tries ---- */

static void take_step(struct exchange *exchange, enum next_step step)
{
    struct session *session = exchange->session;
    bool has_tries_left = exchange->tries < session->pool->options.tries;
    if (step == STEP_REST && has_tries_left) {
        metrics_count(METRIC_OMNITRON_REPEATS, NULL, NULL);
        log_debug("omnitron_repeat", log_text("account", session->name),
                  log_int("try", exchange->tries), log_reason(&exchange->failure.error));
        start_timer(exchange, EXCHANGE_RESTING, backoff_ms(exchange));
        return;
    }
    if (step == STEP_AGAIN && has_tries_left) {
        metrics_count(METRIC_OMNITRON_REPEATS, NULL, NULL);
        exchange->state = EXCHANGE_WAITING;
        session_submit(session, exchange, true);
        return;
    }
    if (step != STEP_ACCEPT) {
        tell_failure(exchange);
        return;
    }
    exchange->state = EXCHANGE_OVER;
    exchange->handlers.done(exchange->handlers.arg, NULL);
}

static void count_answer(const struct exchange *exchange, const struct http_response *response)
{
    static const char *const hundreds[] = {"none", "none", "2xx", "3xx", "4xx", "5xx"};
    unsigned hundred = response == NULL ? 0 : (unsigned)response->status / 100;
    metrics_count(METRIC_OMNITRON_ANSWERS, exchange->method, hundreds[hundred < 6 ? hundred : 0]);
    metrics_observe(METRIC_OMNITRON_DURATION, exchange->method, now_mono_us() - exchange->sent_us);
}

static void on_http_done(void *arg, const struct http_response *response,
                         const struct http_failure *failure)
{
    struct exchange *exchange = arg;
    exchange->transfer = NULL;
    exchange->state = EXCHANGE_OVER;
    enum next_step step = STEP_FAIL;
    count_answer(exchange, response);
    if (response != NULL) {
        step = judge_response(exchange, response);
    } else {
        step = judge_failure(exchange, failure);
    }
    /* After judging: a pause holds back those that would go now. */
    session_leave(exchange->session, exchange_lane(exchange));
    take_step(exchange, step);
}

static bool may_send(void *arg)
{
    const struct exchange *exchange = arg;
    return exchange->guard == NULL || exchange->guard(exchange->guard_arg);
}

static const char *authorization_of(const struct exchange *exchange)
{
    switch (exchange->token) {
    case EXCHANGE_ACCOUNTS_TOKEN:
        return exchange->session->authorization.value;
    case EXCHANGE_CALLERS_TOKEN:
        return exchange->callers_authorization.value;
    case EXCHANGE_NO_TOKEN:
        break;
    }
    return NULL;
}

void exchange_send(struct exchange *exchange)
{
    struct session *session = exchange->session;
    const struct omnitron_settings *omnitron = &exchange->account->omnitron;
    struct http_request request = {
        .method = exchange->method,
        .url = exchange->url,
        .headers = {"Accept: application/json", "Accept-Language: en"},
        .body = exchange->body,
        .body_size = exchange->body_size,
        .ca_file = omnitron->ca_file,
        .proxy = omnitron->proxy,
        .connect_timeout_ms = omnitron->connect_timeout_ms,
        .timeout_ms = omnitron->timeout_ms,
        .max_response_bytes = exchange->max_response_bytes,
        .may_send = may_send,
    };
    size_t count = 2;
    if (exchange->body != NULL) {
        request.headers[count++] = "Content-Type: application/json";
    }
    request.headers[count] = authorization_of(exchange);
    exchange->authorization_version = session->authorization_version;
    exchange->state = EXCHANGE_SENT;
    exchange->tries++;
    exchange->sent_us = now_mono_us();
    exchange->transfer = http_client_send(session->pool->http, &request, on_http_done, exchange);
}
