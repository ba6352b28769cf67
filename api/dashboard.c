#include "api/dashboard_internal.h"

#include "api/account_names.h"
#include "api/connections.h"
#include "api/dashboard_files.h"
#include "common/listen_socket.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    ADDRESS_CONNECTIONS_MAX = 64, /* a browser with all its tabs, and a scraper */
    READ_TIMEOUT_MS = 10000,
    IDLE_TIMEOUT_MS = 30000,
    CALLS_MAX = 64, /* open at once: they may share a connection to Redis with the API's own */
};

enum { UNSUPPORTED_MEDIA_TYPE = 415 };

/* A call under /ops/. */
struct call {
    const char *path;
    dashboard_handler_fn *handle;
    const char *const *parameters; /* of the query; NULL = an act, which has none */
};

static const char *const no_parameters[] = {NULL};
static const char *const of_accounts[] = {"view", "search", "after", "limit", NULL};
static const char *const of_dead[] = {"after", "limit", NULL};
static const char *const of_an_account[] = {"account", NULL};

static const struct call calls[] = {
    {"/ops/session", dashboard_session, no_parameters},
    {"/ops/overview", dashboard_overview, no_parameters},
    {"/ops/accounts", dashboard_accounts, of_accounts},
    {"/ops/workers", dashboard_workers, no_parameters},
    {"/ops/dead", dashboard_dead, of_dead},
    {"/ops/report", dashboard_report, of_an_account},
    {"/ops/history", dashboard_history, of_an_account},
    {"/ops/plan", dashboard_plan, of_an_account},
    {"/ops/events", dashboard_events, no_parameters},
    {"/ops/execute", dashboard_execute, NULL},
    {"/ops/abort", dashboard_abort, NULL},
    {"/ops/retry", dashboard_retry, NULL},
    {"/ops/drop", dashboard_drop, NULL},
};

static const struct call *find_call(const char *path)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i].path, path) == 0) {
            return &calls[i];
        }
    }
    return NULL;
}

/* False when it has been answered. */
static bool check_method(struct dashboard_request *request, const char *method, bool is_act)
{
    bool is_good = is_act ? strcmp(method, "POST") == 0
                          : strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!is_good) {
        dashboard_add_header(request, "Allow", is_act ? "POST" : "GET, HEAD");
        dashboard_reply_error(request, HTTP_BADMETHOD, "Method not allowed.");
    }
    return is_good;
}

static void show_page(struct dashboard_request *request, const struct ops_page *page)
{
    struct strbuf body;
    strbuf_init(&body, OPS_PAGE_BYTES_MAX);
    int status = page->fn(page->arg, &body);
    dashboard_reply(request, status, page->content_type, body.bytes, body.size);
    strbuf_clear(&body);
}

/* "application/json", with or without parameters. */
static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t size = sizeof json - 1;
    return content_type != NULL && strncasecmp(content_type, json, size) == 0 &&
           strchr("; \t", content_type[size]) != NULL;
}

/* What a page of another site could make a browser send is refused here, whatever key it has. */
static bool check_origin(struct dashboard_request *request, bool is_act)
{
    if (dashboard_access_is_foreign(request)) {
        dashboard_reply_error(request, 403, "The call comes from a page of another origin.");
        return false;
    }
    if (is_act && !is_json(dashboard_request_header(request, "Content-Type"))) {
        dashboard_reply_error(request, UNSUPPORTED_MEDIA_TYPE,
                              "Content-Type: must be application/json.");
        return false;
    }
    if (is_act && dashboard_request_body(request)->is_full) {
        dashboard_reply_error(request, 413, "The body is larger than 1 KiB.");
        return false;
    }
    return true;
}

static void take_call(struct dashboard *dashboard, struct dashboard_request *request,
                      const struct call *call, const char *query)
{
    bool is_act = call->parameters == NULL;
    struct error err;
    if (dashboard->is_stopping) {
        dashboard_reply_try_later(request, HTTP_SERVUNAVAIL, 1, "The service is stopping.");
        return;
    }
    if (dashboard->requests.open > CALLS_MAX) {
        dashboard_reply_try_later(request, HTTP_SERVUNAVAIL, 1, "Too many calls are open.");
        return;
    }
    if (!dashboard_access_check(dashboard, request, is_act) || !check_origin(request, is_act)) {
        return;
    }
    if (!dashboard_query_parse(dashboard_request_query(request), query,
                               is_act ? no_parameters : call->parameters, &err)) {
        dashboard_reply_error(request, HTTP_BADREQUEST, err.text);
        return;
    }
    call->handle(dashboard, request);
}

static void dispatch(struct dashboard *dashboard, struct dashboard_request *request,
                     const struct http_head *head)
{
    const struct ops_page *page = ops_pages_find(&dashboard->pages, head->path);
    const struct dashboard_file *file = dashboard_file_find(head->path);
    const struct call *call = find_call(head->path);
    if (page == NULL && file == NULL && call == NULL) {
        dashboard_reply_error(request, HTTP_NOTFOUND, "Not found.");
    } else if (!check_method(request, head->method, call != NULL && call->parameters == NULL)) {
        return;
    } else if (page != NULL) {
        show_page(request, page);
    } else if (file != NULL) {
        dashboard_reply(request, HTTP_OK, dashboard_file_type(file), file->bytes, *file->size);
    } else {
        take_call(dashboard, request, call, head->query);
    }
}

static void on_http_request(struct evhttp_request *http, void *arg)
{
    struct dashboard *dashboard = arg;
    const struct http_gate *gate = connections_on_request(dashboard->connections, http);
    struct dashboard_request *request = dashboard_request_new(http, gate, &dashboard->requests);
    const struct http_refusal *refusal = gate->refusal;
    if (refusal != NULL && refusal->retry_after_s > 0) {
        dashboard_reply_try_later(request, refusal->status, refusal->retry_after_s,
                                  refusal->detail);
    } else if (refusal != NULL) {
        dashboard_reply_error(request, refusal->status, refusal->detail);
    } else {
        dispatch(dashboard, request, &gate->head);
    }
}

static void send_reply(void *arg, struct evhttp_request *http, int status, const char *reason)
{
    const struct dashboard *dashboard = arg;
    connections_send_reply(dashboard->connections, http, status, reason);
}

bool dashboard_is_drained(const struct dashboard *dashboard)
{
    return dashboard->is_stopping &&
           (dashboard->http == NULL || connections_count(dashboard->connections) == 0);
}

static void on_none_left(void *arg)
{
    const struct dashboard *dashboard = arg;
    if (dashboard->is_stopping && !dashboard->is_going) {
        dashboard->options.on_drained(dashboard->options.arg);
    }
}

void dashboard_serve(struct dashboard *dashboard)
{
    if (dashboard->options.listener < 0 || dashboard->http != NULL) {
        return;
    }
    dashboard->http = evhttp_new(loop_base(dashboard->loop));
    struct evhttp_bound_socket *bound =
        dashboard->http == NULL
            ? NULL
            : evhttp_accept_socket_with_handle(dashboard->http, dashboard->options.listener);
    if (bound == NULL) {
        log_error("no_http_server", log_nothing());
        abort();
    }
    const struct connections_options options = {
        .read_timeout_ms = READ_TIMEOUT_MS,
        .idle_timeout_ms = IDLE_TIMEOUT_MS,
        .max = DASHBOARD_CONNECTIONS_MAX,
        .address_max = ADDRESS_CONNECTIONS_MAX,
        .trusted = &dashboard->options.config->trusted_proxies,
        .content_max = DASHBOARD_BODY_MAX_BYTES,
        .on_none_left = on_none_left,
        .arg = dashboard,
    };
    dashboard->connections = connections_new(dashboard->loop, dashboard->http,
                                             evhttp_bound_socket_get_listener(bound), &options);
    evhttp_set_gencb(dashboard->http, on_http_request, dashboard);
}

struct dashboard *dashboard_new(struct loop *loop, const struct dashboard_options *options)
{
    struct dashboard *dashboard = mem_new(1, sizeof *dashboard);
    *dashboard = (struct dashboard){
        .loop = loop,
        .options = *options,
        .requests = {.dashboard = dashboard, .send = send_reply, .arg = dashboard},
        .wrong_keys = wrong_keys_new(),
        .names = account_names_new(),
    };
    error_set(&dashboard->why_down, ERROR_UNAVAILABLE, "not connected yet");
    ops_pages_init(&dashboard->pages, options->get_health, options->health_arg);
    dashboard->streams = dashboard_streams_new(dashboard);
    return dashboard;
}

struct ops_pages *dashboard_pages(struct dashboard *dashboard)
{
    return &dashboard->pages;
}

void dashboard_on_redis_state(struct dashboard *dashboard, const struct error *why_down)
{
    dashboard->is_redis_up = why_down == NULL;
    if (why_down != NULL) {
        dashboard->why_down = *why_down;
    }
    dashboard_streams_on_redis_state(dashboard->streams);
}

void dashboard_on_new_settings(struct dashboard *dashboard)
{
    account_names_forget(dashboard->names);
}

void dashboard_stop(struct dashboard *dashboard)
{
    dashboard->is_stopping = true;
    dashboard->requests.is_closing = true;
    dashboard_streams_stop(dashboard->streams);
    if (dashboard->http != NULL) {
        connections_drain(dashboard->connections);
    }
}

void dashboard_free(struct dashboard *dashboard)
{
    if (dashboard == NULL) {
        return;
    }
    assert(dashboard->requests.open == 0);
    dashboard->is_going = true;
    dashboard_streams_free(dashboard->streams);
    if (dashboard->http != NULL) {
        connections_forget_listener(dashboard->connections);
        evhttp_free(dashboard->http);
        connections_free(dashboard->connections);
    }
    account_names_free(dashboard->names);
    wrong_keys_free(dashboard->wrong_keys);
    mem_free(dashboard);
}
