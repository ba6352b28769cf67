#include "worker/worker.h"

#include "common/http_client.h"
#include "common/job_queue.h"
#include "common/log.h"
#include "common/login_ledger.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/omnitron.h"
#include "common/queue_gauges.h"
#include "common/redis_checkup.h"
#include "common/redis_client.h"
#include "worker/claimer.h"
#include "worker/janitor.h"
#include "worker/lease.h"
#include "worker/presence.h"
#include "worker/run.h"

#include <string.h>

enum {
    POP_WAIT_MS = 1000,
    POPS_PER_LEASE = 3,    /* at least: a pop has to end well within a lease */
    CALL_TRIES = 3,        /* of one call to Omnitron, within one attempt of a job */
    BREAKER_FAILURES = 20, /* more than one webhook can cause, less than a long setting would */
    HAND_BACK_MS = 1000,   /* past the grace time: for telling Redis */
    IDLE_CONNECTIONS = 256 /* to all Omnitrons together, kept for reuse */
};

struct worker {
    struct loop *loop;
    const struct service_config *config;
    const struct redis_address *redis;
    struct settings_store *settings;
    struct redis_client *scripts; /* for everything that answers at once */
    struct redis_checkup checkup;
    struct redis_client *blocking; /* for pops, which wait */
    struct job_queue *queue;
    struct http_client *http;
    struct login_ledger *ledger;
    struct omnitron_pool *omnitrons;
    struct lease *lease;
    struct claimer *claimer;
    struct queue_gauges *gauges;
    struct presence *presence; /* while the lease is held */
    struct janitor *janitor;
    struct run_context context;
    struct run **runs; /* concurrency of them; the first figures.running are in use */
    struct worker_figures figures;
    int64_t fenced; /* runs given up with a lease; Redis has not been told */
    bool is_announced;
    bool is_draining;
    bool is_claimer_stopped;
    bool is_ending;
    bool is_past_grace;
    struct event *stop_timer; /* the end of the grace time, then of patience */
};

/* ---- The end ---- */

static void on_lease_ended(void *arg)
{
    struct worker *worker = arg;
    log_info("worker_stopped", log_text("worker", lease_worker(worker->lease)));
    loop_quit(worker->loop);
}

static void end_if_idle(struct worker *worker)
{
    if (worker->is_claimer_stopped && worker->figures.running == 0 && !worker->is_ending) {
        worker->is_ending = true;
        lease_end(worker->lease, on_lease_ended, worker);
    }
}

static void on_claimer_stopped(void *arg)
{
    struct worker *worker = arg;
    worker->is_claimer_stopped = true;
    end_if_idle(worker);
}

static void on_stop_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct worker *worker = arg;
    if (worker->is_past_grace) {
        log_warn("stopped_unfinished", log_int("runs", worker->figures.running));
        loop_quit(worker->loop);
        return;
    }
    worker->is_past_grace = true;
    for (int64_t i = 0; i < worker->figures.running; i++) {
        run_release(worker->runs[i]);
    }
    loop_timer_start(worker->stop_timer, HAND_BACK_MS);
}

void worker_drain(struct worker *worker)
{
    worker->is_draining = true;
    loop_timer_start(worker->stop_timer, worker->config->grace_ms);
    claimer_stop(worker->claimer, on_claimer_stopped, worker);
}

/* ---- Runs ---- */

static void on_claimed(void *arg, const struct job_claim *claim)
{
    struct worker *worker = arg;
    struct run *run = run_start(&worker->context, claim);
    worker->runs[worker->figures.running++] = run;
    metrics_set(METRIC_RUNS_GOING, NULL, worker->figures.running);
    if (worker->is_draining) {
        run_release(run);
    }
}

static void on_run_over(void *arg, struct run *run, const enum job_end *end)
{
    struct worker *worker = arg;
    int64_t index = 0;
    while (worker->runs[index] != run) {
        index++;
    }
    worker->runs[index] = worker->runs[--worker->figures.running];
    metrics_set(METRIC_RUNS_GOING, NULL, worker->figures.running);
    if (end != NULL) {
        worker->figures.done += *end == JOB_FINISHED;
        worker->figures.failed += *end == JOB_FAILED;
    }
    claimer_wake(worker->claimer);
    end_if_idle(worker);
}

static size_t get_running(void *arg)
{
    const struct worker *worker = arg;
    return (size_t)worker->figures.running;
}

static size_t get_tokens(void *arg, const char **tokens, size_t max)
{
    const struct worker *worker = arg;
    size_t count = 0;
    while (count < max && count < get_running(arg)) {
        tokens[count] = run_claim(worker->runs[count])->token;
        count++;
    }
    return count;
}

static struct run *find_run(const struct worker *worker, const char *account)
{
    for (int64_t i = 0; i < worker->figures.running; i++) {
        if (strcmp(run_claim(worker->runs[i])->account, account) == 0) {
            return worker->runs[i];
        }
    }
    return NULL;
}

/* ---- The lease ---- */

/* Tells, once for each name, that jobs are being taken. */
static void announce(struct worker *worker)
{
    if (!worker->is_announced && lease_may_send(worker->lease) &&
        redis_client_is_up(worker->blocking)) {
        worker->is_announced = true;
        log_info("worker_started", log_text("worker", lease_worker(worker->lease)),
                 log_int("concurrency", worker->config->concurrency));
    }
    claimer_wake(worker->claimer);
}

/* It may be late and mean an earlier run of the account, or early and mean one whose claim is not
   answered yet: Redis knows. */
static void on_abort_hint(void *arg, const char *account)
{
    const struct worker *worker = arg;
    (void)account;
    lease_hurry(worker->lease);
}

static void on_presence_changed(void *arg)
{
    struct worker *worker = arg;
    lease_hurry(worker->lease);
}

static void on_lease_held(void *arg)
{
    struct worker *worker = arg;
    char channel[QUEUE_KEY_SIZE];
    worker->presence = presence_new(
        worker->loop,
        &(struct presence_options){
            .redis = worker->redis,
            .timeout_ms = worker->config->redis_timeout_ms,
            .channel = job_queue_hints_channel(worker->queue, lease_worker(worker->lease), channel),
            .on_hint = on_abort_hint,
            .on_changed = on_presence_changed,
            .arg = worker,
        });
    if (worker->fenced > 0) {
        job_queue_count_fenced(worker->queue, worker->fenced);
        worker->fenced = 0;
    }
    announce(worker);
}

static void on_lease_lost(void *arg, const struct error *why)
{
    struct worker *worker = arg;
    log_warn("lease_lost", log_text("worker", lease_worker(worker->lease)),
             log_int("runs", worker->figures.running), log_reason(why));
    metrics_count(METRIC_LEASES_LOST, NULL, NULL);
    metrics_set(METRIC_RUNS_GOING, NULL, 0);
    metrics_add(METRIC_RUNS_FENCED, NULL, NULL, worker->figures.running);
    worker->fenced += worker->figures.running;
    worker->is_announced = false;
    presence_free(worker->presence);
    worker->presence = NULL;
    while (worker->figures.running > 0) {
        run_drop(worker->runs[--worker->figures.running]);
    }
    /* Behind that: it looks through our list at once, for all that no run is known of. */
    claimer_forget_claims(worker->claimer);
    end_if_idle(worker);
}

static void on_aborted(void *arg, const char *account)
{
    struct run *run = find_run(arg, account);
    if (run != NULL) {
        run_abort(run);
    }
}

/* ---- Connections ---- */

static void on_scripts_state(void *arg, bool is_up, const struct error *why_down)
{
    (void)why_down;
    struct worker *worker = arg;
    if (!is_up) {
        return;
    }
    /* Redis may have been replaced by a copy that does not know our newest claims. */
    for (int64_t i = 0; i < worker->figures.running; i++) {
        run_verify(worker->runs[i]);
    }
    lease_hurry(worker->lease);
    claimer_wake(worker->claimer);
    redis_checkup_start(&worker->checkup);
}

static void on_blocking_state(void *arg, bool is_up, const struct error *why_down)
{
    (void)why_down;
    if (is_up) {
        announce(arg);
    }
}

void worker_get_health(void *arg, struct ops_health *health)
{
    struct worker *worker = arg;
    health->settings_fault = settings_store_fault(worker->settings);
    if (!redis_client_is_up(worker->scripts)) {
        health->not_ready = redis_client_why_down(worker->scripts);
    } else if (!redis_client_is_up(worker->blocking)) {
        health->not_ready = redis_client_why_down(worker->blocking);
    } else if (!lease_may_send(worker->lease)) {
        health->not_ready = "not registered in Redis yet";
    }
}

/* ---- The whole ---- */

static void start_connections(struct worker *worker)
{
    const struct service_config *config = worker->config;
    worker->scripts = redis_client_new(worker->loop, &(struct redis_options){
                                                         .address = worker->redis,
                                                         .name = "omnihook-worker",
                                                         .timeout_ms = config->redis_timeout_ms,
                                                         .on_state = on_scripts_state,
                                                         .arg = worker,
                                                     });
    redis_checkup_init(&worker->checkup, worker->scripts);
    worker->blocking = redis_client_new(worker->loop, &(struct redis_options){
                                                          .address = worker->redis,
                                                          .name = "omnihook-worker-pop",
                                                          .timeout_ms = config->redis_timeout_ms,
                                                          .on_state = on_blocking_state,
                                                          .arg = worker,
                                                      });
    worker->queue = job_queue_new(worker->scripts, &(struct job_queue_options){
                                                       .namespace_name = config->namespace_name,
                                                       .lease_ms = config->lease_ms,
                                                       .queue_max = config->queue_max,
                                                       .result_ttl_s = config->result_ttl_s,
                                                       .job_attempts = config->job_attempts,
                                                       .job_max_age_ms = config->job_max_age_ms,
                                                       .retry = config->retry,
                                                   });
    worker->http = http_client_new(worker->loop, IDLE_CONNECTIONS);
    worker->ledger = login_ledger_new(worker->scripts, config->namespace_name);
    worker->omnitrons = omnitron_pool_new(worker->loop, worker->http,
                                          &(struct omnitron_pool_options){
                                              .tries = CALL_TRIES,
                                              .retry = config->retry,
                                              .retry_after_max_ms = config->retry_after_max_ms,
                                              .breaker_failures = BREAKER_FAILURES,
                                              .ledger = worker->ledger,
                                          });
}

static void start_parts(struct worker *worker)
{
    const struct service_config *config = worker->config;
    int64_t pop_max_ms = config->lease_ms / POPS_PER_LEASE;
    worker->lease = lease_new(worker->loop, &(struct lease_options){
                                                .queue = worker->queue,
                                                .lease_ms = config->lease_ms,
                                                .concurrency = config->concurrency,
                                                .figures = &worker->figures,
                                                .on_held = on_lease_held,
                                                .on_lost = on_lease_lost,
                                                .on_aborted = on_aborted,
                                                .arg = worker,
                                            });
    worker->claimer = claimer_new(
        worker->loop, &(struct claimer_options){
                          .queue = worker->queue,
                          .blocking = worker->blocking,
                          .lease = worker->lease,
                          .runs_max = (size_t)config->concurrency,
                          .look_ms = config->lease_ms,
                          .wait_ms = pop_max_ms < POP_WAIT_MS ? pop_max_ms : POP_WAIT_MS,
                          .get_running = get_running,
                          .get_tokens = get_tokens,
                          .on_claimed = on_claimed,
                          .arg = worker,
                      });
    worker->janitor = janitor_new(worker->loop, worker->queue);
    worker->context = (struct run_context){
        .loop = worker->loop,
        .queue = worker->queue,
        .omnitrons = worker->omnitrons,
        .settings = worker->settings,
        .time_limit_ms = config->job_timeout_ms,
        .worker = lease_worker(worker->lease),
        .may_send = lease_may_send,
        .may_send_arg = worker->lease,
        .on_over = on_run_over,
        .arg = worker,
    };
}

struct worker *worker_start(struct loop *loop, const struct service_config *config,
                            const struct redis_address *redis, struct settings_store *settings)
{
    struct worker *worker = mem_new(1, sizeof *worker);
    worker->loop = loop;
    worker->config = config;
    worker->redis = redis;
    worker->settings = settings;
    worker->runs = mem_new((size_t)config->concurrency, sizeof(struct run *));
    metrics_set(METRIC_CONCURRENCY, NULL, config->concurrency);
    worker->stop_timer = loop_timer_new(loop, on_stop_timer, worker);
    start_connections(worker);
    start_parts(worker);
    worker->gauges = queue_gauges_new(loop, worker->queue);
    return worker;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    /* The connections first: what waits for Redis is answered before its owner is gone. */
    presence_free(worker->presence);
    login_ledger_stop(worker->ledger);
    redis_client_free(worker->blocking);
    redis_client_free(worker->scripts);
    while (worker->figures.running > 0) {
        run_drop(worker->runs[--worker->figures.running]);
    }
    janitor_free(worker->janitor);
    claimer_free(worker->claimer);
    queue_gauges_free(worker->gauges);
    lease_free(worker->lease);
    omnitron_pool_free(worker->omnitrons);
    login_ledger_free(worker->ledger);
    http_client_free(worker->http);
    job_queue_free(worker->queue);
    event_free(worker->stop_timer);
    mem_free(worker->runs);
    mem_free(worker);
}
