#include "common/job_queue_internal.h"

#include "common/mem.h"

#include <assert.h>
#include <string.h>

extern const unsigned char embedded_prelude_lua[];
extern const unsigned char embedded_prelude_rest_lua[];
extern const unsigned char embedded_enqueue_lua[];
extern const unsigned char embedded_abort_lua[];
extern const unsigned char embedded_report_lua[];
extern const unsigned char embedded_pop_lua[];
extern const unsigned char embedded_claim_lua[];
extern const unsigned char embedded_register_lua[];
extern const unsigned char embedded_beat_lua[];
extern const unsigned char embedded_unregister_lua[];
extern const unsigned char embedded_progress_lua[];
extern const unsigned char embedded_finish_lua[];
extern const unsigned char embedded_promote_lua[];
extern const unsigned char embedded_take_back_lua[];
extern const unsigned char embedded_watch_lua[];
extern const unsigned char embedded_take_back_own_lua[];
extern const unsigned char embedded_audit_lua[];
extern const unsigned char embedded_types_lua[];
extern const unsigned char embedded_overview_lua[];
extern const unsigned char embedded_list_workers_lua[];
extern const unsigned char embedded_list_statuses_lua[];
extern const unsigned char embedded_list_dead_lua[];
extern const unsigned char embedded_drop_dead_lua[];
extern const unsigned char embedded_list_active_lua[];
extern const unsigned char embedded_find_dead_lua[];
extern const unsigned char embedded_list_history_lua[];

static const unsigned char *const bodies[QUEUE_SCRIPTS] = {
    [SCRIPT_ENQUEUE] = embedded_enqueue_lua,
    [SCRIPT_ABORT] = embedded_abort_lua,
    [SCRIPT_REPORT] = embedded_report_lua,
    [SCRIPT_POP] = embedded_pop_lua,
    [SCRIPT_CLAIM] = embedded_claim_lua,
    [SCRIPT_REGISTER] = embedded_register_lua,
    [SCRIPT_BEAT] = embedded_beat_lua,
    [SCRIPT_UNREGISTER] = embedded_unregister_lua,
    [SCRIPT_PROGRESS] = embedded_progress_lua,
    [SCRIPT_FINISH] = embedded_finish_lua,
    [SCRIPT_PROMOTE] = embedded_promote_lua,
    [SCRIPT_TAKE_BACK] = embedded_take_back_lua,
    [SCRIPT_WATCH] = embedded_watch_lua,
    [SCRIPT_TAKE_BACK_OWN] = embedded_take_back_own_lua,
    [SCRIPT_AUDIT] = embedded_audit_lua,
    [SCRIPT_TYPES] = embedded_types_lua,
    [SCRIPT_OVERVIEW] = embedded_overview_lua,
    [SCRIPT_LIST_WORKERS] = embedded_list_workers_lua,
    [SCRIPT_LIST_STATUSES] = embedded_list_statuses_lua,
    [SCRIPT_LIST_DEAD] = embedded_list_dead_lua,
    [SCRIPT_DROP_DEAD] = embedded_drop_dead_lua,
    [SCRIPT_LIST_ACTIVE] = embedded_list_active_lua,
    [SCRIPT_FIND_DEAD] = embedded_find_dead_lua,
    [SCRIPT_LIST_HISTORY] = embedded_list_history_lua,
};

/* POP and ENQUEUE run most often. */
static void script_init(struct redis_script *script, enum queue_script which)
{
    bool is_short = which == SCRIPT_POP || which == SCRIPT_ENQUEUE;
    const unsigned char *const parts[] = {
        embedded_prelude_lua, is_short ? NULL : embedded_prelude_rest_lua, bodies[which]};
    redis_script_init(script, parts);
}

/* What was made active in this turn runs in it, behind all that was active before. */
static void on_end_of_turn(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    queue_enqueue_flush(arg);
}

struct job_queue *job_queue_new(struct redis_client *client,
                                const struct job_queue_options *options)
{
    struct job_queue *queue = mem_new(1, sizeof *queue);
    queue->client = client;
    queue->options = *options;
    queue->namespace_name = mem_copy_text(options->namespace_name);
    queue->options.namespace_name = queue->namespace_name;
    if (queue->options.confirming == NULL) {
        queue->options.confirming = client;
    }
    queue->types_cursor[0] = '0';
    queue_key_print(queue->prefix, queue->namespace_name, QUEUE_KEY_PREFIX, NULL);
    queue_key_print(queue->queue_key, queue->namespace_name, QUEUE_KEY_QUEUE, NULL);
    queue_key_print(queue->events_channel, queue->namespace_name, QUEUE_KEY_EVENTS, NULL);
    for (size_t i = 0; i < QUEUE_SCRIPTS; i++) {
        script_init(&queue->scripts[i], (enum queue_script)i);
    }
    if (options->loop != NULL) {
        queue->end_of_turn = loop_timer_new(options->loop, on_end_of_turn, queue);
    }
    return queue;
}

void job_queue_free(struct job_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    queue_enqueue_cancel(queue);
    if (queue->end_of_turn != NULL) {
        event_free(queue->end_of_turn);
    }
    mem_free(queue->namespace_name);
    mem_free(queue);
}

const char *job_queue_events_channel(const struct job_queue *queue)
{
    return queue->events_channel;
}

char *job_queue_hints_channel(const struct job_queue *queue, const char *worker,
                              char channel[QUEUE_KEY_SIZE])
{
    return queue_key_print(channel, queue->namespace_name, QUEUE_KEY_HINTS, worker);
}

struct queue_call *queue_call_new(struct job_queue *queue, queue_settle_fn *settle, void *arg)
{
    struct queue_call *call = mem_new(1, sizeof *call);
    call->queue = queue;
    call->settle = settle;
    call->arg = arg;
    return call;
}

void queue_script_begin(const struct job_queue *queue, enum queue_script script,
                        struct redis_command *command)
{
    redis_script_call_init(command, &queue->scripts[script], 1);
    redis_command_add(command, queue->prefix);
}

static void on_reply(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct queue_call *call = arg;
    if (why_not != NULL) {
        queue_note_error(call->queue, call->blocking != NULL ? call->blocking : call->queue->client,
                         why_not);
    }
    call->settle(call, reply, why_not);
    mem_free(call->worker);
    mem_free(call);
}

void queue_script_send(struct queue_call *call, enum queue_script script,
                       const struct redis_command *command, struct redis_client *client)
{
    redis_script_send(client, &call->queue->scripts[script], command, on_reply, call);
}

void queue_command_send(struct queue_call *call, const struct redis_command *command,
                        struct redis_client *client, int64_t extra_ms)
{
    redis_client_send(client, command, extra_ms, on_reply, call);
}

const char *queue_reply_word(const struct redis_reply *reply, size_t index)
{
    const struct redis_reply *word = redis_reply_at(reply, index);
    const char *text = word == NULL ? NULL : redis_reply_text(word, NULL);
    return text == NULL ? "" : text;
}

const struct error *queue_reply_odd(struct error *err, const char *call)
{
    (void)error_set(err, ERROR_PROTOCOL, "Redis's answer to %s makes no sense", call);
    return err;
}

void queue_settle_done(struct queue_call *call, const struct redis_reply *reply,
                       const struct error *why_not, const char *lost_text)
{
    struct error err;
    const char *word = why_not == NULL ? redis_reply_text(reply, NULL) : "";
    if (why_not == NULL && word != NULL && strcmp(word, "lost") == 0) {
        (void)error_set(&err, ERROR_LOST, "%s", lost_text);
        why_not = &err;
    } else if (why_not == NULL && (word == NULL || strcmp(word, "ok") != 0)) {
        why_not = queue_reply_odd(&err, "a worker's step");
    }
    call->fn.done(call->arg, why_not);
}

void queue_settle_document(struct queue_call *call, const struct redis_reply *reply,
                           const struct error *why_not)
{
    size_t size = 0;
    const char *document = why_not == NULL ? redis_reply_text(reply, &size) : NULL;
    call->fn.document(call->arg, document, size, why_not);
}
