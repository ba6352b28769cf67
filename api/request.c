#include "api/request.h"

#include "api/peer.h"
#include "api/request_internal.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"
#include "common/number_text.h"
#include "common/random_id.h"

#include <assert.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <string.h>

struct request {
    struct evhttp_request *http; /* evhttp's until it is answered */
    struct request_group *group;
    int64_t started_us;        /* mono */
    const struct route *route; /* NULL when there is none, or it was refused */
    struct settings *settings; /* a reference; NULL until the caller is known */
    const struct account *account;
    bool is_http_1_0;
    char method[HTTP_METHOD_MAX + 1];
    char id[REQUEST_ID_MAX + 1];
    char job[RANDOM_ID_SIZE];
};

static bool is_good_id(const char *text)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strspn(text, good);
    return size > 0 && size <= REQUEST_ID_MAX && text[size] == '\0';
}

struct request *request_new(struct evhttp_request *http, const struct http_gate *gate,
                            struct request_group *group)
{
    struct request *request = mem_new(1, sizeof *request);
    request->http = http;
    request->group = group;
    group->arriving = request;
    group->gate = gate;
    request->started_us = now_mono_us();
    request->is_http_1_0 = gate->head.is_http_1_0;
    memcpy(request->method, gate->head.method, sizeof request->method);
    request->route = gate->refusal == NULL ? routes_find(gate->head.path) : NULL;
    const char *given = request_header(request, "X-Request-Id");
    if (given != NULL && is_good_id(given)) {
        memcpy(request->id, given, strlen(given) + 1);
    } else {
        (void)random_id_make(request->id);
    }
    group->open++;
    metrics_add(METRIC_HTTP_OPEN_REQUESTS, NULL, NULL, 1);
    return request;
}

void request_arrived(struct request_group *group)
{
    group->arriving = NULL;
    group->gate = NULL;
}

static void count(const struct request *request, int status, int64_t duration_us)
{
    char status_text[NUMBER_TEXT_SIZE];
    const char *route = request->route == NULL ? NULL : request->route->name;
    (void)number_print(status_text, status);
    metrics_count(METRIC_HTTP_REQUESTS, route, status_text);
    metrics_observe(METRIC_HTTP_DURATION, route, duration_us);
    metrics_add(METRIC_HTTP_OPEN_REQUESTS, NULL, NULL, -1);
}

void request_end(struct request *request, int status, const char *reason)
{
    int64_t duration_us = now_mono_us() - request->started_us;
    count(request, status, duration_us);
    log_info("request", log_text("id", request->id),
             log_text("method", request->method[0] == '\0' ? NULL : request->method),
             log_text("route", request->route == NULL ? NULL : request->route->name),
             log_int("status", status),
             log_text("account", request->account == NULL ? NULL : request->account->name),
             log_text("job", request->job[0] == '\0' ? NULL : request->job),
             log_int("ms", duration_us / 1000));
    struct request_group *group = request->group;
    group->send(group->arg, request->http, status, reason);
    if (request->settings != NULL) {
        settings_unref(request->settings);
    }
    mem_free(request);
    group->open--;
    if (group->open == 0 && group->on_none_open != NULL) {
        group->on_none_open(group->arg);
    }
}

struct evhttp_request *request_http(const struct request *request)
{
    return request->http;
}

const char *request_id(const struct request *request)
{
    return request->id;
}

bool request_is_http_1_0(const struct request *request)
{
    return request->is_http_1_0;
}

enum method request_method(const struct request *request)
{
    static const struct {
        const char *name;
        enum method method;
    } served[] = {{"GET", METHOD_GET},
                  {"POST", METHOD_POST},
                  {"HEAD", METHOD_HEAD},
                  {"OPTIONS", METHOD_OPTIONS}};
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        if (strcmp(served[i].name, request->method) == 0) {
            return served[i].method;
        }
    }
    return METHOD_OTHER;
}

const char *request_method_name(const struct request *request)
{
    return request->method;
}

static const struct http_gate *head_of(const struct request *request)
{
    assert(request->group->arriving == request);
    return request->group->gate;
}

const char *request_header(const struct request *request, const char *name)
{
    return http_gate_field(head_of(request), name);
}

size_t request_last_headers(const struct request *request, const char *name, const char **values,
                            size_t max)
{
    return http_gate_last_fields(head_of(request), name, values, max);
}

void request_peer(const struct request *request, struct ip_address *address)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request->http);
    if (connection == NULL) {
        *address = (struct ip_address){{0}};
        return;
    }
    peer_address(address, bufferevent_getfd(evhttp_connection_get_bufferevent(connection)));
}

bool request_must_close(const struct request *request)
{
    return request->group->is_closing;
}

const struct route *request_route(const struct request *request)
{
    return request->route;
}

void request_set_account(struct request *request, struct settings *settings,
                         const struct account *account)
{
    request->settings = settings_ref(settings);
    request->account = account;
}

const struct account *request_account(const struct request *request)
{
    return request->account;
}

struct settings *request_settings(const struct request *request)
{
    return request->settings;
}

void request_note_job(struct request *request, const char *job)
{
    size_t size = strnlen(job, RANDOM_ID_SIZE - 1);
    memcpy(request->job, job, size);
    request->job[size] = '\0';
}
