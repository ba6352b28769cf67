#include "worker/run.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"
#include "common/planner.h"
#include "common/run_report.h"
#include "worker/progress.h"
#include "worker/verdict.h"
#include "worker/writes.h"

#include <assert.h>
#include <inttypes.h>

static const struct backoff retry = {.base_ms = 100, .max_ms = 5000};

/*   RUN_LISTING --> RUN_WRITING --> RUN_CONFIRMING --> RUN_WRITING (what was undone in between)
          |               |                |                |
          +---------------+----------------+----------------+--> RUN_SETTLING --> over

   From each of the first three also straight to RUN_SETTLING: a failure, the time limit, an abort,
   a stop of the worker. */
enum run_state {
    RUN_LISTING,    /* reading what is registered */
    RUN_WRITING,    /* creating, reactivating, updating */
    RUN_CONFIRMING, /* after a take-over: reading the list once more, since requests that the dead
                       worker left on their way may have arrived after ours */
    RUN_SETTLING,   /* nothing is under way at Omnitron; telling Redis the end, for as long as it
                       takes or the lease holds */
};

struct run {
    const struct run_context *context;
    struct job_claim claim;
    enum run_state state;
    int64_t started_ms; /* mono */
    struct settings *settings;
    const struct account *account; /* of settings; NULL: not configured any more */
    struct omnitron *omnitron;
    struct run_report *report; /* NULL until the account is known */
    struct plan *plan;         /* NULL until the list has been read */
    struct writes *writes;     /* while writing */
    struct progress *progress; /* from the first write on, until settling */
    struct event *timer;       /* the time limit; when settling, the repeat */
    struct verdict verdict;    /* when settling */
    bool has_confirmed;
    bool
        must_verify; /* nothing is written to Omnitron before Redis has said that the claim holds */
    unsigned failures; /* in a row, of settling */
    bool is_finishing; /* job_queue_finish is under way */
    bool is_dropped;   /* only waits for that call's answer */
};

static void run_enter(struct run *run, enum run_state state);

static void run_free(struct run *run)
{
    progress_free(run->progress);
    omnitron_free(run->omnitron);
    writes_free(run->writes);
    plan_free(run->plan);
    run_report_free(run->report);
    if (run->settings != NULL) {
        settings_unref(run->settings);
    }
    event_free(run->timer);
    mem_free(run);
}

static void settle(struct run *run, const struct verdict *verdict)
{
    run->verdict = *verdict;
    if (run->report != NULL) {
        run_report_keep_all_earlier(run->report);
    }
    run_enter(run, RUN_SETTLING);
}

static void settle_because(struct run *run, enum run_outcome outcome, const char *reason)
{
    struct verdict verdict = {.outcome = outcome};
    error_set(&verdict.reason, ERROR_CANCELLED, "%s", reason);
    settle(run, &verdict);
}

/* ---- Listing and planning ---- */

/* What the list says about one webhook. When confirming, only what somebody has undone since
   counts: a row never goes away, so one that is missing is only invisible. */
static enum webhook_outcome judge(enum plan_kind kind, enum webhook_outcome before)
{
    switch (kind) {
    case PLAN_CREATE:
        return before;
    case PLAN_REACTIVATE:
    case PLAN_UPDATE:
        return before == OUTCOME_FAILED ? before : OUTCOME_PENDING;
    case PLAN_DRIFTED:
        return before == OUTCOME_PENDING ? OUTCOME_DRIFTED : before;
    case PLAN_REGISTERED:
        return before == OUTCOME_PENDING ? OUTCOME_ALREADY : before;
    }
    return before;
}

/* Whether what the job's run before told of a webhook still holds: what it did, when the list shows
   the webhook as it should be; and a failure for good, when it does not: that is not tried again.
 */
static bool earlier_holds(const struct run *run, size_t index)
{
    int status = 0;
    enum plan_kind kind = run->plan->actions[index].kind;
    bool is_registered = kind == PLAN_REGISTERED || kind == PLAN_DRIFTED;
    switch (run_report_earlier(run->report, index, &status)) {
    case OUTCOME_CREATED:
    case OUTCOME_REACTIVATED:
    case OUTCOME_UPDATED:
        return is_registered;
    case OUTCOME_FAILED:
        return !is_registered && omnitron_status_is_for_good(status);
    case OUTCOME_PENDING:
    case OUTCOME_ALREADY:
    case OUTCOME_DRIFTED:
        return false;
    }
    return false;
}

static void apply_plan(struct run *run)
{
    for (size_t i = 0; i < run->plan->count; i++) {
        enum webhook_outcome before = run_report_outcome(run->report, i);
        if (before == OUTCOME_PENDING && earlier_holds(run, i)) {
            run_report_keep_earlier(run->report, i);
            continue;
        }
        enum webhook_outcome after = judge(run->plan->actions[i].kind, before);
        if (after != before) {
            run_report_set(run->report, i, after, 0, NULL);
        }
    }
}

static void make_plan(struct run *run, struct hook_list *list)
{
    bool is_first = run->plan == NULL;
    plan_free(run->plan);
    run->plan = plan_make(run->account, list);
    hook_list_free(list);
    apply_plan(run);
    for (size_t i = 0; is_first && i < run->plan->warning_count; i++) {
        const struct plan_warning *warning = &run->plan->warnings[i];
        run_report_warn(run->report, warning->webhook, plan_warning_name(warning->kind),
                        warning->detail);
    }
}

static void on_listed(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    struct run *run = arg;
    if (failure != NULL) {
        struct verdict verdict = verdict_of_failure(failure);
        settle(run, &verdict);
        return;
    }
    run->has_confirmed = run->state == RUN_CONFIRMING;
    make_plan(run, list);
    struct run_counts counts = run_report_counts(run->report);
    if (counts.done < counts.total) {
        run_enter(run, RUN_WRITING);
        return;
    }
    struct verdict verdict = {.outcome = counts.failed > 0 ? RUN_FAILED : RUN_OK};
    if (counts.failed > 0) {
        run_report_failure(run->report, &verdict.reason);
    }
    settle(run, &verdict);
}

/* ---- Metrics ---- */

static const char *const end_names[] = {
    [JOB_FINISHED] = "finished", [JOB_FAILED] = "failed",     [JOB_ABORTED] = "aborted",
    [JOB_RETRYING] = "retrying", [JOB_REQUEUED] = "requeued",
};

/* end NULL: another worker has the job, so nothing is known of its end. */
static void count_end(const struct run *run, const enum job_end *end)
{
    metrics_count(METRIC_RUNS, end == NULL ? "lost" : end_names[*end], NULL);
    metrics_observe(METRIC_RUN_DURATION, NULL, (now_mono_ms() - run->started_ms) * 1000);
    if (end != NULL && *end == JOB_FINISHED) {
        metrics_set(METRIC_LAST_SUCCESS, NULL, now_wall_ms());
    }
    for (size_t i = 0; run->report != NULL && i < run->account->webhook_count; i++) {
        if (!run_report_is_earlier(run->report, i)) {
            metrics_count(METRIC_WEBHOOKS, webhook_outcome_name(run_report_outcome(run->report, i)),
                          NULL);
        }
    }
    if (run->plan != NULL) {
        metrics_add(METRIC_WEBHOOKS_INACTIVE, NULL, NULL, (int64_t)run->plan->kept_inactive);
    }
}

/* ---- Writing ---- */

/* Another worker has the job. */
static void end_fenced(struct run *run)
{
    log_warn("run_fenced", log_text("account", run->claim.account), log_text("job", run->claim.job),
             log_text("worker", run->context->worker));
    metrics_count(METRIC_RUNS_FENCED, NULL, NULL);
    count_end(run, NULL);
    run->context->on_over(run->context->arg, run, NULL);
    run_drop(run);
}

static void on_progress_written(void *arg, const struct error *why_not)
{
    struct run *run = arg;
    if (why_not != NULL && why_not->code == ERROR_LOST) {
        end_fenced(run);
    } else if (why_not == NULL) {
        run->must_verify = false;
        if (run->writes != NULL) {
            writes_resume(run->writes);
        }
    }
}

static void on_moved(void *arg)
{
    struct run *run = arg;
    progress_moved(run->progress);
}

static void on_writes_done(void *arg, const struct verdict *verdict)
{
    struct run *run = arg;
    writes_free(run->writes);
    run->writes = NULL;
    if (verdict->outcome == RUN_OK && run->claim.is_recovered && !run->has_confirmed) {
        run_enter(run, RUN_CONFIRMING);
        return;
    }
    settle(run, verdict);
}

static void start_writing(struct run *run)
{
    if (run->progress == NULL) {
        run->progress = progress_new(run->context->loop, &(struct progress_options){
                                                             .queue = run->context->queue,
                                                             .claim = &run->claim,
                                                             .report = run->report,
                                                             .on_written = on_progress_written,
                                                             .arg = run,
                                                         });
    }
    run->writes = writes_start(run->context->loop, &(struct writes_options){
                                                       .omnitron = run->omnitron,
                                                       .account = run->account,
                                                       .plan = run->plan,
                                                       .report = run->report,
                                                       .on_moved = on_moved,
                                                       .on_done = on_writes_done,
                                                       .arg = run,
                                                       .is_paused = run->must_verify,
                                                   });
    if (run->must_verify) {
        progress_verify(run->progress);
    }
}

/* ---- Settling ---- */

static void log_end(const struct run *run, const char *end)
{
    struct run_counts counts =
        run->report == NULL ? (struct run_counts){0} : run_report_counts(run->report);
    log_info("run_ended", log_text("account", run->claim.account), log_text("job", run->claim.job),
             log_text("worker", run->context->worker), log_int("attempt", run->claim.attempt),
             log_text("end", end), log_int("created", counts.created),
             log_int("reactivated", counts.reactivated), log_int("updated", counts.updated),
             log_int("already", counts.already), log_int("drifted", counts.drifted),
             log_int("failed", counts.failed), log_int("total", counts.total),
             log_int("ms", now_mono_ms() - run->started_ms),
             log_reason(run->verdict.outcome == RUN_OK ? NULL : &run->verdict.reason));
}

static void settle_again_later(struct run *run, const struct error *why_not)
{
    if (run->failures++ == 0) {
        log_warn("run_end_unwritten", log_text("account", run->claim.account),
                 log_text("job", run->claim.job), log_text("worker", run->context->worker),
                 log_reason(why_not));
    }
    loop_timer_start(run->timer, backoff_delay_ms(&retry, run->failures, random_bits()));
}

static void on_finished(void *arg, enum job_end end, const struct error *why_not)
{
    struct run *run = arg;
    run->is_finishing = false;
    if (run->is_dropped) {
        run_free(run);
    } else if (why_not == NULL) {
        log_end(run, end_names[end]);
        count_end(run, &end);
        run->context->on_over(run->context->arg, run, &end);
        run_free(run);
    } else if (why_not->code == ERROR_LOST) {
        end_fenced(run);
    } else {
        settle_again_later(run, why_not);
    }
}

static void send_finish(struct run *run)
{
    if (!run->context->may_send(run->context->may_send_arg)) {
        /* The lease is just being lost: run_drop comes next. */
        loop_timer_start(run->timer, retry.base_ms);
        return;
    }
    struct run_result result = {
        .outcome = run->verdict.outcome,
        .delay_ms = run->verdict.delay_ms,
        .error = run->verdict.outcome == RUN_OK ? NULL : run->verdict.reason.text,
    };
    char *details = NULL;
    if (run->report != NULL) {
        result.counts = run_report_counts(run->report);
        details = run_report_print(run->report);
        result.details = details;
    }
    run->is_finishing = true;
    job_queue_finish(run->context->queue, &run->claim, &result, on_finished, run);
    mem_free(details);
}

/* ---- The whole ---- */

/* Cancels what is under way at Omnitron and on the way to Redis. */
static void stop_work(struct run *run)
{
    omnitron_free(run->omnitron);
    run->omnitron = NULL;
    writes_free(run->writes);
    run->writes = NULL;
    progress_free(run->progress);
    run->progress = NULL;
    loop_timer_stop(run->timer);
}

/* The only place that changes the state. May free nothing of the run. */
static void run_enter(struct run *run, enum run_state state)
{
    run->state = state;
    switch (state) {
    case RUN_LISTING:
    case RUN_CONFIRMING:
        (void)omnitron_list(run->omnitron, on_listed, run);
        return;
    case RUN_WRITING:
        start_writing(run);
        return;
    case RUN_SETTLING:
        stop_work(run);
        send_finish(run);
        return;
    }
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct run *run = arg;
    if (run->state == RUN_SETTLING) {
        send_finish(run);
        return;
    }
    struct verdict verdict = {.outcome = RUN_RETRY};
    error_set(&verdict.reason, ERROR_TIMEOUT,
              "the run took longer than its limit of %" PRId64 " ms", run->context->time_limit_ms);
    settle(run, &verdict);
}

struct run *run_start(const struct run_context *context, const struct job_claim *claim)
{
    struct run *run = mem_new(1, sizeof *run);
    run->context = context;
    run->claim = *claim;
    run->claim.earlier = NULL; /* the caller's */
    run->started_ms = now_mono_ms();
    run->timer = loop_timer_new(context->loop, on_timer, run);
    log_info("run_started", log_text("account", claim->account), log_text("job", claim->job),
             log_text("worker", context->worker), log_int("attempt", claim->attempt),
             log_bool("recovered", claim->is_recovered));

    /* Only now that the claim is answered: every execute before it is covered by what is read. */
    run->settings = settings_ref(settings_store_refresh(context->settings));
    run->account = settings_find_account(run->settings, claim->account);
    if (run->account == NULL) {
        settle_because(run, RUN_FAILED, "the account is not configured");
        return run;
    }
    run->report = run_report_new(run->account);
    run_report_recall(run->report, claim->earlier, claim->earlier_size);
    run->omnitron = omnitron_new(context->omnitrons, run->settings, run->account);
    omnitron_set_guard(run->omnitron, context->may_send, context->may_send_arg);
    loop_timer_start(run->timer, context->time_limit_ms);
    run_enter(run, RUN_LISTING);
    return run;
}

void run_drop(struct run *run)
{
    if (run->is_finishing) {
        run->is_dropped = true;
        return;
    }
    run_free(run);
}

void run_abort(struct run *run)
{
    if (run->state != RUN_SETTLING) {
        /* The queue knows of the abort and turns whatever is not a success into ABORTED. */
        settle_because(run, RUN_RETRY, "aborted on request");
    }
}

void run_release(struct run *run)
{
    if (run->state != RUN_SETTLING) {
        settle_because(run, RUN_RELEASED, "handed back: the worker is stopping");
    }
}

void run_verify(struct run *run)
{
    run->must_verify = true;
    if (run->writes != NULL) {
        writes_pause(run->writes);
    }
    if (run->progress != NULL) {
        progress_verify(run->progress);
    }
}

const struct job_claim *run_claim(const struct run *run)
{
    return &run->claim;
}
