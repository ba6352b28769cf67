/* What a worker asks of the job machine for itself: elements, and its lease. */
#include "common/job_queue_internal.h"

#include "common/mem.h"
#include "common/now.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void settle_pop_when_full(struct queue_call *call, const struct redis_reply *reply,
                                 const struct error *why_not)
{
    size_t size = 0;
    const char *element = why_not == NULL ? redis_reply_text(reply, &size) : NULL;
    struct error err;
    if (why_not == NULL && element == NULL) {
        (void)error_set(&err, ERROR_FULL, "Redis is out of memory, and the queue is empty");
        why_not = &err;
    }
    call->fn.popped(call->arg, element, size, why_not);
}

/* Redis refuses BLMOVE at full memory, but not a script that begins with a removal. */
static void pop_when_full(const struct queue_call *refused)
{
    struct queue_call *call = queue_call_new(refused->queue, settle_pop_when_full, refused->arg);
    call->fn.popped = refused->fn.popped;
    struct redis_command command;
    queue_script_begin(call->queue, SCRIPT_POP, &command);
    redis_command_add(&command, refused->worker);
    queue_script_send(call, SCRIPT_POP, &command, refused->blocking);
}

static void settle_pop(struct queue_call *call, const struct redis_reply *reply,
                       const struct error *why_not)
{
    if (why_not != NULL && why_not->code == ERROR_FULL) {
        pop_when_full(call);
        return;
    }
    size_t size = 0;
    const char *element = why_not == NULL ? redis_reply_text(reply, &size) : NULL;
    call->fn.popped(call->arg, element, size, why_not);
}

void job_queue_pop(struct job_queue *queue, struct redis_client *blocking, const char *worker,
                   int64_t wait_ms, job_popped_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_pop, arg);
    call->fn.popped = fn;
    call->blocking = blocking;
    call->worker = mem_copy_text(worker);
    char key[QUEUE_KEY_SIZE];
    struct redis_command command;
    /* Without a limit of time BLMOVE would wait for ever. */
    redis_command_init(&command, wait_ms > 0 ? "BLMOVE" : "LMOVE");
    redis_command_add(&command, queue->queue_key);
    redis_command_add(&command,
                      queue_key_print(key, queue->namespace_name, QUEUE_KEY_PROCESSING, worker));
    redis_command_add(&command, "RIGHT");
    redis_command_add(&command, "LEFT");
    char seconds[32];
    (void)snprintf(seconds, sizeof seconds, "%" PRId64 ".%03" PRId64, wait_ms / 1000,
                   wait_ms % 1000);
    if (wait_ms > 0) {
        redis_command_add(&command, seconds);
    }
    queue_command_send(call, &command, blocking, wait_ms);
}

/* started_at is the caller's storage, used until the command is sent. */
static void add_worker(struct redis_command *command, const struct job_queue *queue,
                       const struct worker_info *info, char started_at[NOW_ISO_SIZE])
{
    redis_command_add(command, info->name);
    redis_command_add_int(command, queue->options.lease_ms);
    redis_command_add(command, "host");
    redis_command_add(command, info->host);
    redis_command_add(command, "pid");
    redis_command_add_int(command, info->pid);
    redis_command_add(command, "version");
    redis_command_add(command, OMNIHOOK_VERSION);
    redis_command_add(command, "started_at");
    redis_command_add(command, now_iso(started_at, info->started_at_ms));
    redis_command_add(command, "concurrency");
    redis_command_add_int(command, info->concurrency);
    redis_command_add(command, "running");
    redis_command_add_int(command, info->running);
    redis_command_add(command, "done");
    redis_command_add_int(command, info->done);
    redis_command_add(command, "failed");
    redis_command_add_int(command, info->failed);
}

static void settle_register(struct queue_call *call, const struct redis_reply *reply,
                            const struct error *why_not)
{
    queue_settle_done(call, reply, why_not, "the name was in use and its lease has ended");
}

void job_queue_register(struct job_queue *queue, const struct worker_info *info, job_done_fn *fn,
                        void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_register, arg);
    call->fn.done = fn;
    char started_at[NOW_ISO_SIZE];
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_REGISTER, &command);
    add_worker(&command, queue, info, started_at);
    queue_script_send(call, SCRIPT_REGISTER, &command, queue->client);
}

static void settle_beat(struct queue_call *call, const struct redis_reply *reply,
                        const struct error *why_not)
{
    struct error err;
    const char *word = why_not == NULL ? queue_reply_word(reply, 0) : "";
    if (why_not == NULL && strcmp(word, "lost") == 0) {
        bool is_early = strcmp(queue_reply_word(reply, 1), "early") == 0;
        (void)error_set(&err, ERROR_LOST, "%s",
                        is_early ? "it was taken for dead: nobody listened on its channel"
                                 : "its lease had ended in Redis");
        why_not = &err;
    } else if (why_not == NULL && strcmp(word, "ok") != 0) {
        why_not = queue_reply_odd(&err, "beat");
    }
    if (why_not != NULL) {
        call->fn.beaten(call->arg, NULL, 0, why_not);
        return;
    }
    size_t count = redis_reply_count(reply) - 1;
    const char **aborted = mem_new(count + 1, sizeof *aborted);
    for (size_t i = 0; i < count; i++) {
        aborted[i] = queue_reply_word(reply, i + 1);
    }
    call->fn.beaten(call->arg, aborted, count, NULL);
    mem_free(aborted);
}

void job_queue_beat(struct job_queue *queue, const struct worker_info *info, job_beaten_fn *fn,
                    void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_beat, arg);
    call->fn.beaten = fn;
    char started_at[NOW_ISO_SIZE];
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_BEAT, &command);
    add_worker(&command, queue, info, started_at);
    queue_script_send(call, SCRIPT_BEAT, &command, queue->client);
}

static void settle_unregister(struct queue_call *call, const struct redis_reply *reply,
                              const struct error *why_not)
{
    queue_settle_done(call, reply, why_not, "the worker's lease has ended");
}

void job_queue_unregister(struct job_queue *queue, const char *worker, job_done_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_unregister, arg);
    call->fn.done = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_UNREGISTER, &command);
    redis_command_add(&command, worker);
    queue_script_send(call, SCRIPT_UNREGISTER, &command, queue->client);
}

static void settle_count(struct queue_call *call, const struct redis_reply *reply,
                         const struct error *why_not)
{
    (void)call;
    (void)reply;
    (void)why_not;
}

void job_queue_count_fenced(struct job_queue *queue, int64_t runs)
{
    struct queue_call *call = queue_call_new(queue, settle_count, NULL);
    char key[QUEUE_KEY_SIZE];
    struct redis_command command;
    redis_command_init(&command, "HINCRBY");
    redis_command_add(&command,
                      queue_key_print(key, queue->namespace_name, QUEUE_KEY_TOTALS, NULL));
    redis_command_add(&command, "fenced");
    redis_command_add_int(&command, runs);
    queue_command_send(call, &command, queue->client, 0);
}
