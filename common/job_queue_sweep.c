/* Housekeeping of the job machine, by every worker. */
#include "common/job_queue_internal.h"

#include "common/log.h"
#include "common/now.h"
#include "common/strbuf.h"

/* What one call moves at most, so that Redis serves others in between. */
enum { MOVED_MAX = 100 };
/* Between the end of a lease and taking back: calls that were cut at the worker's own deadline are
   over, also when its clock runs a little slow. The contract has room for 5 s, a sweep's tick
   included. */
enum { GRACE_MAX_MS = 3000 };
/* The audit looks at this much each time: some milliseconds of Redis's. */
enum { AUDIT_ACCOUNTS = 500, AUDIT_ELEMENTS = 200000, AUDIT_KEYS = 1000 };
/* Known tokens of as many runs as a worker may have, with a space each. */
enum { TOKENS_MAX_BYTES = 10000 * RANDOM_ID_SIZE + 1 };

static void settle_swept(struct queue_call *call, const struct redis_reply *reply,
                         const struct error *why_not)
{
    call->fn.swept(call->arg, why_not == NULL ? redis_reply_int(reply, 0) : 0, why_not);
}

/* The longest wait before the run that follows a second death. */
static int64_t death_backoff_ms(const struct job_queue *queue)
{
    return backoff_delay_ms(&queue->options.retry, 2, UINT32_MAX);
}

void job_queue_promote(struct job_queue *queue, job_swept_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_swept, arg);
    call->fn.swept = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_PROMOTE, &command);
    redis_command_add_int(&command, MOVED_MAX);
    queue_script_send(call, SCRIPT_PROMOTE, &command, queue->client);
}

static void settle_take_back(struct queue_call *call, const struct redis_reply *reply,
                             const struct error *why_not)
{
    if (why_not != NULL || redis_reply_count(reply) != 3) {
        struct error err;
        call->fn.swept(call->arg, 0,
                       why_not != NULL ? why_not : queue_reply_odd(&err, "take_back"));
        return;
    }
    int64_t jump_ms = redis_reply_int(redis_reply_at(reply, 2), 0);
    if (jump_ms != 0) {
        log_warn("redis_clock_jump", log_int("jump_ms", jump_ms));
    }
    call->queue->redis_ms = redis_reply_int(redis_reply_at(reply, 1), 0);
    call->queue->boot_ms = call->boot_ms;
    call->fn.swept(call->arg, redis_reply_int(redis_reply_at(reply, 0), 0), NULL);
}

void job_queue_take_back(struct job_queue *queue, job_swept_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_take_back, arg);
    call->fn.swept = fn;
    call->boot_ms = now_boot_ms();
    int64_t lease_ms = queue->options.lease_ms;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_TAKE_BACK, &command);
    redis_command_add_int(&command, lease_ms);
    redis_command_add_int(&command, lease_ms < GRACE_MAX_MS ? lease_ms : GRACE_MAX_MS);
    if (queue->redis_ms == 0) {
        redis_command_add(&command, "");
    } else {
        redis_command_add_int(&command, queue->redis_ms + call->boot_ms - queue->boot_ms);
    }
    redis_command_add_int(&command, MOVED_MAX);
    redis_command_add_int(&command, queue->options.result_ttl_s);
    redis_command_add_int(&command, queue->options.job_max_age_ms);
    redis_command_add_int(&command, death_backoff_ms(queue));
    queue_script_send(call, SCRIPT_TAKE_BACK, &command, queue->client);
}

static void settle_watch(struct queue_call *call, const struct redis_reply *reply,
                         const struct error *why_not)
{
    int64_t ended = why_not == NULL ? redis_reply_int(reply, 0) : 0;
    if (ended == 0) {
        call->fn.swept(call->arg, 0, why_not);
        return;
    }
    log_info("workers_gone", log_int("workers", ended));
    job_queue_take_back(call->queue, call->fn.swept, call->arg);
}

void job_queue_watch(struct job_queue *queue, job_swept_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_watch, arg);
    call->fn.swept = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_WATCH, &command);
    redis_command_add_int(&command, redis_client_connected_ms(queue->client));
    queue_script_send(call, SCRIPT_WATCH, &command, queue->client);
}

void job_queue_take_back_own(struct job_queue *queue, const char *worker, const char *const *known,
                             size_t known_count, job_swept_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_swept, arg);
    call->fn.swept = fn;
    struct strbuf tokens;
    strbuf_init(&tokens, TOKENS_MAX_BYTES);
    for (size_t i = 0; i < known_count; i++) {
        strbuf_addf(&tokens, "%s ", known[i]);
    }
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_TAKE_BACK_OWN, &command);
    redis_command_add(&command, worker);
    redis_command_add_bytes(&command, tokens.bytes, tokens.size);
    redis_command_add_int(&command, queue->options.result_ttl_s);
    queue_script_send(call, SCRIPT_TAKE_BACK_OWN, &command, queue->client);
    strbuf_clear(&tokens);
}

void job_queue_audit(struct job_queue *queue, job_swept_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_swept, arg);
    call->fn.swept = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_AUDIT, &command);
    redis_command_add_int(&command, AUDIT_ACCOUNTS);
    redis_command_add_int(&command, AUDIT_ELEMENTS);
    redis_command_add_int(&command, AUDIT_KEYS);
    redis_command_add_int(&command, queue->options.lease_ms);
    redis_command_add_int(&command, queue->options.result_ttl_s);
    redis_command_add_int(&command, queue->options.job_max_age_ms);
    redis_command_add_int(&command, death_backoff_ms(queue));
    redis_command_add_int(&command, queue->options.job_attempts);
    queue_script_send(call, SCRIPT_AUDIT, &command, queue->client);
}
