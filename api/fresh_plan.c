#include "api/fresh_plan.h"

#include "common/mem.h"
#include "common/metrics.h"

#include <string.h>

/* One who waits for a plan. */
struct asker {
    struct asker *next;
    struct asker **link; /* what points to this asker */
    struct account_read *read;
    struct event *deadline;
    fresh_plan_fn *fn;
    void *arg;
};

/* An account whose list is read, or about to be; gone when nobody waits any more. Its reads follow
   each other: who comes while one is under way waits for the next. A read starts, and what it used
   is freed, on a turn of the loop of its own: then all who came in one turn share it, and nothing
   is freed under the callback that it called. */
struct account_read {
    struct account_read *next;
    struct fresh_plans *plans;
    char name[ACCOUNT_NAME_MAX + 1];
    struct event *turn;
    struct asker *waiting;           /* for the next read */
    struct settings *newest;         /* of the last who asked */
    const struct account *newest_as; /* in newest */

    /* The read under way, or the one that has just ended. */
    struct asker *served;
    struct settings *settings;
    const struct account *account; /* in settings */
    struct omnitron *omnitron;
    struct omnitron_call *call; /* NULL = no read is under way */
};

struct fresh_plans {
    struct loop *loop;
    struct omnitron_pool *pool;
    int64_t timeout_ms;
    struct account_read *reads; /* few: of accounts that are asked for at this moment */
};

struct fresh_plans *fresh_plans_new(struct loop *loop, struct omnitron_pool *pool,
                                    int64_t timeout_ms)
{
    struct fresh_plans *plans = mem_new(1, sizeof *plans);
    plans->loop = loop;
    plans->pool = pool;
    plans->timeout_ms = timeout_ms;
    return plans;
}

/* ---- Askers ---- */

static void push_asker(struct asker **list, struct asker *asker)
{
    asker->next = *list;
    asker->link = list;
    if (*list != NULL) {
        (*list)->link = &asker->next;
    }
    *list = asker;
}

/* Takes asker out of its list, frees it and tells it. */
static void answer(struct asker *asker, const struct plan *plan, const struct plan_failure *why_not)
{
    const struct account *account = asker->read->account;
    fresh_plan_fn *fn = asker->fn;
    void *arg = asker->arg;
    *asker->link = asker->next;
    if (asker->next != NULL) {
        asker->next->link = asker->link;
    }
    event_free(asker->deadline);
    mem_free(asker);
    fn(arg, plan, plan == NULL ? NULL : account, why_not);
}

static void answer_all(struct asker **list, const struct plan *plan,
                       const struct plan_failure *why_not)
{
    while (*list != NULL) {
        answer(*list, plan, why_not);
    }
}

static void on_deadline(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct asker *asker = arg;
    struct account_read *read = asker->read;
    struct plan_failure failure = {.retry_after_ms = 0};
    error_set(&failure.error, ERROR_TIMEOUT, "Omnitron did not answer in time.");
    answer(asker, NULL, &failure);
    if (read->served == NULL && read->call != NULL) {
        omnitron_cancel(read->call);
        read->call = NULL;
        loop_timer_start(read->turn, 0);
    }
}

/* ---- Reads ---- */

/* Frees what the last read used. */
static void end_read(struct account_read *read)
{
    omnitron_free(read->omnitron);
    read->omnitron = NULL;
    if (read->settings != NULL) {
        settings_unref(read->settings);
    }
    read->settings = NULL;
    read->account = NULL;
    read->call = NULL;
}

static void free_read(struct account_read *read)
{
    struct account_read **link = &read->plans->reads;
    while (*link != read) {
        link = &(*link)->next;
    }
    *link = read->next;
    end_read(read);
    settings_unref(read->newest);
    event_free(read->turn);
    mem_free(read);
}

static void fill_failure(struct plan_failure *failure, const struct omnitron_failure *from)
{
    *failure = (struct plan_failure){.error = from->error, .retry_after_ms = from->retry_after_ms};
    failure->error.code = from->kind == OMNITRON_TIMEOUT ? ERROR_TIMEOUT : ERROR_REFUSED;
}

static void on_list(void *arg, struct hook_list *list, const struct omnitron_failure *why_not)
{
    struct account_read *read = arg;
    read->call = NULL;
    if (list == NULL) {
        struct plan_failure failure;
        fill_failure(&failure, why_not);
        answer_all(&read->served, NULL, &failure);
    } else {
        struct plan *plan = plan_make(read->account, list);
        /* With the policy to keep them is_required is "false", and no run would ever tell. */
        metrics_add(METRIC_WEBHOOKS_INACTIVE, NULL, NULL, (int64_t)plan->kept_inactive);
        answer_all(&read->served, plan, NULL);
        plan_free(plan);
        hook_list_free(list);
    }
    loop_timer_start(read->turn, 0);
}

/* The last read is over, or there was none: starts the next, or ends. */
static void on_turn(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct account_read *read = arg;
    if (read->waiting == NULL) {
        free_read(read);
        return;
    }
    end_read(read);
    read->served = read->waiting;
    read->served->link = &read->served;
    read->waiting = NULL;
    read->settings = settings_ref(read->newest);
    read->account = read->newest_as;
    read->omnitron = omnitron_new(read->plans->pool, read->settings, read->account);
    read->call = omnitron_list(read->omnitron, on_list, read);
}

static struct account_read *find_or_add_read(struct fresh_plans *plans, const char *name)
{
    for (struct account_read *read = plans->reads; read != NULL; read = read->next) {
        if (strcmp(read->name, name) == 0) {
            return read;
        }
    }
    struct account_read *read = mem_new(1, sizeof *read);
    read->plans = plans;
    memcpy(read->name, name, strnlen(name, ACCOUNT_NAME_MAX));
    read->turn = loop_timer_new(plans->loop, on_turn, read);
    loop_timer_start(read->turn, 0);
    read->next = plans->reads;
    plans->reads = read;
    return read;
}

void fresh_plans_ask(struct fresh_plans *plans, struct settings *settings,
                     const struct account *account, fresh_plan_fn *fn, void *arg)
{
    struct account_read *read = find_or_add_read(plans, account->name);
    struct settings *before = read->newest;
    read->newest = settings_ref(settings);
    read->newest_as = account;
    if (before != NULL) {
        settings_unref(before);
    }

    struct asker *asker = mem_new(1, sizeof *asker);
    asker->read = read;
    asker->fn = fn;
    asker->arg = arg;
    asker->deadline = loop_timer_new(plans->loop, on_deadline, asker);
    loop_timer_start(asker->deadline, plans->timeout_ms);
    push_asker(&read->waiting, asker);
}

void fresh_plans_free(struct fresh_plans *plans)
{
    if (plans == NULL) {
        return;
    }
    struct plan_failure failure = {.retry_after_ms = 0};
    error_set(&failure.error, ERROR_CANCELLED, "The service is stopping.");
    while (plans->reads != NULL) {
        struct account_read *read = plans->reads;
        if (read->call != NULL) {
            omnitron_cancel(read->call);
        }
        answer_all(&read->served, NULL, &failure);
        answer_all(&read->waiting, NULL, &failure);
        free_read(read);
    }
    mem_free(plans);
}
