/* Which resource a path names, and what Django REST framework does before and after its view. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_ROUTES_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_ROUTES_H

#include "tests/omnitron_sim/answer.h"
#include "tests/omnitron_sim/options.h"
#include "tests/omnitron_sim/request.h"

#include <stddef.h>

enum route_kind {
    ROUTE_HOOKS,
    ROUTE_HOOK,
    ROUTE_REGISTRY,
    ROUTE_LOGIN,
    ROUTE_LOGOUT,
    ROUTE_ACTIVE_USER,
    ROUTE_SLASHLESS, /* one of the above without its last slash */
    ROUTE_UNKNOWN
};

struct route {
    enum route_kind kind;
    const char *id; /* ROUTE_HOOK: the last part of the path, not 0-terminated */
    size_t id_size;
};

struct route routes_match(const struct options *options, const char *path);

enum { ROUTE_NAME_SIZE = 256 };

/* "PATCH /whisperer/hooks/{id}/", as the counters call it. */
void routes_name(const struct options *options, const struct route *route, const char *method,
                 char name[ROUTE_NAME_SIZE]);

/* Does what the request asks for and builds the answer. */
void routes_serve(struct sim *sim, const struct request *request, const struct route *route,
                  struct answer *answer);

#endif
