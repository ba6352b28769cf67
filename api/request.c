#include "api/request.h"

#include "api/request_internal.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/now.h"
#include "common/random_id.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h> /* TAILQ_FOREACH, for evhttp's list of headers */

struct request {
    struct evhttp_request *http; /* evhttp's until it is answered */
    struct request_group *group;
    int64_t started_ms; /* mono */
    const struct route *route;
    struct settings *settings; /* a reference; NULL until the caller is known */
    const struct account *account;
    char id[REQUEST_ID_MAX + 1];
    char job[RANDOM_ID_SIZE];
};

static bool is_good_id(const char *text)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strspn(text, good);
    return size > 0 && size <= REQUEST_ID_MAX && text[size] == '\0';
}

struct request *request_new(struct evhttp_request *http, struct request_group *group)
{
    struct request *request = mem_new(1, sizeof *request);
    request->http = http;
    request->group = group;
    request->started_ms = now_mono_ms();
    const char *given = request_header(request, "X-Request-Id");
    if (given != NULL && is_good_id(given)) {
        memcpy(request->id, given, strlen(given) + 1);
    } else {
        (void)random_id_make(request->id);
    }
    group->open++;
    return request;
}

void request_end(struct request *request, int status)
{
    log_info("request", log_text("id", request->id),
             log_text("method", request_method_name(request)),
             log_text("route", request->route == NULL ? NULL : request->route->name),
             log_int("status", status),
             log_text("account", request->account == NULL ? NULL : request->account->name),
             log_text("job", request->job[0] == '\0' ? NULL : request->job),
             log_int("ms", now_mono_ms() - request->started_ms));
    struct request_group *group = request->group;
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

const char *request_path(const struct request *request)
{
    const char *target = evhttp_request_get_uri(request->http);
    if (target[0] == '/' && target[1] == '/') {
        return target; /* evhttp takes the first part for a host; a server's path is all of it */
    }
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request->http);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    return path == NULL ? "" : path;
}

static const struct {
    enum evhttp_cmd_type command;
    enum method method;
    const char *name;
} methods[] = {
    {EVHTTP_REQ_GET, METHOD_GET, "GET"},           {EVHTTP_REQ_POST, METHOD_POST, "POST"},
    {EVHTTP_REQ_HEAD, METHOD_HEAD, "HEAD"},        {EVHTTP_REQ_OPTIONS, METHOD_OPTIONS, "OPTIONS"},
    {EVHTTP_REQ_PUT, METHOD_OTHER, "PUT"},         {EVHTTP_REQ_PATCH, METHOD_OTHER, "PATCH"},
    {EVHTTP_REQ_DELETE, METHOD_OTHER, "DELETE"},   {EVHTTP_REQ_TRACE, METHOD_OTHER, "TRACE"},
    {EVHTTP_REQ_CONNECT, METHOD_OTHER, "CONNECT"},
};
enum { METHOD_COUNT = sizeof methods / sizeof *methods };

enum method request_method(const struct request *request)
{
    enum evhttp_cmd_type command = evhttp_request_get_command(request->http);
    for (int i = 0; i < METHOD_COUNT; i++) {
        if (methods[i].command == command) {
            return methods[i].method;
        }
    }
    return METHOD_OTHER;
}

const char *request_method_name(const struct request *request)
{
    enum evhttp_cmd_type command = evhttp_request_get_command(request->http);
    for (int i = 0; i < METHOD_COUNT; i++) {
        if (methods[i].command == command) {
            return methods[i].name;
        }
    }
    return "OTHER"; /* evhttp 2.1 does not keep the name of a method that it does not know */
}

bool request_is_http_1_1(const struct request *request)
{
    return request->http->major == 1 && request->http->minor >= 1;
}

const char *request_header(const struct request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request->http), name);
}

size_t request_header_count(const struct request *request, const char *name)
{
    size_t count = 0;
    const struct evkeyval *header = NULL;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(request->http), next)
    {
        count += strcasecmp(header->key, name) == 0 ? 1 : 0;
    }
    return count;
}

size_t request_headers_size(const struct request *request)
{
    size_t size = 0;
    const struct evkeyval *header = NULL;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(request->http), next)
    {
        size += strlen(header->key) + strlen(header->value) + sizeof ": \r\n" - 1;
    }
    return size;
}

size_t request_body_size(const struct request *request)
{
    return evbuffer_get_length(evhttp_request_get_input_buffer(request->http));
}

bool request_must_close(const struct request *request)
{
    return request->group->is_closing;
}

void request_set_route(struct request *request, const struct route *route)
{
    request->route = route;
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
