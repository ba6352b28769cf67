/* The body of an HTTP/1 request: finds its end, and throws it away where nobody wants to read it.
   Chunks by the strict reading of RFC 9112, section 7. Pure. */
#ifndef OMNIHOOK_API_HTTP_BODY_H
#define OMNIHOOK_API_HTTP_BODY_H

#include "api/http_head.h"

enum http_body_state {
    BODY_LENGTH,
    BODY_SIZE,
    BODY_EXTENSION,
    BODY_SIZE_LF,
    BODY_DATA,
    BODY_DATA_CR,
    BODY_DATA_LF,
    BODY_LINE,
    BODY_NAME,
    BODY_VALUE,
    BODY_VALUE_LF,
    BODY_END_LF,
};

struct http_body {
    enum http_body_state state;
    uint64_t left;                      /* of the length, or of the chunk */
    uint64_t total;                     /* of all chunks */
    size_t digits;                      /* of the chunk's size */
    size_t extra;                       /* bytes of extensions and trailers */
    bool is_whole;                      /* the end has been found */
    const struct http_refusal *refusal; /* NULL as long as it is well formed */
    struct strbuf
        *kept; /* borrowed: gets the bytes, as far as they fit; NULL = nobody reads them */
};

/* A body as a well formed head announces it; without one it is whole at once. kept may be NULL. */
void http_body_start(struct http_body *body, const struct http_head *head, struct strbuf *kept);

/* Takes bytes up to the end of the body or to what is wrong in it; gives how many it took. */
size_t http_body_feed(struct http_body *body, const char *bytes, size_t size);

#endif
