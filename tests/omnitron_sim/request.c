#include "tests/omnitron_sim/request.h"

#include "common/mem.h"
#include "tests/omnitron_sim/sim.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>

static const char *method_name_of(enum evhttp_cmd_type method)
{
    static const struct {
        enum evhttp_cmd_type method;
        const char *name;
    } names[] = {
        {EVHTTP_REQ_GET, "GET"},         {EVHTTP_REQ_POST, "POST"},   {EVHTTP_REQ_HEAD, "HEAD"},
        {EVHTTP_REQ_PUT, "PUT"},         {EVHTTP_REQ_PATCH, "PATCH"}, {EVHTTP_REQ_DELETE, "DELETE"},
        {EVHTTP_REQ_OPTIONS, "OPTIONS"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].method == method) {
            return names[i].name;
        }
    }
    return "OTHER";
}

/* TokenAuthentication.authenticate: the word in any case, split at any white space; another scheme
   is nobody rather than an error. */
static void authenticate(struct request *request, const struct users *users)
{
    static const char spaces[] = " \t\v\f";
    char *text = mem_copy_text(request->authorization == NULL ? "" : request->authorization);
    char *rest = NULL;
    const char *scheme = strtok_r(text, spaces, &rest);
    const char *token = scheme == NULL ? NULL : strtok_r(NULL, spaces, &rest);
    if (scheme == NULL || strcasecmp(scheme, "Token") != 0) {
        request->auth_failure = NULL;
    } else if (token == NULL) {
        request->auth_failure = "Invalid token header. No credentials provided.";
    } else if (strtok_r(NULL, spaces, &rest) != NULL) {
        request->auth_failure = "Invalid token header. Token string should not contain spaces.";
    } else {
        request->user = users_by_token(users, token);
        request->has_unknown_token = request->user == NULL;
        request->auth_failure = request->user == NULL       ? "Invalid token."
                                : !request->user->is_active ? "User inactive or deleted."
                                                            : NULL;
    }
    mem_free(text);
}

void request_init(struct request *request, struct sim *sim, struct evhttp_request *http)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(http);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *query_text = evhttp_uri_get_query(uri);
    *request = (struct request){
        .http = http,
        .method = evhttp_request_get_command(http),
        .path = evhttp_uri_get_path(uri),
        .query_text = query_text == NULL ? "" : query_text,
        .body_size = evbuffer_get_length(body),
    };
    const char *bytes = (const char *)evbuffer_pullup(body, -1);
    request->body = bytes == NULL ? "" : bytes;
    request->method_name = method_name_of(request->method);
    request->authorization = request_header(request, "Authorization");
    query_parse(&request->query, query_text);
    authenticate(request, sim->users);
}

void request_clear(struct request *request)
{
    query_clear(&request->query);
}

const char *request_header(const struct request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request->http), name);
}

static bool media_type_is(const char *header, const char *type)
{
    size_t size = strcspn(header, "; \t");
    return size == strlen(type) && strncasecmp(header, type, size) == 0;
}

static json_t *parse_form(const struct request *request)
{
    char *text = mem_copy_bytes(request->body, request->body_size);
    struct query form;
    query_parse(&form, text);
    json_t *data = json_object();
    for (size_t i = 0; i < form.count; i++) {
        json_object_set_new(data, form.pairs[i].name, json_string(form.pairs[i].value));
    }
    query_clear(&form);
    mem_free(text);
    return data;
}

bool request_data(const struct request *request, json_t **data, struct answer *answer)
{
    const char *type = request_header(request, "Content-Type");
    if (request->body_size == 0) {
        *data = json_object();
        return true;
    }
    if (type != NULL && media_type_is(type, "application/x-www-form-urlencoded")) {
        *data = parse_form(request);
        return true;
    }
    if (type == NULL || !media_type_is(type, "application/json")) {
        answer_detail(answer, 415, "Unsupported media type \"%.200s\" in request.",
                      type == NULL ? "" : type);
        return false;
    }
    json_error_t where;
    *data = json_loadb(request->body, request->body_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
    if (*data == NULL) {
        answer_detail(answer, 400,
                      "JSON parse error - Expecting value: line %d column %d (char %d)", where.line,
                      where.column, where.position);
        return false;
    }
    return true;
}

bool request_accepts_json(const struct request *request)
{
    const char *accept = request_header(request, "Accept");
    if (accept == NULL || *accept == '\0') {
        return true;
    }
    while (*accept != '\0') {
        accept += strspn(accept, " \t,");
        if (media_type_is(accept, "*/*") || media_type_is(accept, "application/*") ||
            media_type_is(accept, "application/json")) {
            return true;
        }
        accept += strcspn(accept, ",");
    }
    return false;
}
