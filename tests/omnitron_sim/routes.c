#include "tests/omnitron_sim/routes.h"

#include "tests/omnitron_sim/auth_api.h"
#include "tests/omnitron_sim/hooks_api.h"
#include "tests/omnitron_sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { LOCATION_MAX_BYTES = 1 << 17 };

typedef void (*route_fn)(struct sim *sim, const struct request *request, const struct route *route,
                         struct answer *answer);

static const struct handler {
    enum route_kind kind;
    unsigned methods; /* enum evhttp_cmd_type, or-ed */
    route_fn serve;
} handlers[] = {
    {ROUTE_HOOKS, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, hooks_api_list},
    {ROUTE_HOOKS, EVHTTP_REQ_POST, hooks_api_create},
    {ROUTE_HOOK, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, hooks_api_detail},
    {ROUTE_HOOK, EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH, hooks_api_update},
    {ROUTE_HOOK, EVHTTP_REQ_DELETE, hooks_api_delete},
    {ROUTE_REGISTRY, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, hooks_api_registry},
    {ROUTE_LOGIN, EVHTTP_REQ_POST, auth_api_login},
    {ROUTE_LOGOUT, EVHTTP_REQ_POST, auth_api_logout},
    {ROUTE_ACTIVE_USER, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, auth_api_active_user},
};

/* What the Allow header of a 405 says. */
static const char *const allowed[] = {
    [ROUTE_HOOKS] = "GET, POST, HEAD, OPTIONS",
    [ROUTE_HOOK] = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
    [ROUTE_REGISTRY] = "GET, HEAD, OPTIONS",
    [ROUTE_LOGIN] = "POST, OPTIONS",
    [ROUTE_LOGOUT] = "POST, OPTIONS",
    [ROUTE_ACTIVE_USER] = "GET, HEAD, OPTIONS",
};

static bool path_is(const char *path, const char *prefix, const char *rest)
{
    size_t size = strlen(prefix);
    return strncmp(path, prefix, size) == 0 && strcmp(path + size, rest) == 0;
}

/* DefaultRouter's pattern of a detail route: [^/.]+ and a slash. */
static bool match_hook(const char *hooks_path, const char *path, struct route *route)
{
    size_t size = strlen(hooks_path);
    if (strncmp(path, hooks_path, size) != 0) {
        return false;
    }
    route->id = path + size;
    route->id_size = strcspn(route->id, "/.");
    return route->id_size > 0 && strcmp(route->id + route->id_size, "/") == 0;
}

static struct route match_exactly(const struct options *options, const char *path)
{
    struct route route = {.kind = ROUTE_UNKNOWN};
    if (strcmp(path, options->hooks_path) == 0) {
        route.kind = ROUTE_HOOKS;
    } else if (path_is(path, options->hooks_path, "registry/")) {
        route.kind = ROUTE_REGISTRY;
    } else if (path_is(path, options->api_prefix, "auth/login/")) {
        route.kind = ROUTE_LOGIN;
    } else if (path_is(path, options->api_prefix, "auth/logout/")) {
        route.kind = ROUTE_LOGOUT;
    } else if (path_is(path, options->api_prefix, "active_user/")) {
        route.kind = ROUTE_ACTIVE_USER;
    } else if (match_hook(options->hooks_path, path, &route)) {
        route.kind = ROUTE_HOOK;
    }
    return route;
}

struct route routes_match(const struct options *options, const char *path)
{
    struct route route = match_exactly(options, path);
    char slashed[ROUTE_NAME_SIZE];
    size_t size = strlen(path);
    if (route.kind == ROUTE_UNKNOWN && size > 0 && size + 2 <= sizeof slashed &&
        path[size - 1] != '/') {
        (void)snprintf(slashed, sizeof slashed, "%s/", path);
        if (match_exactly(options, slashed).kind != ROUTE_UNKNOWN) {
            return (struct route){.kind = ROUTE_SLASHLESS};
        }
    }
    return route;
}

void routes_name(const struct options *options, const struct route *route, const char *method,
                 char name[ROUTE_NAME_SIZE])
{
    const char *prefix = route->kind <= ROUTE_REGISTRY ? options->hooks_path : options->api_prefix;
    static const char *const rests[] = {
        [ROUTE_HOOKS] = "",
        [ROUTE_HOOK] = "{id}/",
        [ROUTE_REGISTRY] = "registry/",
        [ROUTE_LOGIN] = "auth/login/",
        [ROUTE_LOGOUT] = "auth/logout/",
        [ROUTE_ACTIVE_USER] = "active_user/",
        [ROUTE_SLASHLESS] = "(no last slash)",
        [ROUTE_UNKNOWN] = "(unknown)",
    };
    bool has_path = route->kind < ROUTE_SLASHLESS;
    (void)snprintf(name, ROUTE_NAME_SIZE, "%s %s%s", method, has_path ? prefix : "",
                   rests[route->kind]);
}

/* CommonMiddleware with APPEND_SLASH, in production: whatever the method. */
static void redirect_to_slash(const struct request *request, struct answer *answer)
{
    struct strbuf location;
    strbuf_init(&location, LOCATION_MAX_BYTES);
    strbuf_addf(&location, "%s/%s%s", request->path, request->query_text[0] == '\0' ? "" : "?",
                request->query_text);
    answer_text(answer, 301, "text/html; charset=utf-8", "");
    answer_header(answer, "Location", location.bytes);
    strbuf_clear(&location);
}

/* APIView.perform_authentication and IsAuthenticated. */
static bool is_admitted(struct sim *sim, const struct request *request, bool is_public,
                        struct answer *answer)
{
    const char *why = request->auth_failure;
    if (why == NULL && request->user == NULL && !is_public) {
        why = "Authentication credentials were not provided.";
    }
    if (why == NULL) {
        return true;
    }
    answer_detail(answer, (int)sim->settings.auth_failure_status, "%s", why);
    if (sim->settings.auth_failure_status == 401) {
        answer_header(answer, "WWW-Authenticate", "Token");
    }
    return false;
}

static route_fn handler_of(enum route_kind kind, enum evhttp_cmd_type method)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].kind == kind && (handlers[i].methods & (unsigned)method) != 0) {
            return handlers[i].serve;
        }
    }
    return NULL;
}

/* The order is APIView.dispatch's: Accept, authentication, method, and only then the body. */
void routes_serve(struct sim *sim, const struct request *request, const struct route *route,
                  struct answer *answer)
{
    if (route->kind == ROUTE_UNKNOWN) {
        answer_no_such_path(answer);
        return;
    }
    if (route->kind == ROUTE_SLASHLESS) {
        redirect_to_slash(request, answer);
        return;
    }
    if (!request_accepts_json(request)) {
        answer_detail(answer, 406, "Could not satisfy the request Accept header.");
        return;
    }
    bool is_public = route->kind == ROUTE_LOGIN || route->kind == ROUTE_LOGOUT;
    if (!is_admitted(sim, request, is_public, answer)) {
        return;
    }
    route_fn serve = handler_of(route->kind, request->method);
    if (serve != NULL) {
        serve(sim, request, route, answer);
    } else if (request->method == EVHTTP_REQ_OPTIONS) {
        answer_json(answer, 200, json_pack("{s:s}", "name", "Webhook"));
        answer_header(answer, "Allow", allowed[route->kind]);
    } else {
        answer_detail(answer, 405, "Method \"%s\" not allowed.", request->method_name);
        answer_header(answer, "Allow", allowed[route->kind]);
    }
}
