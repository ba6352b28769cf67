#include "api/api.h"

#include "api/dashboard.h"
#include "api/dispatch.h"
#include "api/server.h"
#include "common/command_line.h"
#include "common/http_client.h"
#include "common/listen_socket.h"
#include "common/log.h"
#include "common/login_ledger.h"
#include "common/metrics_page.h"
#include "common/ops_server.h"
#include "common/queue_gauges.h"
#include "common/redis_checkup.h"
#include "common/service_redis.h"

#include <stdio.h>

extern char **environ;

enum {
    OMNITRON_IDLE_CONNECTIONS = 64,
    OMNITRON_TRIES = 2, /* a caller waits: one repeat, then it hears the reason */
    LAST_ANSWERS_MS = 250,
    OPS_PATIENCE_MS = 1000,
};

struct api {
    const struct service_config *config;
    const struct api_process *process;
    struct loop *loop;
    struct event *grace;
    struct event *ops_patience;
    bool is_stopping;
    bool is_served;          /* the API's last caller has gone */
    bool has_failed_waiting; /* the grace time is over: what waited has been answered */

    struct redis_address redis_address;
    struct redis_client *redis;
    struct redis_client *confirming; /* of jobs that replicas are to confirm; NULL = they are not */
    bool is_redis_told, is_confirming_told; /* whether they are there */
    struct redis_checkup checkup;
    struct settings_store *store;
    struct http_client *http;
    struct login_ledger *ledger;
    struct queue_gauges *gauges;
    struct omnitron_pool *pool;
    struct services services;
    struct dispatch dispatch;
    struct server *server; /* NULL until the first word about Redis */
    bool has_failed;
    struct dashboard *dashboard;  /* either this ... */
    struct supervisor_beat *beat; /* ... or this */
    struct metrics_page metrics;
    char not_ready[ERROR_TEXT_SIZE];
};

static void get_health(void *arg, struct ops_health *health)
{
    struct api *api = arg;
    if (api->is_stopping) {
        health->not_ready = "stopping";
    } else if (!redis_client_is_up(api->redis)) {
        (void)snprintf(api->not_ready, sizeof api->not_ready, "Redis: %s",
                       redis_client_why_down(api->redis));
        health->not_ready = api->not_ready;
    } else if (api->confirming != NULL && !redis_client_is_up(api->confirming)) {
        (void)snprintf(api->not_ready, sizeof api->not_ready, "Redis: %s",
                       redis_client_why_down(api->confirming));
        health->not_ready = api->not_ready;
    }
    health->settings_fault = settings_store_fault(api->store);
}

static void on_request(void *arg, struct request *request)
{
    const struct api *api = arg;
    dispatch_request(&api->dispatch, request);
}

static void on_settings(void *arg)
{
    const struct api *api = arg;
    if (api->dashboard != NULL) {
        dashboard_on_new_settings(api->dashboard);
    }
}

/* ---- Starting ---- */

/* When neither listener has a connection left. */
static void check_over(const struct api *api)
{
    bool is_drained = api->dashboard == NULL || dashboard_is_drained(api->dashboard);
    if (api->is_served && is_drained) {
        loop_quit(api->loop);
    }
}

static void on_stopped(void *arg)
{
    struct api *api = arg;
    api->is_served = true;
    check_over(api);
}

static void on_drained(void *arg)
{
    check_over(arg);
}

static void start_server(struct api *api)
{
    const struct server_options options = {
        .config = api->config,
        .listener = api->process->listener,
        .on_request = on_request,
        .on_stopped = on_stopped,
        .arg = api,
    };
    struct error err;
    if (!server_start(api->loop, &options, &api->server, &err)) {
        log_error("cannot_start", log_reason(&err));
        api->has_failed = true;
        loop_quit(api->loop);
    }
}

static void serve_ops(struct api *api)
{
    if (api->dashboard != NULL && !api->is_stopping) {
        dashboard_serve(api->dashboard);
    }
}

/* Those who ask for our health are to hear of a Redis that is silent. */
static void on_ops_patience_over(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    serve_ops(arg);
}

/* We listen as soon as it is known how Redis is, good or bad: so the first callers after a start
   meet connections that are ready, and an outage of Redis keeps no process from starting. */
static void on_redis_known(struct api *api)
{
    bool is_known = api->is_redis_told && (api->confirming == NULL || api->is_confirming_told);
    bool is_server = api->process->ops == NULL;
    if (is_known) {
        serve_ops(api);
    }
    if (is_known && is_server && api->server == NULL && !api->is_stopping && !api->has_failed) {
        start_server(api);
    }
}

static void on_redis_state(void *arg, bool is_up, const struct error *why_down)
{
    struct api *api = arg;
    if (api->dashboard != NULL) {
        dashboard_on_redis_state(api->dashboard, why_down);
    }
    api->is_redis_told = true;
    if (is_up) {
        redis_checkup_start(&api->checkup);
    }
    on_redis_known(api);
}

static void on_confirming_state(void *arg, bool is_up, const struct error *why_down)
{
    struct api *api = arg;
    (void)is_up;
    (void)why_down;
    api->is_confirming_told = true;
    on_redis_known(api);
}

static void start_redis(struct api *api)
{
    const struct service_config *config = api->config;
    const struct redis_options options = {
        .address = &api->redis_address,
        .name = "omnihook-api",
        .timeout_ms = config->redis_timeout_ms,
        .on_state = on_redis_state,
        .arg = api,
    };
    api->redis = redis_client_new(api->loop, &options);
    redis_checkup_init(&api->checkup, api->redis);
    if (config->redis_wait_replicas > 0) {
        api->confirming = redis_client_new(
            api->loop, &(struct redis_options){.address = &api->redis_address,
                                               .name = "omnihook-api-confirm",
                                               .timeout_ms = config->redis_timeout_ms,
                                               .on_state = on_confirming_state,
                                               .arg = api});
    }
    const struct job_queue_options queue = {
        .namespace_name = config->namespace_name,
        .lease_ms = config->lease_ms,
        .queue_max = config->queue_max,
        .result_ttl_s = config->result_ttl_s,
        .job_attempts = config->job_attempts,
        .job_max_age_ms = config->job_max_age_ms,
        .retry = config->retry,
        .loop = api->loop,
        .wait_replicas = config->redis_wait_replicas,
        .wait_ms = service_redis_wait_ms(config),
        .confirming = api->confirming,
    };
    api->services.queue = job_queue_new(api->redis, &queue);
    api->gauges = queue_gauges_new(api->loop, api->services.queue);
    api->ledger = login_ledger_new(api->redis, config->namespace_name);
}

static void start_omnitron(struct api *api)
{
    const struct service_config *config = api->config;
    const struct omnitron_pool_options options = {
        .tries = OMNITRON_TRIES,
        .retry = config->retry,
        .retry_after_max_ms = config->retry_after_max_ms,
        .ledger = api->ledger,
    };
    api->http = http_client_new(api->loop, OMNITRON_IDLE_CONNECTIONS);
    api->pool = omnitron_pool_new(api->loop, api->http, &options);
    api->services.plans = fresh_plans_new(api->loop, api->pool, config->request_timeout_ms);
    const struct auth_omnitron_options auth = {
        .ttl_ms = config->auth_ttl_s * 1000,
        .timeout_ms = config->request_timeout_ms,
    };
    api->dispatch.auth_omnitron = auth_omnitron_new(api->loop, api->pool, &auth);
}

/* The ops listener for all processes of the program: the only one, or those under a supervisor. */
static bool start_ops(struct api *api, struct error *err)
{
    struct supervisor_ops *ops = api->process->ops;
    if (api->process->slot != NULL) {
        api->beat = supervisor_beat_new(api->loop, api->process->slot, get_health, api);
        return true;
    }
    struct dashboard_options options = {
        .config = api->config,
        .redis_address = &api->redis_address,
        .store = api->store,
        .services = &api->services,
        .get_health = ops == NULL ? get_health : supervisor_ops_get_health,
        .health_arg = ops == NULL ? (void *)api : ops,
        .on_drained = on_drained,
        .arg = api,
    };
    api->metrics = (struct metrics_page){
        .program = METRICS_API,
        .get_process = ops == NULL ? metrics_get_own_process : supervisor_ops_get_process,
        .arg = ops,
    };
    if (ops != NULL) {
        options.listener = supervisor_ops_listener(ops);
    } else if (!ops_server_listen(&api->config->ops_listen, &options.listener, err)) {
        return false;
    }
    api->dashboard = dashboard_new(api->loop, &options);
    loop_timer_start(api->ops_patience, OPS_PATIENCE_MS);
    metrics_page_add(dashboard_pages(api->dashboard), &api->metrics);
    return true;
}

/* ---- Stopping ---- */

/* Answers every request that still waits, with an error: Redis first, since its waiters hold
   requests, and evhttp may not be freed while one is held. */
static void fail_waiting(struct api *api)
{
    if (api->ledger != NULL) {
        login_ledger_stop(api->ledger);
    }
    redis_client_free(api->redis);
    api->redis = NULL;
    redis_client_free(api->confirming);
    api->confirming = NULL;
    queue_gauges_free(api->gauges);
    api->gauges = NULL;
    job_queue_free(api->services.queue);
    api->services.queue = NULL;
    fresh_plans_free(api->services.plans);
    api->services.plans = NULL;
    auth_omnitron_free(api->dispatch.auth_omnitron);
    api->dispatch.auth_omnitron = NULL;
}

static void on_grace_over(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct api *api = arg;
    if (api->has_failed_waiting) {
        loop_quit(api->loop);
        return;
    }
    api->has_failed_waiting = true;
    log_warn("grace_over", log_nothing());
    loop_timer_start(api->grace, LAST_ANSWERS_MS);
    /* From here on no request can come that would need the parts that go away. */
    server_drop_unfinished(api->server);
    fail_waiting(api);
}

/* Without a server of our own there is nobody to be patient with: what still waits is answered, and
   gets a moment to leave. */
static void end_soon(struct api *api)
{
    api->has_failed_waiting = true;
    fail_waiting(api);
    loop_timer_start(api->grace, LAST_ANSWERS_MS);
    api->is_served = true;
    check_over(api);
}

static void on_drain(void *arg)
{
    struct api *api = arg;
    api->is_stopping = true;
    supervisor_beat_leave(api->beat);
    if (api->dashboard != NULL) {
        dashboard_stop(api->dashboard);
    }
    if (api->process->ops != NULL) {
        end_soon(api);
        return;
    }
    if (api->server == NULL) {
        loop_quit(api->loop);
        return;
    }
    loop_timer_start(api->grace, api->config->grace_ms);
    server_stop(api->server);
}

static void on_reload(void *arg)
{
    struct api *api = arg;
    settings_store_reload(api->store);
}

static void stop_all(struct api *api)
{
    fail_waiting(api);
    server_free(api->server);
    if (api->dashboard != NULL && api->process->ops == NULL) {
        listen_socket_remove(&api->config->ops_listen);
    }
    dashboard_free(api->dashboard);
    supervisor_beat_free(api->beat);
    omnitron_pool_free(api->pool);
    login_ledger_free(api->ledger);
    http_client_free(api->http);
    wrong_keys_free(api->dispatch.wrong_keys);
    settings_store_free(api->store);
    event_free(api->grace);
    event_free(api->ops_patience);
    loop_free(api->loop);
    redis_address_clear(&api->redis_address);
}

int api_run(const struct service_config *config, struct settings *settings_take,
            const struct api_process *process)
{
    struct api api = {.config = config, .process = process};
    api.loop = loop_new();
    const struct loop_handlers handlers = {
        .on_drain = on_drain, .on_reload = on_reload, .arg = &api};
    loop_handle_signals(api.loop, &handlers);
    api.grace = loop_timer_new(api.loop, on_grace_over, &api);
    api.ops_patience = loop_timer_new(api.loop, on_ops_patience_over, &api);
    api.store = settings_store_new(api.loop, config, environ, settings_take, on_settings, &api);
    api.dispatch = (struct dispatch){.services = &api.services,
                                     .store = api.store,
                                     .wrong_keys = wrong_keys_new(),
                                     .trusted_proxies = &config->trusted_proxies};

    struct error err;
    if (service_redis_address(config, &api.redis_address, &err) && start_ops(&api, &err)) {
        start_redis(&api);
        start_omnitron(&api);
        (void)loop_run(api.loop);
        log_info("stopped", log_nothing());
    } else {
        log_error("cannot_start", log_reason(&err));
        api.has_failed = true;
    }
    stop_all(&api);
    return api.has_failed ? EXIT_FAILED : EXIT_OK;
}
