/* One HTTP call, made and waited for. */
#ifndef OMNIHOOK_TESTS_SUPPORT_HTTP_CALL_H
#define OMNIHOOK_TESTS_SUPPORT_HTTP_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_call {
    const char *method;         /* NULL = GET */
    const char *address;        /* "unix:/path" or "host:port" */
    const char *path;           /* with the query, from the first slash on */
    const char *const *headers; /* "Name: value" ..., ends with NULL; NULL = none */
    const char *body;           /* NULL = none */
    int64_t limit_ms;           /* 0 = 30 s */
};

struct http_answer {
    int status;      /* 0 = no answer: error says why */
    char *headers;   /* owned; the last answer's header lines as they came */
    char *body;      /* owned; never NULL; 0-terminated */
    size_t size;     /* of the body */
    json_t *json;    /* owned; NULL when the body is not JSON */
    char error[256]; /* "" when there is an answer */
    int64_t took_ms; /* from the call to its end */
};

/* Gives the answer, to be freed; also when the server is away or too slow. Follows no redirect. */
struct http_answer *http_call(const struct http_call *call);
void http_answer_free(struct http_answer *answer);

/* The value of the first header of that name (in any case), to be mem_freed; NULL when missing. */
char *http_answer_header(const struct http_answer *answer, const char *name);

/* The text at key of the body's object; NULL when there is none. Borrowed from answer. */
const char *http_answer_text(const struct http_answer *answer, const char *key);

#endif
