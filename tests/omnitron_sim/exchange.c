#include "tests/omnitron_sim/exchange.h"

#include "common/mem.h"
#include "tests/omnitron_sim/answer.h"
#include "tests/omnitron_sim/misdelivery.h"
#include "tests/omnitron_sim/request.h"
#include "tests/omnitron_sim/routes.h"
#include "tests/omnitron_sim/sim.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <string.h>

struct exchange {
    struct exchange *next; /* in sim->exchanges */
    struct exchange *previous;
    struct sim *sim;
    struct evhttp_request *http;
    struct event *timer;             /* NULL when nothing is waited for */
    struct misdelivery *misdelivery; /* NULL unless the connection is out of evhttp's hands */
    struct answer answer;
    struct fault_action action;
    struct user_load *load;
    uint64_t journal_number;
    char route[ROUTE_NAME_SIZE];
};

static void free_exchange(struct exchange *exchange)
{
    struct sim *sim = exchange->sim;
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange->next;
    } else {
        sim->exchanges = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    if (exchange->timer != NULL) {
        event_free(exchange->timer);
    }
    counters_leave(sim->counters, exchange->load);
    misdelivery_free(exchange->misdelivery);
    answer_clear(&exchange->answer);
    mem_free(exchange);
}

/* Ends the exchange with its connection, and with that evhttp's request. */
static void close_exchange(struct exchange *exchange)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(exchange->http);
    free_exchange(exchange);
    if (connection != NULL) {
        evhttp_connection_free(connection);
    }
}

static void write_down(struct exchange *exchange, int status)
{
    counters_add_answer(exchange->sim->counters, exchange->route, status);
    journal_answered(exchange->sim->journal, exchange->journal_number, status);
}

static void on_misdelivered(void *context)
{
    close_exchange(context);
}

static void misdeliver(struct exchange *exchange)
{
    const struct fault_action *action = &exchange->action;
    struct misdelivery_plan plan = {.drip_ms = action->drip_ms, .body_size = SIZE_MAX};
    if (action->is_hanging) {
        plan.is_silent = true;
    } else if (action->close == CLOSE_MID) {
        plan.body_size = exchange->answer.body.size / 2;
    } else if (action->truncate_at >= 0) {
        plan.body_size = (size_t)action->truncate_at;
    }
    write_down(exchange, plan.is_silent ? 0 : exchange->answer.status);
    exchange->misdelivery =
        misdelivery_start(exchange->sim->base, evhttp_request_get_connection(exchange->http),
                          &exchange->answer, &plan, on_misdelivered, exchange);
}

static void send_answer(struct exchange *exchange)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(exchange->http);
    const struct answer *answer = &exchange->answer;
    if (answer->content_type != NULL) {
        evhttp_add_header(headers, "Content-Type", answer->content_type);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(answer->headers, name, value)
    {
        evhttp_remove_header(headers, name);
        evhttp_add_header(headers, name, json_string_value(value));
    }
    struct evbuffer *body = evbuffer_new();
    assert(body != NULL);
    evbuffer_add(body, answer->body.bytes, answer->body.size);
    write_down(exchange, answer->status);
    struct evhttp_request *http = exchange->http;
    int status = answer->status;
    free_exchange(exchange);
    evhttp_send_reply(http, status, NULL, body);
    evbuffer_free(body);
}

static bool is_misdelivered(const struct fault_action *action)
{
    return action->is_hanging || action->close == CLOSE_MID || action->drip_ms > 0 ||
           action->truncate_at >= 0;
}

static void deliver(struct exchange *exchange)
{
    const struct fault_action *action = &exchange->action;
    /* evhttp lets go of a request whose client it knows to be gone. */
    bool is_gone = evhttp_request_get_connection(exchange->http) == NULL;
    if (!is_gone && (action->close == CLOSE_BEFORE || action->close == CLOSE_AFTER)) {
        write_down(exchange, 0);
        close_exchange(exchange);
    } else if (!is_gone && is_misdelivered(action)) {
        misdeliver(exchange);
    } else {
        send_answer(exchange);
    }
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    deliver(context);
}

/* What closes or takes over a connection does so from the loop: evhttp is still using it while it
   calls us. */
static void deliver_later(struct exchange *exchange, int64_t delay_ms)
{
    struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                            .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
    exchange->timer = evtimer_new(exchange->sim->base, on_due, exchange);
    assert(exchange->timer != NULL);
    evtimer_add(exchange->timer, &delay);
}

static void add_fault_headers(struct answer *answer, json_t *headers)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(headers, name, value)
    {
        if (json_is_string(value)) {
            answer_header(answer, name, json_string_value(value));
        }
    }
}

/* Puts the fault's status and body in the place of the real ones, if it has any. */
static void apply_fault(struct answer *answer, const struct fault_action *action)
{
    int status = action->status == 0 ? 200 : action->status;
    if (action->json != NULL) {
        answer_json(answer, status, json_incref(action->json));
    } else if (action->body != NULL) {
        answer_text(answer, status, "text/html; charset=utf-8", action->body);
    } else if (action->has_answer) {
        answer_empty(answer, status);
    }
    if (action->has_answer) {
        json_decref(answer->headers); /* the real answer's */
        answer->headers = NULL;
    }
    add_fault_headers(answer, action->headers);
}

/* Whose request it is: by the token, or by the name that a login gives. *data keeps the text
   alive and is the caller's. */
static const char *username_of(const struct request *request, const struct route *route,
                               json_t **data)
{
    if (request->user != NULL) {
        return request->user->username;
    }
    if (route->kind == ROUTE_LOGIN) {
        *data = json_loadb(request->body, request->body_size, 0, NULL);
    }
    return json_string_value(json_object_get(*data, "username"));
}

static void count_arrival(struct sim *sim, const struct request *request, const struct route *route)
{
    counters_add(sim->counters, COUNTER_REQUESTS);
    if (request->has_unknown_token) {
        counters_add(sim->counters, COUNTER_TOKENS_SEEN_WRONG);
    }
    if (route->kind == ROUTE_LOGIN && request->method == EVHTTP_REQ_POST) {
        counters_add(sim->counters, COUNTER_LOGINS);
    }
    if (route->kind != ROUTE_HOOKS || request->method != EVHTTP_REQ_GET) {
        return;
    }
    const char *page = query_get(&request->query, "page");
    if (query_has(&request->query, "target_url") || query_has(&request->query, "event_type")) {
        counters_add(sim->counters, COUNTER_LOOKUPS);
    } else if ((page == NULL || strcmp(page, "1") == 0) && !query_has(&request->query, "cursor")) {
        counters_add(sim->counters, COUNTER_LIST_READS);
    }
}

static struct exchange *new_exchange(struct sim *sim, struct evhttp_request *http)
{
    struct exchange *exchange = mem_new(1, sizeof *exchange);
    exchange->sim = sim;
    exchange->http = http;
    exchange->action.is_applied = true;
    exchange->action.truncate_at = -1;
    exchange->next = sim->exchanges;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange;
    }
    sim->exchanges = exchange;
    answer_init(&exchange->answer);
    return exchange;
}

static void serve(struct exchange *exchange, const struct request *request)
{
    struct sim *sim = exchange->sim;
    struct route route = routes_match(sim->options, request->path);
    json_t *data = NULL;
    const char *username = username_of(request, &route, &data);
    routes_name(sim->options, &route, request->method_name, exchange->route);
    count_arrival(sim, request, &route);
    exchange->load = counters_enter(sim->counters, username);
    exchange->journal_number = journal_arrived(
        sim->journal, &(struct journal_entry){.method = request->method_name,
                                              .path = request->path,
                                              .query = request->query_text,
                                              .username = username,
                                              .has_authorization = request->authorization != NULL});
    bool is_faulty = faults_take(sim->faults, request, username, &exchange->action);
    json_decref(data);
    if (exchange->action.is_applied) {
        routes_serve(sim, request, &route, &exchange->answer);
    }
    if (is_faulty) {
        apply_fault(&exchange->answer, &exchange->action);
    }
}

void exchange_start(struct sim *sim, struct evhttp_request *http)
{
    struct exchange *exchange = new_exchange(sim, http);
    struct request request;
    request_init(&request, sim, http);
    serve(exchange, &request);
    request_clear(&request);
    /* The three borrow from the fault, which may be gone when the answer is due. */
    exchange->action.body = NULL;
    exchange->action.json = NULL;
    exchange->action.headers = NULL;
    int64_t delay_ms = sim->settings.latency_ms + exchange->action.delay_ms;
    if (delay_ms > 0 || exchange->action.close != CLOSE_NEVER ||
        is_misdelivered(&exchange->action)) {
        deliver_later(exchange, delay_ms);
    } else {
        deliver(exchange);
    }
}

static void close_where(struct sim *sim, bool only_hanging)
{
    for (struct exchange *exchange = sim->exchanges, *next = NULL; exchange != NULL;
         exchange = next) {
        next = exchange->next;
        if (!only_hanging || exchange->action.is_hanging) {
            close_exchange(exchange);
        }
    }
}

void exchange_close_hanging(struct sim *sim)
{
    close_where(sim, true);
}

void exchange_close_all(struct sim *sim)
{
    close_where(sim, false);
}
