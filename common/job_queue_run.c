/* What a worker asks of the job machine for one run. */
#include "common/job_queue_internal.h"

#include "common/quote.h"
#include "common/strbuf.h"

#include <stdio.h>
#include <string.h>

static bool read_claim(struct job_claim *claim, const struct redis_reply *reply)
{
    enum { ACCOUNT = 1, JOB, ATTEMPT, RECOVERED, AGE, EARLIER, FIELDS };
    if (redis_reply_count(reply) != FIELDS) {
        return false;
    }
    const char *account = queue_reply_word(reply, ACCOUNT);
    const char *job = queue_reply_word(reply, JOB);
    if (strlen(account) >= sizeof claim->account || strlen(job) >= sizeof claim->job) {
        return false;
    }
    memcpy(claim->account, account, strlen(account) + 1);
    memcpy(claim->job, job, strlen(job) + 1);
    claim->attempt = redis_reply_int(redis_reply_at(reply, ATTEMPT), 1);
    claim->is_recovered = redis_reply_int(redis_reply_at(reply, RECOVERED), 0) == 1;
    claim->age_ms = redis_reply_int(redis_reply_at(reply, AGE), 0);
    claim->earlier = redis_reply_text(redis_reply_at(reply, EARLIER), &claim->earlier_size);
    return claim->earlier != NULL;
}

static void settle_claim(struct queue_call *call, const struct redis_reply *reply,
                         const struct error *why_not)
{
    if (why_not != NULL) {
        call->fn.claimed(call->arg, NULL, why_not);
        return;
    }
    const char *word = queue_reply_word(reply, 0);
    struct error err;
    struct job_claim claim = {0};
    if (strcmp(word, "run") == 0 && read_claim(&claim, reply)) {
        memcpy(claim.token, call->token, sizeof claim.token);
        call->fn.claimed(call->arg, &claim, NULL);
    } else if (strcmp(word, "none") == 0) {
        call->fn.claimed(call->arg, NULL, NULL);
    } else if (strcmp(word, "lost") == 0) {
        (void)error_set(&err, ERROR_LOST, "the worker's lease has ended");
        call->fn.claimed(call->arg, NULL, &err);
    } else {
        call->fn.claimed(call->arg, NULL, queue_reply_odd(&err, "claim"));
    }
}

/* NOLINTNEXTLINE(readability-function-size): a call's seven arguments, two of them its answer's */
void job_queue_claim(struct job_queue *queue, const char *worker, const char *element, size_t size,
                     const char *token, job_claimed_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_claim, arg);
    call->fn.claimed = fn;
    (void)snprintf(call->token, sizeof call->token, "%s", token);
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_CLAIM, &command);
    redis_command_add(&command, worker);
    redis_command_add_bytes(&command, element, size);
    redis_command_add(&command, token);
    redis_command_add_int(&command, queue->options.job_attempts);
    queue_script_send(call, SCRIPT_CLAIM, &command, queue->client);
}

static void add_details(struct redis_command *command, const char *details)
{
    redis_command_add_int(command, details != NULL);
    redis_command_add(command, details);
}

static void add_counts(struct redis_command *command, const struct run_counts *counts)
{
    const struct {
        const char *name;
        int64_t number;
    } fields[] = {
        {"done", counts->done},       {"total", counts->total},
        {"created", counts->created}, {"reactivated", counts->reactivated},
        {"updated", counts->updated}, {"already", counts->already},
        {"drifted", counts->drifted}, {"failed", counts->failed},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        redis_command_add(command, fields[i].name);
        redis_command_add_int(command, fields[i].number);
    }
}

static void settle_progress(struct queue_call *call, const struct redis_reply *reply,
                            const struct error *why_not)
{
    queue_settle_done(call, reply, why_not, "the job is no longer ours");
}

void job_queue_progress(struct job_queue *queue, const struct job_claim *claim,
                        const struct run_counts *counts, const char *details, job_done_fn *fn,
                        void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_progress, arg);
    call->fn.done = fn;
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_PROGRESS, &command);
    redis_command_add(&command, claim->account);
    redis_command_add(&command, claim->token);
    add_details(&command, details);
    add_counts(&command, counts);
    queue_script_send(call, SCRIPT_PROGRESS, &command, queue->client);
}

static void settle_finish(struct queue_call *call, const struct redis_reply *reply,
                          const struct error *why_not)
{
    static const struct {
        const char *word;
        enum job_end end;
    } ends[] = {
        {"finished", JOB_FINISHED}, {"failed", JOB_FAILED},     {"aborted", JOB_ABORTED},
        {"retrying", JOB_RETRYING}, {"requeued", JOB_REQUEUED},
    };
    if (why_not != NULL) {
        call->fn.finished(call->arg, JOB_FAILED, why_not);
        return;
    }
    const char *text = redis_reply_text(reply, NULL);
    const char *word = text == NULL ? "" : text;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (strcmp(word, ends[i].word) == 0) {
            call->fn.finished(call->arg, ends[i].end, NULL);
            return;
        }
    }
    struct error err;
    if (strcmp(word, "lost") == 0) {
        (void)error_set(&err, ERROR_LOST, "the job is no longer ours");
    } else {
        queue_reply_odd(&err, "finish");
    }
    call->fn.finished(call->arg, JOB_FAILED, &err);
}

static const char *outcome_name(enum run_outcome outcome)
{
    switch (outcome) {
    case RUN_OK:
        return "ok";
    case RUN_FAILED:
        return "failed";
    case RUN_RETRY:
        return "retry";
    case RUN_PARKED:
        return "parked";
    case RUN_RELEASED:
        return "released";
    }
    return "failed";
}

void job_queue_finish(struct job_queue *queue, const struct job_claim *claim,
                      const struct run_result *result, job_finished_fn *fn, void *arg)
{
    struct queue_call *call = queue_call_new(queue, settle_finish, arg);
    call->fn.finished = fn;
    struct strbuf reason;
    strbuf_init(&reason, (size_t)3 * ERROR_TEXT_SIZE);
    if (result->error != NULL) {
        quote_utf8(&reason, result->error);
    }
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_FINISH, &command);
    redis_command_add(&command, claim->account);
    redis_command_add(&command, claim->token);
    redis_command_add(&command, outcome_name(result->outcome));
    redis_command_add_bytes(&command, reason.bytes, reason.size);
    redis_command_add_int(&command, result->delay_ms);
    redis_command_add_int(
        &command, backoff_delay_ms(&queue->options.retry, (unsigned)claim->attempt, random_bits()));
    redis_command_add_int(&command, queue->options.job_max_age_ms);
    redis_command_add_int(&command, queue->options.result_ttl_s);
    add_details(&command, result->details);
    add_counts(&command, &result->counts);
    queue_script_send(call, SCRIPT_FINISH, &command, queue->client);
    strbuf_clear(&reason);
}
