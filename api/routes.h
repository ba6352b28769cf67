/* Which path is answered by which handler, for which methods. Pure. */
#ifndef OMNIHOOK_API_ROUTES_H
#define OMNIHOOK_API_ROUTES_H

#include <stdbool.h>

struct request;
struct services;

/* Answers request (reply.h) exactly once, now or later. */
typedef void handler_fn(const struct services *services, struct request *request);

/* Bits. METHOD_OTHER: known to HTTP, served nowhere. */
enum method {
    METHOD_GET = 1 << 0,
    METHOD_POST = 1 << 1,
    METHOD_HEAD = 1 << 2,
    METHOD_OPTIONS = 1 << 3,
    METHOD_OTHER = 1 << 4,
};

struct route {
    const char *name;  /* the last part of its path, as logs show it */
    const char *allow; /* the Allow header: all methods that it answers */
    handler_fn *handle;
    unsigned methods; /* enum method bits, without HEAD and OPTIONS */
    bool needs_key;
};

/* path: as in the request line, without the query; a missing last slash is no difference. NULL when
   there is nothing. */
const struct route *routes_find(const char *path);

/* HEAD is allowed where GET is; OPTIONS everywhere. */
bool route_allows(const struct route *route, enum method method);

#endif
