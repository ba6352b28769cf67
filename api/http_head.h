/* The head of an HTTP/1 request, the request line and the header lines, by the strict reading of
   RFC 9110 and 9112: where two parsers could read it in two ways, it is refused. Pure. */
#ifndef OMNIHOOK_API_HTTP_HEAD_H
#define OMNIHOOK_API_HTTP_HEAD_H

#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_HEAD_BYTES_MAX = 16 * 1024, /* all lines with their ends */
    HTTP_FIELDS_MAX = 100,
    HTTP_METHOD_MAX = 32,
    HTTP_BODY_BYTES_MAX = 64 * 1024,
};

/* Why a request is no request of ours. All are static. */
struct http_refusal {
    int status;
    const char *detail;
    int64_t retry_after_s; /* 0 = nothing is said about it */
};

extern const struct http_refusal http_head_too_large;
extern const struct http_refusal http_body_too_large;

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED };

struct http_head {
    char method[HTTP_METHOD_MAX + 1]; /* "" until it is known */
    const char *path;  /* without the query; borrowed from the parsed bytes; NULL when refused */
    const char *query; /* behind the question mark; borrowed as path is; NULL = none */
    bool is_http_1_0;
    bool is_last; /* the connection ends with the answer */
    bool expects_continue;
    enum http_framing framing;
    uint64_t length; /* HTTP_LENGTH: above 0, and not above HTTP_BODY_BYTES_MAX */
};

/* Reads a whole head: bytes end with the empty line, every line with CR LF, and there is no other
   control byte than HTAB. Appends to kept the fields that the API reads. NULL = well formed; head
   then borrows from bytes, which it changes. */
const struct http_refusal *http_head_parse(struct http_head *head, char *bytes, size_t size,
                                           struct strbuf *kept);

/* The next of the kept fields, in their order; *at is 0 before the first. NULL = there is none. */
const char *http_head_next_kept(const struct strbuf *kept, size_t *at, const char **value);

/* The verdict on a request line, without its end, before the rest has come. */
const struct http_refusal *http_head_check_line(const char *line, size_t size);

#endif
