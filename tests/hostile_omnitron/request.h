/* A request as it came, and what it must not have in it. Nothing of it is decoded: it comes from
   our own client. */
#ifndef OMNIHOOK_TESTS_HOSTILE_OMNITRON_REQUEST_H
#define OMNIHOOK_TESTS_HOSTILE_OMNITRON_REQUEST_H

#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Each account has paths of its own: "/7/hooks/", "/7/hooks/3/", "/7/hooks/registry/", "/7/login/",
   "/7/user/". */
enum request_kind {
    REQUEST_LIST,
    REQUEST_CREATE,
    REQUEST_PATCH,
    REQUEST_REGISTRY,
    REQUEST_LOGIN,
    REQUEST_USER,
    REQUEST_HTTP2, /* not read: our HTTP/2 is a lie */
    REQUEST_STRAY, /* none of these: the client went where it was not told to go */
};

struct request {
    enum request_kind kind;
    unsigned account;
    unsigned page;    /* of a list */
    const char *text; /* all of it: borrowed, 0-terminated */
    const char *body; /* in text */
    size_t size;      /* of text, body included */
    char secret[64];  /* the Authorization header's value, to be thrown back */
};

/* Takes the request at the start of text; false while it has not come in full. */
bool request_read(struct request *request, const struct strbuf *text);

/* What is wrong about it, static; NULL = nothing. */
const char *request_fault(const struct request *request);

#endif
