/* A borrowed view of one request, and who sent it. Valid within one turn of the event loop. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_REQUEST_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_REQUEST_H

#include "tests/omnitron_sim/answer.h"
#include "tests/omnitron_sim/query.h"

#include <event2/http.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct sim;
struct user;

struct request {
    struct evhttp_request *http;
    enum evhttp_cmd_type method;
    const char *method_name;
    const char *path;
    const char *query_text; /* as it came; "" when there is none */
    struct query query;     /* owned */
    const char *body;       /* not 0-terminated */
    size_t body_size;
    const char *authorization; /* NULL when the header is absent */
    struct user *user;         /* NULL: nobody that we know */
    const char *auth_failure;  /* DRF's sentence; NULL: anonymous, or the user above */
    bool has_unknown_token;
};

void request_init(struct request *request, struct sim *sim, struct evhttp_request *http);
void request_clear(struct request *request);

/* NULL when absent. */
const char *request_header(const struct request *request, const char *name);

/* Content-Type and body as DRF's parsers take them (JSON, or a form whose values are texts). On
   failure the answer is 415 or 400. The caller owns *data. */
bool request_data(const struct request *request, json_t **data, struct answer *answer) MUST_CHECK;

/* Whether JSON satisfies the Accept header. */
bool request_accepts_json(const struct request *request);

#endif
