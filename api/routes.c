#include "api/routes.h"

#include "api/handlers.h"

#include <string.h>

static const char prefix[] = "/api/v1/oms/setup/webhooks/";

enum { GET_OR_POST = METHOD_GET | METHOD_POST };

#define ALLOW_GET "GET, HEAD, OPTIONS"
#define ALLOW_POST "POST, OPTIONS"
#define ALLOW_GET_OR_POST "GET, POST, HEAD, OPTIONS"

/* The published samples read with POST too: those calls answer both. */
static const struct route routes[] = {
    {"execute", ALLOW_POST, handle_execute, METHOD_POST, true},
    {"get_async_status", ALLOW_GET_OR_POST, handle_status, GET_OR_POST, true},
    {"is_required", ALLOW_GET_OR_POST, handle_is_required, GET_OR_POST, true},
    {"plan", ALLOW_GET, handle_plan, METHOD_GET, true},
    {"report", ALLOW_GET, handle_report, METHOD_GET, true},
    {"abort", ALLOW_POST, handle_abort, METHOD_POST, true},
    {"openapi.json", ALLOW_GET, handle_openapi, METHOD_GET, false},
};
enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

const struct route *routes_find(const char *path)
{
    if (strncmp(path, prefix, sizeof prefix - 1) != 0) {
        return NULL;
    }
    const char *name = path + sizeof prefix - 1;
    size_t size = strlen(name);
    if (size > 0 && name[size - 1] == '/') {
        size--;
    }
    for (int i = 0; i < ROUTE_COUNT; i++) {
        if (strlen(routes[i].name) == size && memcmp(routes[i].name, name, size) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

bool route_allows(const struct route *route, enum method method)
{
    switch (method) {
    case METHOD_OPTIONS:
        return true;
    case METHOD_HEAD:
        return (route->methods & METHOD_GET) != 0;
    case METHOD_GET:
    case METHOD_POST:
    case METHOD_OTHER:
        break;
    }
    return (route->methods & (unsigned)method) != 0;
}
