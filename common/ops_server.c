#include "common/ops_server.h"

#include "common/accepting.h"
#include "common/listen_socket.h"
#include "common/log.h"
#include "common/mem.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEADERS_MAX_BYTES = 16 * 1024,
    BODY_MAX_BYTES = 64 * 1024,
    SILENCE_MAX_S = 10, /* scrapers and probes are quick, and may connect anew each time */
};

struct ops_server {
    struct loop *loop;
    struct evhttp *http;
    struct accepting *accepting;
    const struct listen_address *address; /* NULL when disowned */
    struct ops_pages pages;
};

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
    strbuf_init(&text, OPS_PAGE_BYTES_MAX);
    (void)strbuf_add_text(&text, body);
    send_body(request, status, "application/json", &text);
    strbuf_clear(&text);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    const struct ops_server *server = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const struct ops_page *page = ops_pages_find(&server->pages, evhttp_uri_get_path(uri));
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
    strbuf_init(&body, OPS_PAGE_BYTES_MAX);
    int status = page->fn(page->arg, &body);
    send_body(request, status, page->content_type, &body);
    strbuf_clear(&body);
}

static void serve(struct ops_server *server, int descriptor)
{
    server->http = evhttp_new(loop_base(server->loop));
    struct evhttp_bound_socket *bound =
        server->http == NULL ? NULL : evhttp_accept_socket_with_handle(server->http, descriptor);
    if (bound == NULL) {
        log_error("no_http_server", log_nothing());
        abort();
    }
    server->accepting = accepting_new(server->loop, evhttp_bound_socket_get_listener(bound));
    evhttp_set_max_headers_size(server->http, HEADERS_MAX_BYTES);
    evhttp_set_max_body_size(server->http, BODY_MAX_BYTES);
    evhttp_set_timeout(server->http, SILENCE_MAX_S);
    evhttp_set_gencb(server->http, on_request, server);
}

bool ops_server_listen(const struct listen_address *address, int *descriptor, struct error *err)
{
    *descriptor = -1;
    if (address->text == NULL) {
        return true;
    }
    *descriptor = listen_socket_open(address, err);
    if (*descriptor < 0 && address->is_default && err->code == ERROR_FULL) {
        log_warn("ops_not_listening", log_text("address", address->text), log_reason(err));
        return true;
    }
    if (*descriptor < 0) {
        return false;
    }
    char name[LISTEN_SOCKET_NAME_SIZE];
    log_info("ops_listening", log_text("address", listen_socket_name(name, *descriptor)));
    return true;
}

bool ops_server_start(struct loop *loop, const struct ops_server_options *options,
                      struct ops_server **server, struct error *err)
{
    int descriptor = -1;
    *server = NULL;
    if (!ops_server_listen(options->address, &descriptor, err)) {
        return false;
    }
    if (descriptor >= 0) {
        *server = mem_new(1, sizeof **server);
        (*server)->loop = loop;
        (*server)->address = options->address;
        ops_pages_init(&(*server)->pages, options->get_health, options->arg);
        serve(*server, descriptor);
    }
    return true;
}

static int replace(const struct event_base *base, const struct event *event, void *arg)
{
    (void)base;
    const int *nobody = arg;
    bool is_socket = (event_get_events(event) & (EV_READ | EV_WRITE)) != 0;
    if (is_socket && dup2(*nobody, event_get_fd(event)) < 0) {
        log_error("no_http_server", log_nothing());
        abort();
    }
    return 0;
}

/* evhttp knows no other end of a connection than shutdown(), which would end the parent's, too. So
   each socket that the loop watches is replaced by one that is connected to nobody. */
void ops_server_disown(struct ops_server *server)
{
    if (server == NULL) {
        return;
    }
    int nobody = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)event_base_foreach_event(loop_base(server->loop), replace, &nobody);
    (void)close(nobody);
    server->address = NULL;
}

void ops_server_free(struct ops_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->address != NULL) {
        listen_socket_remove(server->address);
    }
    accepting_free(server->accepting);
    evhttp_free(server->http);
    mem_free(server);
}

struct ops_pages *ops_server_pages(struct ops_server *server)
{
    return server == NULL ? NULL : &server->pages;
}
