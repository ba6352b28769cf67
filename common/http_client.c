#include "common/http_client.h"

#include "common/http_transfer.h"
#include "common/mem.h"

#include <assert.h>
#include <event2/event.h>

/* One socket that libcurl wants watched. */
struct watch {
    struct http_client *client;
    struct event *event;
    struct watch *next; /* in the list of those to use again */
    int wanted;         /* CURL_POLL_IN ...; what event is added for */
};

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct event *timer;
    struct http_transfer *active;
    unsigned connections_max;
    struct watch *idle_watches;
};

static void check(CURLMcode result)
{
    /* Every other code is a wrong use of libcurl by this file, or no memory. */
    assert(result == CURLM_OK);
    (void)result;
}

/* ---- The transfers under way ---- */

static void link_active(struct http_client *client, struct http_transfer *transfer)
{
    transfer->previous = NULL;
    transfer->next = client->active;
    if (client->active != NULL) {
        client->active->previous = transfer;
    }
    client->active = transfer;
}

static void unlink_active(struct http_client *client, struct http_transfer *transfer)
{
    if (transfer->previous != NULL) {
        transfer->previous->next = transfer->next;
    } else {
        client->active = transfer->next;
    }
    if (transfer->next != NULL) {
        transfer->next->previous = transfer->previous;
    }
}

/* ---- libcurl and the loop ---- */

/* Tells each transfer that has ended. Not inside a callback of libcurl, so what is told may send
   and cancel as it likes; a cancel takes the message of a transfer that has ended out of the queue.
 */
static void complete_ended(struct http_client *client)
{
    int left = 0;
    CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        /* Read before the handle is removed: the message dies with that. */
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        struct http_transfer *transfer = NULL;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        check(curl_multi_remove_handle(client->multi, easy));
        unlink_active(client, transfer);
        http_transfer_complete(transfer, result);
        http_transfer_free(transfer);
    }
}

static void on_timer(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct http_client *client = arg;
    int running = 0;
    check(curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running));
    complete_ended(client);
}

static void on_socket_ready(evutil_socket_t fd, short events, void *arg)
{
    struct watch *watch = arg;
    struct http_client *client = watch->client;
    int running = 0;
    int ready = ((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    check(curl_multi_socket_action(client->multi, fd, ready, &running));
    complete_ended(client);
}

/* libcurl: call me in timeout_ms. Only notes it: inside this callback libcurl may not be called,
   not even for 0 ms. */
static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct http_client *client = arg;
    if (timeout_ms < 0) {
        loop_timer_stop(client->timer);
    } else {
        loop_timer_start(client->timer, timeout_ms);
    }
    return 0;
}

static struct watch *take_watch(struct http_client *client, curl_socket_t fd)
{
    struct watch *watch = client->idle_watches;
    if (watch == NULL) {
        watch = mem_new(1, sizeof *watch);
        watch->client = client;
        watch->event = event_new(loop_base(client->loop), -1, 0, on_socket_ready, watch);
        assert(watch->event != NULL);
    } else {
        client->idle_watches = watch->next;
    }
    watch->wanted = CURL_POLL_NONE;
    check(curl_multi_assign(client->multi, fd, watch));
    return watch;
}

/* libcurl: watch this socket for what, or no more. */
static int on_watch_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct http_client *client = arg;
    struct watch *watch = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            (void)event_del(watch->event);
            watch->next = client->idle_watches;
            client->idle_watches = watch;
        }
        return 0;
    }
    if (watch == NULL) {
        watch = take_watch(client, fd);
    }
    if (watch->wanted != what) {
        short events = EV_PERSIST;
        events = (short)(events | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0));
        events = (short)(events | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
        (void)event_del(watch->event);
        (void)event_assign(watch->event, loop_base(client->loop), fd, events, on_socket_ready,
                           watch);
        (void)event_add(watch->event, NULL);
        watch->wanted = what;
    }
    return 0;
}

/* ---- The client ---- */

/* Debian's libcurl brings GnuTLS along for RTMP, which we never speak. GnuTLS asks the program for
   this function (GNUTLS_SKIP_GLOBAL_INIT in its header) and then leaves out its start, which costs
   1 MiB. The linker is told to export it. */
/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): GnuTLS's name */
int _gnutls_global_init_skip(void);
int _gnutls_global_init_skip(void)
{
    return 1;
}
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */

/* libcurl, with the TLS library behind it, costs 2 MiB once it is initialised: not before the first
   call. */
static void start_curl(struct http_client *client)
{
    CURLcode is_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    assert(is_ready == CURLE_OK);
    (void)is_ready;
    client->multi = curl_multi_init();
    assert(client->multi != NULL);
    check(curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_watch_wanted));
    check(curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client));
    check(curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted));
    check(curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client));
    check(curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->connections_max));
    check(curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX));
}

struct http_client *http_client_new(struct loop *loop, unsigned connections_max)
{
    struct http_client *client = mem_new(1, sizeof *client);
    client->loop = loop;
    client->connections_max = connections_max;
    client->timer = loop_timer_new(loop, on_timer, client);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->active != NULL) {
        http_transfer_cancel(client->active);
    }
    if (client->multi != NULL) {
        check(
            curl_multi_cleanup(client->multi)); /* closes the connections: sockets are let go of */
        curl_global_cleanup();
    }
    while (client->idle_watches != NULL) {
        struct watch *watch = client->idle_watches;
        client->idle_watches = watch->next;
        event_free(watch->event);
        mem_free(watch);
    }
    event_free(client->timer);
    mem_free(client);
}

struct http_transfer *http_client_send(struct http_client *client,
                                       const struct http_request *request, http_done_fn *fn,
                                       void *arg)
{
    if (client->multi == NULL) {
        start_curl(client);
    }
    struct http_transfer *transfer = http_transfer_new(client);
    transfer->fn = fn;
    transfer->arg = arg;
    http_transfer_prepare(transfer, request);
    link_active(client, transfer);
    /* Only arms the timer: the request starts on the loop's next turn. */
    check(curl_multi_add_handle(client->multi, transfer->easy));
    return transfer;
}

void http_transfer_cancel(struct http_transfer *transfer)
{
    struct http_client *client = transfer->client;
    unlink_active(client, transfer);
    check(curl_multi_remove_handle(client->multi, transfer->easy));
    http_transfer_free(transfer);
}
