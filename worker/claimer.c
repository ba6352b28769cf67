#include "worker/claimer.h"

#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { POPS_MAX = 16 };

static const struct backoff retry = {.base_ms = 50, .max_ms = 2000};

/* One popped element on its way to become a run. Lives until its claim is answered for good. */
struct claim_call {
    struct claimer *claimer;
    struct claim_call *next;
    struct claim_call *previous;
    char worker[JOB_WORKER_SIZE]; /* under whose name it was popped */
    char token[RANDOM_ID_SIZE];
    char *element; /* owned */
    size_t size;
    bool is_forgotten; /* the lease was lost: the answer no longer matters */
    unsigned failures; /* in a row */
    struct event *repeat_timer;
};

struct claimer {
    struct loop *loop;
    struct claimer_options options;
    struct claim_call *claims;
    size_t claim_count;
    size_t pops;                  /* under way */
    size_t pops_max;              /* 1: one that waits. More, doubled with each element that came:
                                     so many that do not wait, since the queue is not empty */
    char worker[JOB_WORKER_SIZE]; /* under whose name the newest pops were sent */
    char former[JOB_WORKER_SIZE]; /* the name before that; "" = there was none */
    bool must_check;              /* its list may hold what nobody knows of */
    bool is_checking;             /* the list is being looked through: no pop is under way */
    bool is_former;               /* ... the former name's */
    unsigned failures;            /* in a row, of pops and checks */
    struct event *wake_timer;
    struct event *look_timer;
    bool is_stopping;
    void (*on_stopped)(void *arg); /* NULL when it has fired */
    void *on_stopped_arg;
};

static void send_claim(struct claim_call *call);

static void wake_after_failure(struct claimer *claimer)
{
    claimer->failures++;
    loop_timer_start(claimer->wake_timer,
                     backoff_delay_ms(&retry, claimer->failures, random_bits()));
}

/* ---- Claims ---- */

static void claim_call_free(struct claim_call *call)
{
    struct claimer *claimer = call->claimer;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        claimer->claims = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    claimer->claim_count--;
    if (call->repeat_timer != NULL) {
        event_free(call->repeat_timer);
    }
    mem_free(call->element);
    mem_free(call);
}

static void on_repeat(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    send_claim(arg);
}

/* The claim may have been made although its answer was lost: only a repeat with the same token
   tells. Handing the element back instead would count as a worker's death. */
static void repeat_claim(struct claim_call *call, const struct error *why_not)
{
    if (call->repeat_timer == NULL) {
        log_warn("claim_repeated", log_reason(why_not));
        call->repeat_timer = loop_timer_new(call->claimer->loop, on_repeat, call);
    }
    call->failures++;
    loop_timer_start(call->repeat_timer, backoff_delay_ms(&retry, call->failures, random_bits()));
}

static void on_claimed(void *arg, const struct job_claim *claim, const struct error *why_not)
{
    struct claim_call *call = arg;
    struct claimer *claimer = call->claimer;
    if (why_not != NULL && why_not->code == ERROR_CANCELLED) {
        claim_call_free(call);
        return;
    }
    bool is_lost = why_not != NULL && why_not->code == ERROR_LOST;
    /* Another hand has spoilt the job's record: the element stays where it is, for the next look.
     */
    bool is_refused = why_not != NULL && why_not->code == ERROR_REFUSED;
    if (why_not != NULL && !is_lost && !is_refused && !call->is_forgotten) {
        repeat_claim(call, why_not);
        return;
    }
    if (is_refused) {
        log_warn("claim_refused", log_reason(why_not));
    }
    bool is_ours = claim != NULL && !call->is_forgotten;
    claim_call_free(call);
    if (is_ours) {
        claimer->options.on_claimed(claimer->options.arg, claim);
    }
    if (is_lost) {
        claimer->must_check =
            true; /* where the lease goes on after all, the element is still ours */
        lease_hurry(claimer->options.lease);
    }
    claimer_wake(claimer);
}

static void send_claim(struct claim_call *call)
{
    job_queue_claim(call->claimer->options.queue, call->worker, call->element, call->size,
                    call->token, on_claimed, call);
}

static void claim_element(struct claimer *claimer, const char *element, size_t size)
{
    struct claim_call *call = mem_new(1, sizeof *call);
    call->claimer = claimer;
    memcpy(call->worker, claimer->worker, sizeof call->worker);
    (void)random_id_make(call->token);
    call->element = mem_copy_bytes(element, size);
    call->size = size;
    call->next = claimer->claims;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    claimer->claims = call;
    claimer->claim_count++;
    send_claim(call);
}

/* ---- Pops ---- */

static bool is_current(const struct claimer *claimer)
{
    return strcmp(claimer->worker, lease_worker(claimer->options.lease)) == 0 &&
           lease_may_send(claimer->options.lease);
}

static void on_popped(void *arg, const char *element, size_t size, const struct error *why_not)
{
    struct claimer *claimer = arg;
    claimer->pops--;
    if (why_not != NULL) {
        claimer->must_check = true;
        claimer->pops_max = 1;
        if (claimer->pops == 0) {
            wake_after_failure(claimer);
        }
        return;
    }
    claimer->failures = 0;
    if (element == NULL) {
        claimer->pops_max = 1;
    } else if (claimer->pops_max < POPS_MAX) {
        claimer->pops_max *= 2;
    }
    if (element != NULL && is_current(claimer) && !claimer->is_stopping) {
        claim_element(claimer, element, size);
    } else if (element != NULL) {
        claimer->must_check = true; /* the check hands it back */
    }
    claimer_wake(claimer);
}

static bool may_pop(const struct claimer *claimer)
{
    const struct claimer_options *options = &claimer->options;
    size_t taken = options->get_running(options->arg) + claimer->claim_count + claimer->pops;
    return claimer->pops < claimer->pops_max && taken < options->runs_max &&
           redis_client_is_up(options->blocking) && lease_may_send(options->lease) &&
           (claimer->pops == 0 || is_current(claimer));
}

static void send_pop(struct claimer *claimer)
{
    claimer->pops++;
    const char *worker = lease_worker(claimer->options.lease);
    if (strcmp(claimer->worker, worker) != 0) {
        memcpy(claimer->former, claimer->worker, sizeof claimer->former);
        (void)snprintf(claimer->worker, sizeof claimer->worker, "%s", worker);
    }
    int64_t wait_ms = claimer->pops_max > 1 ? 0 : claimer->options.wait_ms;
    job_queue_pop(claimer->options.queue, claimer->options.blocking, claimer->worker, wait_ms,
                  on_popped, claimer);
}

/* ---- The own list ---- */

static void send_check(struct claimer *claimer);

static void on_checked(void *arg, int64_t moved, const struct error *why_not)
{
    struct claimer *claimer = arg;
    claimer->is_checking = false;
    if (why_not != NULL && !claimer->is_stopping) {
        wake_after_failure(claimer);
        return;
    }
    /* When stopping, one try is enough: the end of the lease hands back what is left. */
    if (moved > 0) {
        log_info("handed_back",
                 log_text("worker", claimer->is_former ? claimer->former : claimer->worker),
                 log_int("jobs", moved));
    }
    claimer->failures = 0;
    claimer->is_former = why_not == NULL && !claimer->is_former && claimer->former[0] != '\0';
    if (claimer->is_former) {
        send_check(claimer);
        return;
    }
    claimer->must_check = false;
    claimer_wake(claimer);
}

static void send_check(struct claimer *claimer)
{
    const struct claimer_options *options = &claimer->options;
    claimer->is_checking = true;
    /* Runs belong to the current name: what lies under an older one is nobody's. */
    const char *worker = claimer->is_former ? claimer->former : claimer->worker;
    bool has_runs = strcmp(worker, lease_worker(options->lease)) == 0;
    size_t max = has_runs ? options->get_running(options->arg) : 0;
    const char **tokens = mem_new(max, sizeof *tokens);
    size_t count = has_runs ? options->get_tokens(options->arg, tokens, max) : 0;
    job_queue_take_back_own(options->queue, worker, tokens, count, on_checked, claimer);
    mem_free(tokens);
}

/* A pop that was given up, its connection closed, can still reach Redis: the network may deliver
   late what it held. Nobody gets the answer, so the list is looked through now and then. */
static void on_look(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct claimer *claimer = arg;
    loop_timer_start(claimer->look_timer, claimer->options.look_ms);
    if (claimer->worker[0] != '\0') {
        claimer->must_check = true;
        claimer_wake(claimer);
    }
}

/* ---- The whole ---- */

static bool is_idle(const struct claimer *claimer)
{
    return claimer->pops == 0 && claimer->claim_count == 0 && !claimer->is_checking &&
           !claimer->must_check;
}

void claimer_wake(struct claimer *claimer)
{
    if (claimer->is_checking) {
        return;
    }
    if (claimer->must_check) {
        /* What is under way may be known to Redis, or not yet: afterwards it is one or the other.
         */
        if (claimer->pops == 0 && claimer->claim_count == 0) {
            send_check(claimer);
        }
        return;
    }
    if (claimer->is_stopping) {
        /* Else the answer of what is under way wakes again. */
        if (is_idle(claimer)) {
            loop_timer_start(claimer->wake_timer, 0);
        }
        return;
    }
    while (may_pop(claimer)) {
        send_pop(claimer);
    }
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct claimer *claimer = arg;
    if (!claimer->is_stopping || !is_idle(claimer)) {
        claimer_wake(claimer);
        return;
    }
    if (claimer->on_stopped != NULL) {
        void (*fn)(void *) = claimer->on_stopped;
        claimer->on_stopped = NULL;
        fn(claimer->on_stopped_arg);
    }
}

struct claimer *claimer_new(struct loop *loop, const struct claimer_options *options)
{
    struct claimer *claimer = mem_new(1, sizeof *claimer);
    claimer->loop = loop;
    claimer->options = *options;
    claimer->pops_max = 1;
    claimer->wake_timer = loop_timer_new(loop, on_wake, claimer);
    claimer->look_timer = loop_timer_new(loop, on_look, claimer);
    loop_timer_start(claimer->look_timer, options->look_ms);
    return claimer;
}

void claimer_free(struct claimer *claimer)
{
    if (claimer == NULL) {
        return;
    }
    while (claimer->claims != NULL) {
        claim_call_free(claimer->claims);
    }
    event_free(claimer->wake_timer);
    event_free(claimer->look_timer);
    mem_free(claimer);
}

void claimer_forget_claims(struct claimer *claimer)
{
    /* What lies under the lost name is nobody's now, and where that name is not known any more,
       only the audit would find it. */
    claimer->must_check = claimer->worker[0] != '\0';
    struct claim_call *next = NULL;
    for (struct claim_call *call = claimer->claims; call != NULL; call = next) {
        next = call->next;
        call->is_forgotten = true;
        bool is_waiting =
            call->repeat_timer != NULL && event_pending(call->repeat_timer, EV_TIMEOUT, NULL) != 0;
        if (is_waiting) {
            claim_call_free(call);
        }
    }
    claimer_wake(claimer); /* a stop may have waited for just these */
}

void claimer_stop(struct claimer *claimer, void (*fn)(void *arg), void *arg)
{
    assert(!claimer->is_stopping);
    claimer->is_stopping = true;
    claimer->on_stopped = fn;
    claimer->on_stopped_arg = arg;
    claimer_wake(claimer);
}
