/* One HTTP call between its start and its end, for http_call.c and http_calls.c. */
#ifndef OMNIHOOK_TESTS_SUPPORT_HTTP_PENDING_H
#define OMNIHOOK_TESTS_SUPPORT_HTTP_PENDING_H

#include "common/strbuf.h"
#include "tests/support/http_call.h"

#include <curl/curl.h>

struct http_pending {
    CURL *curl; /* owned; to be performed by the caller */
    struct curl_slist *list;
    struct strbuf headers;
    struct strbuf body;
    char error[CURL_ERROR_SIZE];
    int64_t start_ms;
};

/* Borrows call until it returns. */
struct http_pending *http_pending_new(const struct http_call *call);

/* Frees pending and gives the answer, to be freed; result is how curl ended the transfer. */
struct http_answer *http_pending_end(struct http_pending *pending, CURLcode result);

#endif
