#include "common/job_queue_view.h"

#include "common/job_queue_internal.h"

#include <assert.h>

/* Begins a script whose answer is a document. */
static struct queue_call *begin(struct job_queue *queue, enum queue_script script,
                                struct redis_command *command, job_document_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, queue_settle_document, arg);
    call->fn.document = fn;
    queue_script_begin(queue, script, command);
    return call;
}

void job_queue_get_overview(struct job_queue *queue, job_document_fn *fn, void *arg)
{
    struct redis_command command;
    struct queue_call *call = begin(queue, SCRIPT_OVERVIEW, &command, fn, arg);
    queue_script_send(call, SCRIPT_OVERVIEW, &command, queue->client);
}

void job_queue_list_workers(struct job_queue *queue, job_document_fn *fn, void *arg)
{
    struct redis_command command;
    struct queue_call *call = begin(queue, SCRIPT_LIST_WORKERS, &command, fn, arg);
    redis_command_add_int(&command, JOB_WORKERS_MAX);
    queue_script_send(call, SCRIPT_LIST_WORKERS, &command, queue->client);
}

void job_queue_list_statuses(struct job_queue *queue, const char *const *accounts, size_t count,
                             job_document_fn *fn, void *arg)
{
    assert(count <= JOB_STATUSES_MAX);
    struct redis_command command;
    struct queue_call *call = begin(queue, SCRIPT_LIST_STATUSES, &command, fn, arg);
    for (size_t i = 0; i < count; i++) {
        redis_command_add(&command, accounts[i]);
    }
    queue_script_send(call, SCRIPT_LIST_STATUSES, &command, queue->client);
}

void job_queue_list_dead(struct job_queue *queue, int64_t index, int64_t count, job_document_fn *fn,
                         void *arg)
{
    struct redis_command command;
    struct queue_call *call = begin(queue, SCRIPT_LIST_DEAD, &command, fn, arg);
    redis_command_add_int(&command, index);
    redis_command_add_int(&command, count);
    queue_script_send(call, SCRIPT_LIST_DEAD, &command, queue->client);
}

void job_queue_find_dead(struct job_queue *queue, const char *job, job_document_fn *fn, void *arg)
{
    struct redis_command command;
    struct queue_call *call = begin(queue, SCRIPT_FIND_DEAD, &command, fn, arg);
    redis_command_add(&command, job);
    queue_script_send(call, SCRIPT_FIND_DEAD, &command, queue->client);
}

void job_queue_list_active(struct job_queue *queue, const char *cursor, int64_t count,
                           job_document_fn *fn, void *arg)
{
    struct redis_command command;
    struct queue_call *call = begin(queue, SCRIPT_LIST_ACTIVE, &command, fn, arg);
    redis_command_add(&command, cursor);
    redis_command_add_int(&command, count);
    queue_script_send(call, SCRIPT_LIST_ACTIVE, &command, queue->client);
}

void job_queue_list_history(struct job_queue *queue, const char *account, job_document_fn *fn,
                            void *arg)
{
    struct redis_command command;
    struct queue_call *call = begin(queue, SCRIPT_LIST_HISTORY, &command, fn, arg);
    redis_command_add(&command, account);
    redis_command_add_int(&command, JOB_HISTORY_BYTES_MAX);
    queue_script_send(call, SCRIPT_LIST_HISTORY, &command, queue->client);
}

static void settle_drop(struct queue_call *call, const struct redis_reply *reply,
                        const struct error *why_not)
{
    call->fn.swept(call->arg, why_not == NULL ? redis_reply_int(reply, 0) : 0, why_not);
}

void job_queue_drop_dead(struct job_queue *queue, const char *job, job_swept_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_drop, arg);
    call->fn.swept = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_DROP_DEAD, &command);
    redis_command_add(&command, job);
    queue_script_send(call, SCRIPT_DROP_DEAD, &command, queue->client);
}
