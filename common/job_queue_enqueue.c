/* Calls of execute on their way to Redis. Those of one turn of the loop are sent as one script:
   each costs Redis a fraction of what a script of its own would. */
#include "common/job_queue_internal.h"
#include "common/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Two arguments each, beside six that all share. It also bounds for how long Redis serves nobody
   else: 30 us a new job. */
enum { CALLS_MAX = (REDIS_ARGS_MAX - 6) / 2 };

struct enqueue_call {
    job_enqueued_fn *fn;
    void *arg;
    char account[JOB_ACCOUNT_SIZE];
    char id[RANDOM_ID_SIZE]; /* of the job, should it be a new one; a repeat has the same */
};

struct enqueue_batch {
    size_t count;
    struct enqueue_call calls[CALLS_MAX];
};

static void tell(const struct enqueue_call *call, const struct redis_reply *reply, size_t index)
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
    const char *word = queue_reply_word(reply, 2 * index);
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (strcmp(word, results[i].word) == 0) {
            call->fn(call->arg, results[i].result, queue_reply_word(reply, 2 * index + 1), NULL);
            return;
        }
    }
    struct error err;
    if (strcmp(word, "full") == 0) {
        (void)error_set(&err, ERROR_FULL, "the queue is full");
    } else {
        queue_reply_odd(&err, "enqueue");
    }
    call->fn(call->arg, ENQUEUE_NEW, NULL, &err);
}

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
    } else {
        for (size_t i = 0; i < batch->count; i++) {
            const struct enqueue_call *call = &batch->calls[i];
            if (why_not == NULL) {
                tell(call, reply, i);
            } else {
                call->fn(call->arg, ENQUEUE_NEW, NULL, why_not);
            }
        }
    }
    mem_free(batch);
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
    queue_script_send(call, SCRIPT_ENQUEUE, &command, queue->client);
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
    *call = (struct enqueue_call){.fn = fn, .arg = arg};
    assert(strlen(account) < sizeof call->account);
    (void)snprintf(call->account, sizeof call->account, "%s", account);
    (void)random_id_make(call->id);
    if (queue->end_of_turn == NULL || queue->gathered->count == CALLS_MAX) {
        queue_enqueue_flush(queue);
    }
}
