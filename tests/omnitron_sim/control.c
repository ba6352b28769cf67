#include "tests/omnitron_sim/control.h"

#include "common/mem.h"
#include "tests/omnitron_sim/answer.h"
#include "tests/omnitron_sim/exchange.h"
#include "tests/omnitron_sim/request.h"
#include "tests/omnitron_sim/seed.h"
#include "tests/omnitron_sim/sim.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "/_sim/";

bool control_is_path(const char *path)
{
    return strncmp(path, prefix, sizeof prefix - 1) == 0;
}

/* data is the body, NULL when there is none. */
typedef void (*control_fn)(struct sim *sim, const struct request *request, json_t *data,
                           struct answer *answer);

/* 204, or 400 with the reason. */
static void answer_done(bool is_done, const struct error *err, struct answer *answer)
{
    if (is_done) {
        answer_empty(answer, 204);
    } else {
        answer_detail(answer, 400, "%s", err->text);
    }
}

static void on_reset(struct sim *sim, const struct request *request, json_t *data,
                     struct answer *answer)
{
    (void)request;
    (void)data;
    sim_reset(sim);
    answer_empty(answer, 204);
}

static void on_get_settings(struct sim *sim, const struct request *request, json_t *data,
                            struct answer *answer)
{
    (void)request;
    (void)data;
    answer_json(answer, 200, settings_to_json(&sim->settings));
}

static void on_patch_settings(struct sim *sim, const struct request *request, json_t *data,
                              struct answer *answer)
{
    struct error err;
    if (settings_patch(&sim->settings, data, &err)) {
        on_get_settings(sim, request, data, answer);
    } else {
        answer_done(false, &err, answer);
    }
}

/* One object or an array of them, each given to put. */
typedef bool (*put_fn)(struct sim *sim, json_t *item, struct error *err);

static void put_each(struct sim *sim, json_t *data, put_fn put, struct answer *answer)
{
    struct error err = {0};
    bool is_done = true;
    size_t i = 0;
    json_t *item = NULL;
    if (json_is_array(data)) {
        json_array_foreach(data, i, item)
        {
            is_done = is_done && put(sim, item, &err);
        }
    } else {
        is_done = put(sim, data, &err);
    }
    answer_done(is_done, &err, answer);
}

static void on_post_users(struct sim *sim, const struct request *request, json_t *data,
                          struct answer *answer)
{
    (void)request;
    put_each(sim, data, seed_user, answer);
}

static void on_post_hooks(struct sim *sim, const struct request *request, json_t *data,
                          struct answer *answer)
{
    (void)request;
    put_each(sim, data, seed_hooks, answer);
}

static bool put_fault(struct sim *sim, json_t *item, struct error *err)
{
    return faults_put(sim->faults, item, err);
}

static void on_post_faults(struct sim *sim, const struct request *request, json_t *data,
                           struct answer *answer)
{
    (void)request;
    put_each(sim, data, put_fault, answer);
}

static void on_expire_token(struct sim *sim, const struct request *request, json_t *data,
                            struct answer *answer)
{
    (void)request;
    struct user *user =
        users_by_name(sim->users, json_string_value(json_object_get(data, "username")));
    if (user == NULL) {
        answer_detail(answer, 400, "username: no such user");
        return;
    }
    users_set_token(sim->users, user, json_string_value(json_object_get(data, "token")));
    answer_empty(answer, 204);
}

/* The user that username= names, NULL for everybody. False: there is no such user, answered. */
static bool user_of_query(struct sim *sim, const struct request *request, struct user **user,
                          struct answer *answer)
{
    const char *username = query_get(&request->query, "username");
    *user = users_by_name(sim->users, username);
    if (username != NULL && *user == NULL) {
        answer_detail(answer, 400, "username: no such user");
        return false;
    }
    return true;
}

static size_t limit_of_query(const struct request *request)
{
    const char *text = query_get(&request->query, "limit");
    return text == NULL ? SIZE_MAX : strtoul(text, NULL, 10);
}

static void on_get_hooks(struct sim *sim, const struct request *request, json_t *data,
                         struct answer *answer)
{
    (void)data;
    struct user *user = NULL;
    if (!user_of_query(sim, request, &user, answer)) {
        return;
    }
    const struct hook_list *list = user == NULL ? hooks_all(sim->hooks) : &user->hooks;
    size_t limit = limit_of_query(request);
    size_t count = limit < list->count ? limit : list->count;
    answer_start_json(answer, 200);
    strbuf_add_text(&answer->body, "[");
    for (size_t i = 0; i < count; i++) {
        strbuf_add_text(&answer->body, i == 0 ? "" : ",");
        hook_print(list->rows[i], true, &answer->body);
    }
    strbuf_add_text(&answer->body, "]");
}

static void on_delete_hooks(struct sim *sim, const struct request *request, json_t *data,
                            struct answer *answer)
{
    (void)data;
    struct user *user = NULL;
    if (user_of_query(sim, request, &user, answer)) {
        hooks_remove(sim->hooks, user);
        answer_empty(answer, 204);
    }
}

static void on_get_faults(struct sim *sim, const struct request *request, json_t *data,
                          struct answer *answer)
{
    (void)request;
    (void)data;
    answer_json(answer, 200, faults_to_json(sim->faults));
}

static void on_delete_faults(struct sim *sim, const struct request *request, json_t *data,
                             struct answer *answer)
{
    (void)request;
    (void)data;
    faults_remove_all(sim->faults);
    exchange_close_hanging(sim);
    answer_empty(answer, 204);
}

static void on_get_counters(struct sim *sim, const struct request *request, json_t *data,
                            struct answer *answer)
{
    (void)request;
    (void)data;
    json_t *counters = counters_to_json(sim->counters);
    json_object_set_new(counters, "duplicates", hooks_duplicates(sim->hooks));
    answer_json(answer, 200, counters);
}

static void on_reset_counters(struct sim *sim, const struct request *request, json_t *data,
                              struct answer *answer)
{
    (void)request;
    (void)data;
    counters_reset(sim->counters);
    journal_reset(sim->journal);
    answer_empty(answer, 204);
}

static void on_get_requests(struct sim *sim, const struct request *request, json_t *data,
                            struct answer *answer)
{
    (void)data;
    answer_json(answer, 200, journal_to_json(sim->journal, limit_of_query(request)));
}

static const struct {
    enum evhttp_cmd_type method;
    const char *path; /* behind the prefix */
    control_fn serve;
} routes[] = {
    {EVHTTP_REQ_POST, "reset", on_reset},
    {EVHTTP_REQ_GET, "settings", on_get_settings},
    {EVHTTP_REQ_PATCH, "settings", on_patch_settings},
    {EVHTTP_REQ_POST, "users", on_post_users},
    {EVHTTP_REQ_POST, "tokens/expire", on_expire_token},
    {EVHTTP_REQ_GET, "hooks", on_get_hooks},
    {EVHTTP_REQ_POST, "hooks", on_post_hooks},
    {EVHTTP_REQ_DELETE, "hooks", on_delete_hooks},
    {EVHTTP_REQ_GET, "faults", on_get_faults},
    {EVHTTP_REQ_POST, "faults", on_post_faults},
    {EVHTTP_REQ_DELETE, "faults", on_delete_faults},
    {EVHTTP_REQ_GET, "counters", on_get_counters},
    {EVHTTP_REQ_POST, "counters/reset", on_reset_counters},
    {EVHTTP_REQ_GET, "requests", on_get_requests},
};

static control_fn route_of(const struct request *request)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (routes[i].method == request->method &&
            strcmp(routes[i].path, request->path + sizeof prefix - 1) == 0) {
            return routes[i].serve;
        }
    }
    return NULL;
}

static void serve(struct sim *sim, const struct request *request, struct answer *answer)
{
    control_fn serve_route = route_of(request);
    json_error_t where;
    json_t *data =
        request->body_size == 0 ? NULL : json_loadb(request->body, request->body_size, 0, &where);
    if (serve_route == NULL) {
        answer_detail(answer, 404, "There is no %s %s.", request->method_name, request->path);
    } else if (request->body_size > 0 && data == NULL) {
        answer_detail(answer, 400, "line %d: %s", where.line, where.text);
    } else {
        serve_route(sim, request, data, answer);
    }
    json_decref(data);
}

void control_serve(struct sim *sim, struct evhttp_request *http)
{
    struct request request;
    struct answer answer;
    request_init(&request, sim, http);
    answer_init(&answer);
    serve(sim, &request, &answer);
    struct evbuffer *body = evbuffer_new();
    assert(body != NULL);
    evbuffer_add(body, answer.body.bytes, answer.body.size);
    if (answer.content_type != NULL) {
        evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type",
                          answer.content_type);
    }
    evhttp_send_reply(http, answer.status, NULL, body);
    evbuffer_free(body);
    answer_clear(&answer);
    request_clear(&request);
}
