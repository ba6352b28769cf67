/* One HTTP transfer and its curl easy handle. For http_client.c only: it owns the multi handle that
   drives them, and keeps the connections.

   A handle is used once. Making one costs a microsecond, and nothing of one call can reach the
   next: not an authority that one account trusts, nor what libcurl before 8.1.1 forgets to clear (a
   later answer whose first header starts with a space made it read freed memory:
   https://github.com/curl/curl/issues/11101). */
#ifndef OMNIHOOK_COMMON_HTTP_TRANSFER_H
#define OMNIHOOK_COMMON_HTTP_TRANSFER_H

#include "common/http_client.h"
#include "common/strbuf.h"

#include <curl/curl.h>

enum { HTTP_HEADER_TEXT_SIZE = 64 };

struct http_transfer {
    struct http_client *client;
    struct http_transfer *next; /* in the client's list of those under way */
    struct http_transfer *previous;
    CURL *easy;

    http_done_fn *fn;
    bool (*may_send)(void *arg);
    void *arg;
    char *origin; /* "https://host:port", for messages */
    bool has_proxy;
    struct strbuf sent; /* the headers' texts, then the body: may hold secrets */
    struct curl_slist lines[HTTP_HEADERS_MAX + 1]; /* point into sent */

    struct strbuf body;
    size_t header_bytes;
    char retry_after[HTTP_HEADER_TEXT_SIZE];
    char date[HTTP_HEADER_TEXT_SIZE];
    bool was_sent;
    bool is_refused; /* by may_send */
    bool is_too_large;
    char curl_text[CURL_ERROR_SIZE];
};

struct http_transfer *http_transfer_new(struct http_client *client);
/* Wipes what it sent. */
void http_transfer_free(struct http_transfer *transfer);

/* Makes the easy handle ready for request, copying it. */
void http_transfer_prepare(struct http_transfer *transfer, const struct http_request *request);

/* Tells fn how it ended. The transfer must be out of the multi handle. */
void http_transfer_complete(struct http_transfer *transfer, CURLcode result);

#endif
