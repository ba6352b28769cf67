#include "worker/writes.h"

#include "common/log.h"
#include "common/mem.h"

#include <assert.h>

/* How long writes that are under way may take to end when no more are wanted: their outcomes are
   worth knowing, but not worth holding a slot for. */
enum { WIND_DOWN_MS = 1000 };

/* Omnitron's answer to a create of what exists. */
enum { STATUS_ALREADY = 406 };

/* One webhook under way: create -> (exists already, or nobody knows) find -> (needs it) patch. */
struct slot {
    struct writes *writes;
    size_t index;        /* of the webhook, the action and the report's row */
    enum plan_kind kind; /* what is being done */
    bool is_unsure; /* a create without an answer: a row that is found is most likely its own */
    struct omnitron_failure failure; /* of that create; of no kind (no text) when it ended by 406 */
    struct slot *next_free;
};

struct writes {
    struct writes_options options;
    struct slot *slots; /* max_connections of them */
    struct slot *free_slots;
    size_t in_flight;
    size_t next; /* of the plan's actions, not looked at yet */
    bool is_paused;
    bool is_winding_down; /* verdict is settled; nothing new is started */
    bool has_failed;      /* a webhook, by itself; also in an earlier run, for good */
    bool may_pass;        /* one that failed by itself may succeed in another attempt */
    struct verdict verdict;
    struct event *wind_down_timer;
};

static void write_more(struct writes *writes);

static void finish(struct writes *writes)
{
    struct verdict verdict = writes->verdict;
    /* A pause after webhooks have failed for good in this attempt does not undo that it failed. */
    bool is_failed_pause = verdict.outcome == RUN_PARKED && writes->may_pass;
    if ((verdict.outcome == RUN_OK && writes->has_failed) || is_failed_pause) {
        verdict.outcome = writes->may_pass ? RUN_RETRY : RUN_FAILED;
        run_report_failure(writes->options.report, &verdict.reason);
    }
    writes->options.on_done(writes->options.arg, &verdict); /* frees writes */
}

static void on_wind_down_over(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    finish(arg);
}

static void wind_down(struct writes *writes, const struct omnitron_failure *failure)
{
    if (writes->is_winding_down) {
        return;
    }
    writes->is_winding_down = true;
    writes->verdict = verdict_of_failure(failure);
    loop_timer_start(writes->wind_down_timer, WIND_DOWN_MS);
}

/* The slot's webhook needs nothing more. */
static void release(struct slot *slot)
{
    struct writes *writes = slot->writes;
    slot->next_free = writes->free_slots;
    writes->free_slots = slot;
    writes->in_flight--;
    writes->options.on_moved(writes->options.arg);
    write_more(writes); /* may free writes */
}

static void succeed(struct slot *slot, enum webhook_outcome outcome, int status)
{
    run_report_set(slot->writes->options.report, slot->index, outcome, status, NULL);
    release(slot);
}

static void fail(struct slot *slot, const struct omnitron_failure *failure)
{
    struct writes *writes = slot->writes;
    /* Throttled or not sent: the webhook's turn has not come yet. */
    bool is_put_off = failure->kind == OMNITRON_THROTTLED || failure->kind == OMNITRON_CANCELLED;
    if (!is_put_off) {
        run_report_set(writes->options.report, slot->index, OUTCOME_FAILED, failure->status,
                       failure->error.text);
        writes->has_failed = true;
        writes->may_pass = writes->may_pass || omnitron_failure_may_pass(failure);
        if (failure->retry_after_ms > writes->verdict.delay_ms) {
            writes->verdict.delay_ms = failure->retry_after_ms;
        }
    }
    if (is_put_off || omnitron_failure_is_for_all(failure)) {
        wind_down(writes, failure);
    }
    release(slot);
}

static void on_written(void *arg, enum omnitron_written written, int status,
                       const struct omnitron_failure *failure);

static void patch(struct slot *slot, const struct plan_action *action)
{
    const struct writes_options *options = &slot->writes->options;
    slot->kind = action->kind;
    (void)omnitron_patch(options->omnitron, action->id, action->webhook, action->fields, on_written,
                         slot);
}

static bool has_failed(const struct slot *slot)
{
    return slot->failure.error.code != ERROR_NONE;
}

/* The row that a create has met, or left, is judged as if the list had shown it. */
static void act_on_found(struct slot *slot, const struct plan *plan)
{
    const struct plan_action *action = &plan->actions[0];
    switch (action->kind) {
    case PLAN_CREATE:
        if (has_failed(slot)) {
            fail(slot, &slot->failure);
            return;
        }
        run_report_warn(slot->writes->options.report, action->webhook, "not_visible",
                        "registered already, but not visible to this account's user");
        succeed(slot, OUTCOME_ALREADY, STATUS_ALREADY);
        return;
    case PLAN_REACTIVATE:
    case PLAN_UPDATE:
        patch(slot, action);
        return;
    case PLAN_DRIFTED:
        succeed(slot, OUTCOME_DRIFTED, STATUS_ALREADY);
        return;
    case PLAN_REGISTERED:
        succeed(slot, slot->is_unsure ? OUTCOME_CREATED : OUTCOME_ALREADY,
                has_failed(slot) ? slot->failure.status : STATUS_ALREADY);
        return;
    }
}

static void on_found(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    struct slot *slot = arg;
    if (failure != NULL) {
        fail(slot, has_failed(slot) ? &slot->failure : failure);
        return;
    }
    /* The account as if it had this webhook alone. */
    struct account alone = *slot->writes->options.account;
    alone.webhooks = &alone.webhooks[slot->index];
    alone.webhook_count = 1;
    struct plan *plan = plan_make(&alone, list);
    hook_list_free(list);
    act_on_found(slot, plan);
    plan_free(plan);
}

static void look_up(struct slot *slot)
{
    const struct writes_options *options = &slot->writes->options;
    (void)omnitron_find(options->omnitron, &options->account->webhooks[slot->index], on_found,
                        slot);
}

/* Omnitron has a row with the slot's key. */
static void find(struct slot *slot, int status)
{
    if (slot->kind != PLAN_CREATE) {
        /* Looking for it and patching it again could go on for ever. */
        struct omnitron_failure clash = {.kind = OMNITRON_REJECTED, .status = status};
        error_set(&clash.error, ERROR_REFUSED, "%d: in the way of another webhook", status);
        fail(slot, &clash);
        return;
    }
    look_up(slot);
}

/* A create that timed out, was cut off, or met a 5xx, and was repeated in vain: its row may be
   there all the same. */
static bool is_worth_a_look(const struct slot *slot, const struct omnitron_failure *failure)
{
    return slot->kind == PLAN_CREATE && failure->is_outcome_unknown &&
           failure->kind != OMNITRON_THROTTLED && omnitron_failure_may_pass(failure) &&
           !slot->writes->is_winding_down;
}

static void on_written(void *arg, enum omnitron_written written, int status,
                       const struct omnitron_failure *failure)
{
    struct slot *slot = arg;
    if (failure != NULL && is_worth_a_look(slot, failure)) {
        slot->is_unsure = true;
        slot->failure = *failure;
        look_up(slot);
        return;
    }
    if (failure != NULL) {
        fail(slot, failure);
        return;
    }
    switch (written) {
    case OMNITRON_CREATED:
        succeed(slot, OUTCOME_CREATED, status);
        return;
    case OMNITRON_PATCHED:
        succeed(slot, slot->kind == PLAN_UPDATE ? OUTCOME_UPDATED : OUTCOME_REACTIVATED, status);
        return;
    case OMNITRON_UNSURE:
        slot->is_unsure = true;
        find(slot, status);
        return;
    case OMNITRON_ALREADY:
        find(slot, status);
        return;
    }
}

static bool is_wanted(const struct writes *writes, size_t index)
{
    enum plan_kind kind = writes->options.plan->actions[index].kind;
    bool is_write = kind == PLAN_CREATE || kind == PLAN_REACTIVATE || kind == PLAN_UPDATE;
    return is_write && run_report_outcome(writes->options.report, index) == OUTCOME_PENDING;
}

static void write_next(struct writes *writes)
{
    const struct plan_action *action = &writes->options.plan->actions[writes->next];
    struct slot *slot = writes->free_slots;
    writes->free_slots = slot->next_free;
    writes->in_flight++;
    slot->index = writes->next++;
    slot->is_unsure = false;
    slot->failure = (struct omnitron_failure){0};
    if (action->kind == PLAN_CREATE) {
        slot->kind = PLAN_CREATE;
        (void)omnitron_create(writes->options.omnitron, action->webhook, on_written, slot);
    } else {
        patch(slot, action);
    }
}

/* Starts as many as may be under way at once. */
static void write_more(struct writes *writes)
{
    size_t count = writes->options.plan->count;
    bool may_start = !writes->is_winding_down && !writes->is_paused;
    while (may_start && writes->free_slots != NULL && writes->next < count) {
        if (is_wanted(writes, writes->next)) {
            write_next(writes);
        } else {
            writes->next++;
        }
    }
    bool is_over = writes->is_winding_down || writes->next == count;
    if (is_over && writes->in_flight == 0) {
        finish(writes);
    }
}

struct writes *writes_start(struct loop *loop, const struct writes_options *options)
{
    struct writes *writes = mem_new(1, sizeof *writes);
    size_t slot_count = options->account->omnitron.max_connections;
    writes->options = *options;
    writes->wind_down_timer = loop_timer_new(loop, on_wind_down_over, writes);
    writes->slots = mem_new(slot_count, sizeof *writes->slots);
    for (size_t i = slot_count; i > 0; i--) {
        struct slot *slot = &writes->slots[i - 1];
        slot->writes = writes;
        slot->next_free = writes->free_slots;
        writes->free_slots = slot;
    }
    writes->is_paused = options->is_paused;
    writes->has_failed = run_report_counts(options->report).failed > 0;
    write_more(writes);
    assert(writes->in_flight > 0 || writes->is_paused);
    return writes;
}

void writes_free(struct writes *writes)
{
    if (writes == NULL) {
        return;
    }
    event_free(writes->wind_down_timer);
    mem_free(writes->slots);
    mem_free(writes);
}

void writes_pause(struct writes *writes)
{
    writes->is_paused = true;
}

void writes_resume(struct writes *writes)
{
    if (writes->is_paused) {
        writes->is_paused = false;
        write_more(writes);
    }
}
