/* Calls an API without pause, from a process of its own, and counts what becomes of each call. */
#ifndef OMNIHOOK_TESTS_SUPPORT_HTTP_LOAD_H
#define OMNIHOOK_TESTS_SUPPORT_HTTP_LOAD_H

#include <stdint.h>

struct http_load;

struct http_load_counts {
    int64_t answered; /* with 204 */
    int64_t failed;   /* anything else: no connection, another status, a connection that broke */
    /* A connection that had been used before was closed without a byte of the answer: the server
       closed it while the call was on its way, and the call was made again (RFC 9112, 9.3.1). */
    int64_t closed_idle;
};

/* POSTs to path with the API key on connections keep-alive connections at once, each call as soon
   as the one before is answered. address: "127.0.0.1:port". */
struct http_load *http_load_start(const char *address, const char *path, const char *key,
                                  int connections);
/* As they are now. */
struct http_load_counts http_load_counts(const struct http_load *load);
/* What was wrong with the first call that failed; "" when none has. */
const char *http_load_first_failure(const struct http_load *load);
/* Lets each connection finish its call, ends, and frees load. */
struct http_load_counts http_load_stop(struct http_load *load);

#endif
