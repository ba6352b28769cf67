/* What the libraries themselves cost: evhttp that answers 204, and evhttp that pushes one element
   to a Redis list before it does. Nothing is checked, nothing is limited: a lower bound to compare
   with, not a server.

   usage: omnihook-bench-bare            answers 204
          omnihook-bench-bare SOCKET     LPUSH by the Redis at that unix socket, then 204 */
#include <event2/event.h>
#include <event2/http.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char element[] =
    "{\"id\":\"0123456789abcdef0123456789abcdef\",\"account\":\"a1234\","
    "\"action\":\"execute\",\"enqueued_at\":\"2026-01-31T10:00:00.000Z\"}";

static void answer(struct evhttp_request *request)
{
    evhttp_send_reply(request, HTTP_NOCONTENT, NULL, NULL);
}

static void on_pushed(redisAsyncContext *redis, void *reply, void *arg)
{
    (void)redis;
    if (reply == NULL) {
        _exit(1);
    }
    answer(arg);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    redisAsyncContext *redis = arg;
    if (redis == NULL) {
        answer(request);
        return;
    }
    const char *words[] = {"LPUSH", "bare", element};
    const size_t sizes[] = {5, 4, sizeof element - 1};
    (void)redisAsyncCommandArgv(redis, on_pushed, request, 3, words, sizes);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();
    redisAsyncContext *redis = NULL;
    if (argc > 1) {
        redis = redisAsyncConnectUnix(argv[1]);
        if (redis == NULL || redis->err != 0 || redisLibeventAttach(redis, base) != REDIS_OK) {
            (void)fputs("no Redis\n", stderr);
            return 1;
        }
    }
    struct evhttp *http = evhttp_new(base);
    evhttp_set_gencb(http, on_request, redis);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t size = sizeof name;
    if (bound == NULL ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&name, &size) != 0) {
        return 1;
    }
    (void)fprintf(stderr, "event=listening address=127.0.0.1:%d \n", ntohs(name.sin_port));
    return event_base_dispatch(base);
}
