#include "tests/model/oracle.h"

#include "tests/model/oracle_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void verdict_add(struct verdict *verdict, const char *rule, const char *format, ...)
{
    if (verdict->rule != NULL) {
        return;
    }
    va_list values;
    va_start(values, format);
    verdict->rule = rule;
    (void)vsnprintf(verdict->text, sizeof verdict->text, format, values);
    va_end(values);
}

bool oracle_expects_nothing(const struct oracle *oracle, const struct call *call)
{
    if (call->script != MODEL_PROGRESS && call->script != MODEL_FINISH) {
        return false;
    }
    return oracle->accounts[call->account].claim != call->token;
}

/* ---- What holds for every call ---- */

static void check_answer(const struct deed *deed, const struct expectation *expected,
                         struct verdict *verdict)
{
    const char *name = model_script_name(deed->call->script);
    const char *answer = deed->reply->count > 0 ? deed->reply->words[0] : "(nil)";
    if (deed->reply->is_error) {
        verdict_add(verdict, "script-error", "%s failed: %.150s", name, answer);
    } else if (expected->answer != NULL && strcmp(answer, expected->answer) != 0) {
        verdict_add(verdict, "answer", "%s answers %.30s, not %s", name, answer, expected->answer);
    }
}

#define COMPARE(field)                                                                             \
    if ((int64_t)view->field != (int64_t)truth->field) {                                           \
        verdict_add(verdict, "record-" #field, "%s: " #field " is %lld, and should be %lld", name, \
                    (long long)view->field, (long long)truth->field);                              \
    }

static void compare(const char *name, const struct account_view *view,
                    const struct account_truth *truth, struct verdict *verdict)
{
    COMPARE(phase)
    if (truth->phase == PHASE_NONE) {
        return;
    }
    COMPARE(job)
    COMPARE(claim)
    COMPARE(worker)
    COMPARE(next_job)
    COMPARE(is_aborting)
    COMPARE(tries)
    COMPARE(deaths)
    COMPARE(is_recovered)
    COMPARE(not_before_ms)
}

/* What was not foretold is taken as it is, within what any script may do. */
static void adopt(struct oracle *oracle, struct account_truth *truth,
                  const struct account_view *view, int64_t now_ms)
{
    if (truth->phase != PHASE_NONE && (view->phase == PHASE_NONE || view->job != truth->job)) {
        oracle_job_ended(oracle, truth);
    }
    if (view->job != truth->job) {
        truth->started_ms = now_ms;
        truth->covered = 0;
    }
    truth->phase = view->phase;
    truth->job = view->job;
    truth->claim = view->claim;
    truth->worker = view->worker;
    truth->next_job = view->next_job;
    truth->is_aborting = view->is_aborting;
    truth->tries = view->tries;
    truth->deaths = view->deaths;
    truth->is_recovered = view->is_recovered;
    truth->not_before_ms = view->not_before_ms;
}

static bool is_same_status(const struct account_view *a, const struct account_view *b)
{
    return strcmp(a->state, b->state) == 0 && a->phase == b->phase && a->job == b->job &&
           a->worker == b->worker;
}

static void check_rev(const char *name, const struct account_view *before,
                      const struct account_view *after, const struct expectation *expected, int i,
                      struct verdict *verdict)
{
    if (after->rev < before->rev) {
        verdict_add(verdict, "rev-fell", "%s: rev fell from %lld to %lld", name,
                    (long long)before->rev, (long long)after->rev);
    } else if (after->rev == before->rev && !is_same_status(before, after)) {
        verdict_add(verdict, "rev-missing", "%s: a change without a new rev", name);
    } else if (!expected->is_free[i] && (after->rev != before->rev) != expected->is_shown[i]) {
        verdict_add(verdict, "rev-shown", "%s: rev %s", name,
                    expected->is_shown[i] ? "stays" : "grows for nothing");
    }
}

static void check_account(struct oracle *oracle, const struct deed *deed,
                          const struct expectation *expected, int i, struct verdict *verdict)
{
    const char *name = model_account_name(i);
    struct account_truth *truth = &oracle->accounts[i];
    const struct account_view *before = &deed->before->accounts[i];
    const struct account_view *after = &deed->after->accounts[i];
    if (after->wrong[0] != '\0') {
        verdict_add(verdict, "keys", "%s: %s", name, after->wrong);
    }
    if (expected->is_free[i]) {
        adopt(oracle, truth, after, deed->now_ms);
    }
    compare(name, after, truth, verdict);
    check_rev(name, before, after, expected, i, verdict);
    bool is_working = strcmp(after->state, "WORKING") == 0;
    if (is_working && oracle->has_ended[after->job % ORACLE_JOBS_MAX]) {
        verdict_add(verdict, "ended-job", "%s: job %u had ended, and is back", name, after->job);
    }
    if (!is_working && truth->settled < truth->version) {
        verdict_add(verdict, "lost-execute",
                    "%s: %s, but version %u was asked for and %u is the last that was run", name,
                    after->state, truth->version, truth->settled);
    }
}

/* ---- What holds for some ---- */

static void check_claim(const struct oracle *oracle, const struct deed *deed,
                        struct verdict *verdict)
{
    enum { ACCOUNT = 1, JOB, ATTEMPT, RECOVERED, AGE, EARLIER, WORDS };
    const struct script_reply *reply = deed->reply;
    int account = oracle_account_of(deed->after, deed->call->element);
    if (strcmp(reply->words[0], "run") != 0) {
        return;
    }
    if (account == MODEL_NO_ACCOUNT || reply->count != WORDS) {
        verdict_add(verdict, "claim-answer", "a run of what is no account's element");
        return;
    }
    const struct account_truth *truth = &oracle->accounts[account];
    char attempt[16];
    char age[24];
    (void)snprintf(attempt, sizeof attempt, "%u", truth->tries + 1);
    (void)snprintf(age, sizeof age, "%lld", (long long)(deed->now_ms - truth->started_ms));
    if (strcmp(reply->words[ACCOUNT], model_account_name(account)) != 0 ||
        model_job_number(reply->words[JOB]) != truth->job ||
        strcmp(reply->words[ATTEMPT], attempt) != 0 ||
        strcmp(reply->words[RECOVERED], truth->is_recovered ? "1" : "0") != 0 ||
        (!oracle->is_lenient && strcmp(reply->words[AGE], age) != 0)) {
        verdict_add(verdict, "claim-answer", "claim says %s job %s attempt %s recovered %s age %s",
                    reply->words[ACCOUNT], reply->words[JOB], reply->words[ATTEMPT],
                    reply->words[RECOVERED], reply->words[AGE]);
    }
}

/* The element of a settled run lies in its worker's list no more; one that was released is next. */
static void check_finish(const struct oracle *oracle, const struct deed *deed,
                         struct verdict *verdict)
{
    int account = deed->call->account;
    const struct account_view *before = &deed->before->accounts[account];
    const struct account_view *after = &deed->after->accounts[account];
    if (before->claim != deed->call->token || oracle->is_lenient) {
        return;
    }
    if (after->held > 0 || (strcmp(after->element, before->element) != 0 && after->queued > 1)) {
        verdict_add(verdict, "left-over", "%s: the element of a settled run lies about",
                    model_account_name(account));
    }
    bool is_released = deed->call->outcome == OUTCOME_RELEASED && after->phase == PHASE_QUEUED &&
                       after->job == before->job;
    if (is_released && strcmp(deed->after->head, after->element) != 0) {
        verdict_add(verdict, "order", "%s: released, but not the next to be taken",
                    model_account_name(account));
    }
}

static void check_lease(const struct deed *deed, struct verdict *verdict)
{
    const struct worker_view *worker = view_worker(deed->after, deed->call->worker);
    if (strcmp(deed->reply->words[0], "ok") == 0 &&
        (worker == NULL || worker->lease_end_ms != deed->now_ms + MODEL_LEASE_MS)) {
        verdict_add(verdict, "lease", "w%u has no new lease", deed->call->worker);
    }
}

/* Each run of this worker that is to end, and no other, is named. */
static void check_beat(const struct oracle *oracle, const struct deed *deed,
                       struct verdict *verdict)
{
    check_lease(deed, verdict);
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        const struct account_truth *truth = &oracle->accounts[i];
        bool is_named = false;
        for (size_t w = 1; w < deed->reply->count; w++) {
            is_named = is_named || strcmp(deed->reply->words[w], model_account_name(i)) == 0;
        }
        bool is_due = truth->is_aborting && truth->phase == PHASE_RUNNING &&
                      truth->worker == deed->call->worker &&
                      strcmp(deed->reply->words[0], "ok") == 0;
        if (is_named != is_due) {
            verdict_add(verdict, "abort-hint", "%s: a beat %s its abort", model_account_name(i),
                        is_due ? "does not tell" : "tells");
        }
    }
}

static void check_unregister(const struct deed *deed, struct verdict *verdict)
{
    const struct worker_view *worker = view_worker(deed->after, deed->call->worker);
    if (worker != NULL && worker->lease_end_ms != 0) {
        verdict_add(verdict, "lease", "w%u is gone and keeps its lease", deed->call->worker);
    }
}

/* Nobody whose lease is over stays registered; everybody else does. */
static void check_take_back(const struct deed *deed, struct verdict *verdict)
{
    bool is_jump = deed->reply->count == 3 && strcmp(deed->reply->words[2], "0") != 0 &&
                   strcmp(deed->reply->words[0], "0") == 0;
    for (size_t i = 0; i < deed->before->worker_count; i++) {
        const struct worker_view *before = &deed->before->workers[i];
        const struct worker_view *after = view_worker(deed->after, before->worker);
        bool is_over = before->lease_end_ms <= deed->now_ms - MODEL_GRACE_MS;
        if (after == NULL ? !is_over : is_over && !is_jump && !oracle_is_full_piece(deed)) {
            verdict_add(verdict, "lease", "w%u is %s", before->worker,
                        after == NULL ? "taken for dead" : "still registered");
        }
    }
}

/* It ends leases of those that do not listen, and touches no others. */
static void check_watch(const struct deed *deed, struct verdict *verdict)
{
    for (size_t i = 0; i < deed->before->worker_count; i++) {
        const struct worker_view *before = &deed->before->workers[i];
        const struct worker_view *after = view_worker(deed->after, before->worker);
        bool is_same = after != NULL && after->lease_end_ms == before->lease_end_ms;
        bool may_end = after != NULL && after->lease_end_ms == 0 && !before->is_listening;
        if (!is_same && !may_end) {
            verdict_add(verdict, "watch", "w%u listens, and loses its lease", before->worker);
        }
    }
}

static void check_pop(const struct deed *deed, struct verdict *verdict)
{
    const char *element = deed->reply->count > 0 ? deed->reply->words[0] : "";
    if (strcmp(element, deed->before->head) != 0) {
        verdict_add(verdict, "order", "not the next element is popped");
    }
}

/* Housekeeping leaves a run to a worker whose lease holds. */
static void check_owners(const struct deed *deed, struct verdict *verdict)
{
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        const struct account_view *before = &deed->before->accounts[i];
        const struct worker_view *worker = view_worker(deed->before, before->worker);
        bool holds = worker != NULL && worker->lease_end_ms > deed->now_ms;
        if (holds && before->claim != 0 && deed->after->accounts[i].claim != before->claim) {
            verdict_add(verdict, "claim-taken", "%s: w%u runs it, and its lease holds",
                        model_account_name(i), before->worker);
        }
    }
}

/* Whoever has something in its list stays known, so that it is taken back. */
static void check_lists(const struct deed *deed, struct verdict *verdict)
{
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        unsigned worker = deed->after->accounts[i].holder;
        if (view_worker(deed->before, worker) != NULL && view_worker(deed->after, worker) == NULL) {
            verdict_add(verdict, "lease", "w%u is forgotten, with %s in its list", worker,
                        model_account_name(i));
        }
    }
}

static void check_script(const struct oracle *oracle, const struct deed *deed,
                         struct verdict *verdict)
{
    switch (deed->call->script) {
    case MODEL_CLAIM:
        check_claim(oracle, deed, verdict);
        break;
    case MODEL_FINISH:
        check_finish(oracle, deed, verdict);
        break;
    case MODEL_REGISTER:
        check_lease(deed, verdict);
        break;
    case MODEL_BEAT:
        check_beat(oracle, deed, verdict);
        break;
    case MODEL_UNREGISTER:
        check_unregister(deed, verdict);
        check_lists(deed, verdict);
        break;
    case MODEL_WATCH:
        check_watch(deed, verdict);
        break;
    case MODEL_TAKE_BACK:
        check_take_back(deed, verdict);
        check_owners(deed, verdict);
        check_lists(deed, verdict);
        break;
    case MODEL_AUDIT:
        check_owners(deed, verdict);
        break;
    case MODEL_POP:
        check_pop(deed, verdict);
        break;
    case MODEL_ENQUEUE:
    case MODEL_ABORT:
    case MODEL_PROGRESS:
    case MODEL_PROMOTE:
    case MODEL_TAKE_BACK_OWN:
    case MODEL_SCRIPTS:
        break;
    }
}

void oracle_judge(struct oracle *oracle, const struct deed *deed, struct verdict *verdict)
{
    struct expectation expected = {0};
    oracle_foretell(oracle, deed, &expected, verdict);
    check_answer(deed, &expected, verdict);
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        check_account(oracle, deed, &expected, i, verdict);
    }
    check_script(oracle, deed, verdict);
}
