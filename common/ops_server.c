#include "common/ops_server.h"

#include "common/listen_socket.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGES_MAX = 16,
    PAGE_BYTES_MAX = 4 * 1024 * 1024,
    HEADERS_MAX_BYTES = 16 * 1024,
    BODY_MAX_BYTES = 64 * 1024,
    SILENCE_MAX_S = 10, /* scrapers and probes are quick, and may connect anew each time */
};

struct page {
    const char *path;
    const char *content_type;
    ops_page_fn *fn;
    void *arg;
};

struct ops_server {
    struct evhttp *http;
    struct ops_server_options options;
    struct page pages[PAGES_MAX];
    size_t page_count;
};

static const struct page *find_page(const struct ops_server *server, const char *path)
{
    for (size_t i = 0; i < server->page_count; i++) {
        if (strcmp(server->pages[i].path, path) == 0) {
            return &server->pages[i];
        }
    }
    return NULL;
}

static void send_body(struct evhttp_request *request, int status, const char *content_type,
                      const struct strbuf *body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    (void)evhttp_add_header(headers, "Content-Type", content_type);
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
        (void)evbuffer_add(evhttp_request_get_output_buffer(request), body->bytes, body->size);
    }
    evhttp_send_reply(request, status, NULL, NULL);
}

static void send_error(struct evhttp_request *request, int status, const char *body)
{
    struct strbuf text;
    strbuf_init(&text, PAGE_BYTES_MAX);
    (void)strbuf_add_text(&text, body);
    send_body(request, status, "application/json", &text);
    strbuf_clear(&text);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    const struct ops_server *server = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const struct page *page = find_page(server, evhttp_uri_get_path(uri));
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (page == NULL) {
        send_error(request, HTTP_NOTFOUND, "{\"detail\": \"Not found.\"}");
        return;
    }
    if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        send_error(request, HTTP_BADMETHOD, "{\"detail\": \"Method not allowed.\"}");
        return;
    }
    struct strbuf body;
    strbuf_init(&body, PAGE_BYTES_MAX);
    int status = page->fn(page->arg, &body);
    send_body(request, status, page->content_type, &body);
    strbuf_clear(&body);
}

static struct ops_health ask_health(const struct ops_server *server)
{
    struct ops_health health = {.not_turning = NULL};
    server->options.get_health(server->options.arg, &health);
    return health;
}

static void add_reason(json_t *document, const char *key, const char *text)
{
    if (text != NULL) {
        /* Not every text of the outside is UTF-8, which is all that jansson takes. */
        json_t *value = json_string(text);
        (void)json_object_set_new(document, key, value != NULL ? value : json_string("unreadable"));
    }
}

/* Prints and releases document. */
static int show(json_t *document, bool is_good, struct strbuf *body)
{
    char *text = json_dumps(document, 0);
    (void)strbuf_add_text(body, text);
    free(text);
    json_decref(document);
    return is_good ? HTTP_OK : HTTP_SERVUNAVAIL;
}

/* That this runs at all says that this process's loop turns. */
static int show_health(void *arg, struct strbuf *body)
{
    struct ops_health health = ask_health(arg);
    bool is_good = health.not_turning == NULL;
    json_t *document = json_pack("{s:s}", "status", is_good ? "ok" : "unhealthy");
    add_reason(document, "reason", health.not_turning);
    return show(document, is_good, body);
}

static int show_readiness(void *arg, struct strbuf *body)
{
    struct ops_health health = ask_health(arg);
    bool is_good = health.not_ready == NULL;
    json_t *document = json_pack("{s:s}", "status", is_good ? "ready" : "unavailable");
    add_reason(document, "reason", health.not_ready);
    add_reason(document, "settings_fault", health.settings_fault);
    return show(document, is_good, body);
}

static void serve(struct ops_server *server, struct loop *loop, int descriptor)
{
    server->http = evhttp_new(loop_base(loop));
    if (server->http == NULL || evhttp_accept_socket(server->http, descriptor) != 0) {
        log_error("no_http_server", log_nothing());
        abort();
    }
    evhttp_set_max_headers_size(server->http, HEADERS_MAX_BYTES);
    evhttp_set_max_body_size(server->http, BODY_MAX_BYTES);
    evhttp_set_timeout(server->http, SILENCE_MAX_S);
    evhttp_set_gencb(server->http, on_request, server);
    ops_server_add_page(server, "/healthz", "application/json", show_health, server);
    ops_server_add_page(server, "/readyz", "application/json", show_readiness, server);
}

bool ops_server_start(struct loop *loop, const struct ops_server_options *options,
                      struct ops_server **server, struct error *err)
{
    const struct listen_address *address = options->address;
    *server = NULL;
    if (address->text == NULL) {
        return true;
    }
    struct error why_not;
    int descriptor = listen_socket_open(address, &why_not);
    if (descriptor < 0 && address->is_default && why_not.code == ERROR_FULL) {
        log_warn("ops_not_listening", log_text("address", address->text), log_reason(&why_not));
        return true;
    }
    if (descriptor < 0) {
        return error_set(err, why_not.code, "OMNIHOOK_OPS_LISTEN: %s", why_not.text);
    }

    *server = mem_new(1, sizeof **server);
    (*server)->options = *options;
    serve(*server, loop, descriptor);
    char name[LISTEN_SOCKET_NAME_SIZE];
    log_info("ops_listening", log_text("address", listen_socket_name(name, descriptor)));
    return true;
}

void ops_server_free(struct ops_server *server)
{
    if (server != NULL) {
        listen_socket_remove(server->options.address);
    }
    ops_server_forget(server);
}

void ops_server_forget(struct ops_server *server)
{
    if (server == NULL) {
        return;
    }
    evhttp_free(server->http);
    mem_free(server);
}

void ops_server_add_page(struct ops_server *server, const char *path, const char *content_type,
                         ops_page_fn *fn, void *arg)
{
    if (server == NULL) {
        return;
    }
    assert(server->page_count < PAGES_MAX);
    server->pages[server->page_count++] =
        (struct page){.path = path, .content_type = content_type, .fn = fn, .arg = arg};
}
