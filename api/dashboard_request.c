#include "api/dashboard_request.h"

#include "api/peer.h"
#include "api/reply.h"
#include "common/mem.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_AFTER_S = 1 };

struct dashboard_request {
    struct evhttp_request *http;  /* evhttp's until it is answered */
    const struct http_gate *gate; /* borrowed while the call is dispatched */
    struct dashboard_requests *all;
    bool is_head;
    struct dashboard_caller caller;
    struct dashboard_subject subject;
    struct dashboard_query query;
    struct strbuf body;
};

struct dashboard_request *dashboard_request_new(struct evhttp_request *http,
                                                const struct http_gate *gate,
                                                struct dashboard_requests *all)
{
    struct dashboard_request *request = mem_new(1, sizeof *request);
    request->http = http;
    request->gate = gate;
    request->all = all;
    request->is_head = strcmp(gate->head.method, "HEAD") == 0;
    strbuf_init(&request->body, DASHBOARD_BODY_MAX_BYTES);
    (void)strbuf_add(&request->body, gate->content.bytes, gate->content.size);
    request->body.is_full = gate->content.is_full;
    all->open++;
    return request;
}

struct dashboard *dashboard_request_dashboard(const struct dashboard_request *request)
{
    return request->all->dashboard;
}

struct dashboard_caller *dashboard_request_caller(struct dashboard_request *request)
{
    return &request->caller;
}

struct dashboard_subject *dashboard_request_subject(struct dashboard_request *request)
{
    return &request->subject;
}

struct dashboard_query *dashboard_request_query(struct dashboard_request *request)
{
    return &request->query;
}

bool dashboard_request_is_head(const struct dashboard_request *request)
{
    return request->is_head;
}

const struct strbuf *dashboard_request_body(const struct dashboard_request *request)
{
    return &request->body;
}

const char *dashboard_request_header(const struct dashboard_request *request, const char *name)
{
    return http_gate_field(request->gate, name);
}

size_t dashboard_request_last_headers(const struct dashboard_request *request, const char *name,
                                      const char **values, size_t max)
{
    return http_gate_last_fields(request->gate, name, values, max);
}

void dashboard_request_peer(const struct dashboard_request *request, struct ip_address *address)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request->http);
    if (connection == NULL) {
        *address = (struct ip_address){{0}};
        return;
    }
    peer_address(address, bufferevent_getfd(evhttp_connection_get_bufferevent(connection)));
}

void dashboard_add_header(struct dashboard_request *request, const char *name, const char *value)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(request->http), name, value);
}

/* ---- Answers ---- */

/* The page loads nothing from elsewhere, runs nothing but its own files, and nobody frames it. */
static void add_security_headers(struct dashboard_request *request)
{
    static const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
         "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        dashboard_add_header(request, headers[i].name, headers[i].value);
    }
}

/* Frees request; evhttp's part is still to be answered. */
static struct evhttp_request *end(struct dashboard_request *request)
{
    struct evhttp_request *http = request->http;
    request->all->open--;
    dashboard_query_clear(&request->query);
    strbuf_clear(&request->body);
    mem_free(request);
    return http;
}

static void send_answer(struct dashboard_request *request, int status)
{
    struct dashboard_requests *all = request->all;
    add_security_headers(request);
    if (all->is_closing) {
        dashboard_add_header(request, "Connection", "close");
    }
    struct evhttp_request *http = end(request);
    /* evhttp knows too few names of statuses. */
    all->send(all->arg, http, status, status == 429 ? "Too Many Requests" : NULL);
}

void dashboard_reply(struct dashboard_request *request, int status, const char *content_type,
                     const void *bytes, size_t size)
{
    char length[24];
    (void)snprintf(length, sizeof length, "%zu", size);
    dashboard_add_header(request, "Content-Type", content_type);
    dashboard_add_header(request, "Content-Length", length);
    if (!request->is_head) {
        (void)evbuffer_add(evhttp_request_get_output_buffer(request->http), bytes, size);
    }
    send_answer(request, status);
}

void dashboard_reply_json(struct dashboard_request *request, const char *text, size_t size)
{
    dashboard_reply(request, HTTP_OK, "application/json", text, size);
}

void dashboard_reply_no_content(struct dashboard_request *request)
{
    send_answer(request, HTTP_NOCONTENT);
}

void dashboard_reply_error(struct dashboard_request *request, int status, const char *detail)
{
    json_t *document = json_pack("{s:s}", "detail", detail);
    if (document == NULL) { /* not UTF-8 */
        document = json_pack("{s:s}", "detail", "The reason is not readable.");
    }
    char *text = json_dumps(document, JSON_ENSURE_ASCII);
    json_decref(document);
    dashboard_reply(request, status, "application/json", text, strlen(text));
    free(text);
}

void dashboard_reply_try_later(struct dashboard_request *request, int status, int64_t seconds,
                               const char *detail)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, seconds);
    dashboard_add_header(request, "Retry-After", text);
    dashboard_reply_error(request, status, detail);
}

/* More than callers of the API are told: an operator wants to know why. */
void dashboard_reply_queue_error(struct dashboard_request *request, const struct error *why_not)
{
    char outage[ERROR_TEXT_SIZE + 64];
    const char *detail = reply_queue_detail(why_not);
    if (detail == NULL) {
        (void)snprintf(outage, sizeof outage, "Redis is not available: %s", why_not->text);
        detail = outage;
    }
    dashboard_reply_try_later(request, HTTP_SERVUNAVAIL, RETRY_AFTER_S, detail);
}

struct evhttp_request *dashboard_reply_start(struct dashboard_request *request,
                                             const char *content_type)
{
    dashboard_add_header(request, "Content-Type", content_type);
    add_security_headers(request);
    struct evhttp_request *http = end(request);
    evhttp_send_reply_start(http, HTTP_OK, NULL);
    return http;
}
