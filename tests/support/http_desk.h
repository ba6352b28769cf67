/* The HTTP client at a desk, and across from it a server that answers with whatever bytes a test
   wants. */
#ifndef OMNIHOOK_TESTS_SUPPORT_HTTP_DESK_H
#define OMNIHOOK_TESTS_SUPPORT_HTTP_DESK_H

#include "common/http_client.h"
#include "tests/support/test.h"

#include <event2/bufferevent.h>
#include <event2/listener.h>

enum { HTTP_DESK_CONNECTIONS_MAX = 64, HTTP_DESK_REQUEST_SIZE = 16384 };

enum http_desk_server {
    SERVER_ANSWERS,
    SERVER_ANSWERS_THEN_CLOSES,
    SERVER_CLOSES, /* reads the request and closes */
    SERVER_IS_SILENT,
    SERVER_ANSWERS_AT_ONCE, /* to whatever comes */
    SERVER_HANGS_UP,        /* at the first bytes */
};

struct http_desk {
    struct loop *loop;
    struct http_client *client;
    struct evconnlistener *listener;
    struct bufferevent *connections[HTTP_DESK_CONNECTIONS_MAX];
    unsigned connection_count;
    unsigned request_count;
    unsigned closes_left; /* the first so many requests are met by SERVER_CLOSES */
    enum http_desk_server behaviour;
    const char *answer; /* bytes as they are sent */
    size_t answer_size; /* 0 = all of it */
    char last_request[HTTP_DESK_REQUEST_SIZE];
    char url[128];

    struct event *limit;
    unsigned done_count;
    unsigned wanted_count;
    int status;
    char *body;
    size_t body_size;
    char content_type[64];
    char retry_after[64];
    char date[64];
    bool has_failed;
    struct http_failure failure;
    struct http_transfer *other; /* for a test's own use */
};

/* For cmocka: *state is the struct http_desk in the test. */
int http_desk_set_up(void **state);
int http_desk_tear_down(void **state);
#define HTTP_DESK_TEST(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, http_desk_set_up, http_desk_tear_down)

/* A GET to the server. */
struct http_request http_desk_request(const struct http_desk *f);

/* Notes what came, in the desk that is its arg. */
void http_desk_on_done(void *arg, const struct http_response *response,
                       const struct http_failure *failure);

/* One call, waited for. */
void http_desk_call(struct http_desk *f, const struct http_request *request);

/* Runs the loop until count calls in all have ended; the test fails after limit_ms. */
void http_desk_wait(struct http_desk *f, unsigned count, int64_t limit_ms);
enum { HTTP_DESK_LIMIT_MS = 10000 };

/* Runs the loop for so long. */
void http_desk_run(struct http_desk *f, int64_t ms);

#endif
