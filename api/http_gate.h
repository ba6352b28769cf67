/* Stands between the bytes of one connection and evhttp. It judges each request, takes its body and
   keeps what the API reads of it; evhttp gets one of a few that are written here. So nothing that a
   stranger wrote is parsed twice, or by evhttp at all, and evhttp's own answers (HTML, and out of
   step with bodies that it does not read) never come up. Pure.

   A request that is refused becomes one too: so there is one way to answer, and to log. */
#ifndef OMNIHOOK_API_HTTP_GATE_H
#define OMNIHOOK_API_HTTP_GATE_H

#include "api/http_body.h"
#include "api/http_head.h"

enum http_gate_step {
    HTTP_GATE_MORE,     /* the request is not whole */
    HTTP_GATE_CONTINUE, /* the same, and its caller may wait for a 100 before it sends the body */
    HTTP_GATE_WHOLE,    /* http_gate_request is ready, also when it was refused */
};

/* Embedded: pair http_gate_init with http_gate_clear. */
struct http_gate {
    struct strbuf bytes;   /* of the head so far */
    struct strbuf fields;  /* what the handlers read of it */
    struct strbuf content; /* the body, where it is kept; is_full = it was longer */
    bool keeps_content;
    const char *request; /* what evhttp gets; NULL until the request is whole */
    struct http_head head;
    struct http_body body;
    const struct http_refusal *refusal; /* why this is the last request; NULL = a good one */
    bool has_begun;                     /* a byte of the request has come */
    bool has_head;
    bool has_line; /* the request line has been looked at, before the rest came */
    bool has_skipped_line;
    char last;        /* byte of the head; 0 = some text */
    size_t line_size; /* of its last line, without the end */
};

void http_gate_init(struct http_gate *gate);
/* From the next request on a body of at most max bytes is kept, in content. */
void http_gate_keep_content(struct http_gate *gate, size_t max);
void http_gate_clear(struct http_gate *gate);

/* Takes bytes up to the end of the request, of its head (HTTP_GATE_CONTINUE), or to what is wrong;
 *taken says how many. Not called again after HTTP_GATE_WHOLE before http_gate_next. */
enum http_gate_step http_gate_feed(struct http_gate *gate, const char *bytes, size_t size,
                                   size_t *taken);

/* For what bytes do not show, such as the time: makes the request whole, and refused. */
void http_gate_refuse(struct http_gate *gate, const struct http_refusal *refusal);

/* What evhttp gets, when the request is whole: a literal. */
const char *http_gate_request(const struct http_gate *gate);

/* The value of a field that http_head.c keeps, the first when there are many; NULL when there is
   none. Borrowed until http_gate_next. */
const char *http_gate_field(const struct http_gate *gate, const char *name);
/* The values of the last fields of that name, at most max, in their order; returns how many. */
size_t http_gate_last_fields(const struct http_gate *gate, const char *name, const char **values,
                             size_t max);

/* Forgets the request. Not after one that was refused: nobody knows where the next one begins. */
void http_gate_next(struct http_gate *gate);

#endif
