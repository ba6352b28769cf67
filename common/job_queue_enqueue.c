/* Calls of execute on their way to Redis. Those of one turn of the loop are sent as one script:
   each costs Redis a fraction of what a script of its own would. Where replicas are to confirm, a
   WAIT follows on the same connection once the script is answered, one at a time: what is written
   while one is under way shares the next. */
#include "common/job_queue_internal.h"
#include "common/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Two arguments each, beside six that all share. It also bounds for how long Redis serves nobody
   else: 30 us a new job. */
enum { CALLS_MAX = (REDIS_ARGS_MAX - 6) / 2 };

struct enqueue_call {
    job_enqueued_fn *fn;
    void *arg;
    char account[JOB_ACCOUNT_SIZE];
    char id[RANDOM_ID_SIZE];    /* of the job, should it be a new one; a repeat has the same */
    enum enqueue_result result; /* this and job: as Redis has answered */
    char job[RANDOM_ID_SIZE];
};

struct enqueue_batch {
    struct enqueue_batch *next; /* that waits for the same replicas */
    size_t count;
    struct enqueue_call calls[CALLS_MAX];
};

/* The bytes up to the next space or the end, 0 of them when there is no word; *at is moved behind
   the space. */
static size_t take_word(const char **at, const char **word)
{
    size_t size = strcspn(*at, " ");
    *word = *at;
    *at += size + ((*at)[size] == ' ' ? 1 : 0);
    return size;
}

static bool is_word(const char *bytes, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(bytes, word, size) == 0;
}

/* What Redis has answered to the call, from *at on; false, with the reason, when it has no job. */
static bool read_result(struct enqueue_call *call, const char **at, struct error *err)
{
    static const struct {
        const char *word;
        enum enqueue_result result;
    } results[] = {
        {"new", ENQUEUE_NEW},
        {"coalesced", ENQUEUE_COALESCED},
        {"rerun", ENQUEUE_RERUN},
        {"now", ENQUEUE_NOW},
    };
    const char *what = NULL;
    const char *job = NULL;
    size_t what_size = take_word(at, &what);
    size_t job_size = take_word(at, &job);
    job_size = job_size < sizeof call->job ? job_size : sizeof call->job - 1;
    memcpy(call->job, job, job_size);
    call->job[job_size] = '\0';
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (is_word(what, what_size, results[i].word)) {
            call->result = results[i].result;
            return true;
        }
    }
    if (is_word(what, what_size, "full")) {
        return error_set(err, ERROR_FULL, "the queue is full");
    }
    (void)queue_reply_odd(err, "enqueue");
    return false;
}

static void tell(const struct enqueue_call *call, const struct error *why_not)
{
    if (why_not != NULL) {
        call->fn(call->arg, ENQUEUE_NEW, NULL, why_not);
    } else {
        call->fn(call->arg, call->result, call->job, NULL);
    }
}

/* Tells and frees the whole list. */
static void tell_batches(struct enqueue_batch *batch_take, const struct error *why_not)
{
    while (batch_take != NULL) {
        struct enqueue_batch *next = batch_take->next;
        for (size_t i = 0; i < batch_take->count; i++) {
            tell(&batch_take->calls[i], why_not);
        }
        mem_free(batch_take);
        batch_take = next;
    }
}

/* Keeps only the calls that have a job now; the others are told. */
static void read_results(struct enqueue_batch *batch, const struct redis_reply *reply)
{
    size_t kept = 0;
    const char *text = redis_reply_text(reply, NULL);
    const char *at = text == NULL ? "" : text;
    for (size_t i = 0; i < batch->count; i++) {
        struct enqueue_call *call = &batch->calls[i];
        struct error err;
        if (read_result(call, &at, &err)) {
            batch->calls[kept++] = *call;
        } else {
            tell(call, &err);
        }
    }
    batch->count = kept;
}

/* ---- Replicas ---- */

static void send_wait(struct job_queue *queue);

static void settle_wait(struct queue_call *sent, const struct redis_reply *reply,
                        const struct error *why_not)
{
    struct job_queue *queue = sent->queue;
    struct enqueue_batch *covered = sent->arg;
    struct error err;
    queue->is_waiting = false;
    if (why_not != NULL) {
        /* What was written meanwhile was written on this connection, which may be lost: another
           would know nothing of it, and its WAIT be content. */
        struct enqueue_batch *unshared = queue->unshared;
        queue->unshared = NULL;
        tell_batches(covered, why_not);
        tell_batches(unshared, why_not);
        return;
    }
    int64_t replicas = redis_reply_int(reply, 0);
    if (replicas < queue->options.wait_replicas) {
        (void)error_set(&err, ERROR_UNAVAILABLE,
                        "only %" PRId64 " of %" PRId64 " replicas have confirmed the job", replicas,
                        queue->options.wait_replicas);
        why_not = &err;
        queue_note_error(queue, queue->options.confirming, why_not);
    }
    if (queue->unshared != NULL) {
        send_wait(queue);
    }
    tell_batches(covered, why_not);
}

/* WAIT is for all that this connection has seen written until now: also for a job that was there,
   which another call may have written. */
static void send_wait(struct job_queue *queue)
{
    struct queue_call *call = queue_call_new(queue, settle_wait, queue->unshared);
    call->blocking = queue->options.confirming;
    queue->unshared = NULL;
    queue->is_waiting = true;
    struct redis_command command;
    redis_command_init(&command, "WAIT");
    redis_command_add_int(&command, queue->options.wait_replicas);
    redis_command_add_int(&command, queue->options.wait_ms);
    queue_command_send(call, &command, queue->options.confirming, queue->options.wait_ms);
}

static void share(struct job_queue *queue, struct enqueue_batch *batch_take)
{
    batch_take->next = queue->unshared;
    queue->unshared = batch_take;
    if (!queue->is_waiting) {
        send_wait(queue);
    }
}

/* ---- Scripts ---- */

static void send_batch(struct job_queue *queue, struct enqueue_batch *batch_take);

static void send_each_alone(struct job_queue *queue, const struct enqueue_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct enqueue_batch *alone = mem_new(1, sizeof *alone);
        *alone = (struct enqueue_batch){.count = 1, .calls = {batch->calls[i]}};
        send_batch(queue, alone);
    }
}

static void settle_batch(struct queue_call *sent, const struct redis_reply *reply,
                         const struct error *why_not)
{
    struct enqueue_batch *batch = sent->arg;
    /* Redis itself said no: to one of them, perhaps. */
    bool is_refused =
        why_not != NULL && (why_not->code == ERROR_REFUSED || why_not->code == ERROR_FULL);
    if (is_refused && batch->count > 1) {
        send_each_alone(sent->queue, batch);
        mem_free(batch);
        return;
    }
    if (why_not == NULL) {
        read_results(batch, reply);
    }
    if (why_not == NULL && batch->count > 0 && sent->queue->options.wait_replicas > 0) {
        share(sent->queue, batch);
    } else {
        tell_batches(batch, why_not);
    }
}

static void send_batch(struct job_queue *queue, struct enqueue_batch *batch_take)
{
    struct queue_call *call = queue_call_new(queue, settle_batch, batch_take);
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_ENQUEUE, &command);
    for (size_t i = 0; i < batch_take->count; i++) {
        redis_command_add(&command, batch_take->calls[i].account);
        redis_command_add(&command, batch_take->calls[i].id);
        if (i == 0) {
            redis_command_add_int(&command, queue->options.queue_max);
            redis_command_add_int(&command, queue->options.job_attempts);
        }
    }
    call->blocking = queue->options.confirming;
    queue_script_send(call, SCRIPT_ENQUEUE, &command, queue->options.confirming);
}

void queue_enqueue_flush(struct job_queue *queue)
{
    struct enqueue_batch *batch = queue->gathered;
    queue->gathered = NULL;
    if (batch != NULL) {
        send_batch(queue, batch);
    }
}

void queue_enqueue_cancel(struct job_queue *queue)
{
    struct enqueue_batch *batch = queue->gathered;
    const struct error why = {.code = ERROR_CANCELLED, .text = "the Redis client was stopped"};
    queue->gathered = NULL;
    for (size_t i = 0; batch != NULL && i < batch->count; i++) {
        batch->calls[i].fn(batch->calls[i].arg, ENQUEUE_NEW, NULL, &why);
    }
    mem_free(batch);
}

void job_queue_enqueue(struct job_queue *queue, const char *account, job_enqueued_fn *fn, void *arg)
{
    if (queue->gathered == NULL) {
        queue->gathered = mem_new(1, sizeof *queue->gathered);
        if (queue->end_of_turn != NULL) {
            event_active(queue->end_of_turn, EV_TIMEOUT, 1);
        }
    }
    struct enqueue_call *call = &queue->gathered->calls[queue->gathered->count++];
    size_t size = strlen(account);
    *call = (struct enqueue_call){.fn = fn, .arg = arg};
    assert(size < sizeof call->account);
    memcpy(call->account, account, size);
    (void)random_id_make(call->id);
    if (queue->end_of_turn == NULL || queue->gathered->count == CALLS_MAX) {
        queue_enqueue_flush(queue);
    }
}
