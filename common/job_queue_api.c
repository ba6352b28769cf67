/* What the API and the command line ask of the job machine. */
#include "common/job_queue_internal.h"

#include <string.h>

static void settle_state(struct queue_call *call, const struct redis_reply *reply,
                         const struct error *why_not)
{
    if (why_not != NULL) {
        call->fn.state(call->arg, NULL, why_not);
        return;
    }
    const char *state = redis_reply_is_nil(reply) ? "READY" : redis_reply_text(reply, NULL);
    struct error err;
    call->fn.state(call->arg, state,
                   state == NULL ? queue_reply_odd(&err, "the question for the status") : NULL);
}

void job_queue_get_state(struct job_queue *queue, const char *account, job_state_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_state, arg);
    call->fn.state = fn;
    char key[QUEUE_KEY_SIZE];
    struct redis_command command;
    redis_command_init(&command, "HGET");
    redis_command_add(&command,
                      queue_key_print(key, queue->namespace_name, QUEUE_KEY_STATUS, account));
    redis_command_add(&command, "state");
    queue_command_send(call, &command, queue->client, 0);
}

static void settle_abort(struct queue_call *call, const struct redis_reply *reply,
                         const struct error *why_not)
{
    call->fn.aborted(call->arg, why_not == NULL && redis_reply_int(reply, 0) == 1, why_not);
}

void job_queue_abort(struct job_queue *queue, const char *account, job_aborted_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_abort, arg);
    call->fn.aborted = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_ABORT, &command);
    redis_command_add(&command, account);
    redis_command_add_int(&command, queue->options.result_ttl_s);
    queue_script_send(call, SCRIPT_ABORT, &command, queue->client);
}

void job_queue_get_report(struct job_queue *queue, const char *account, job_document_fn *fn,
                          void *arg)
{
    struct queue_call *call = queue_call_new(queue, queue_settle_document, arg);
    call->fn.document = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_REPORT, &command);
    redis_command_add(&command, account);
    queue_script_send(call, SCRIPT_REPORT, &command, queue->client);
}
