#include "tests/model/oracle_rules.h"

#include <stdlib.h>
#include <string.h>

enum { JUMP_MAX_MS = 5000 };

/* ---- The steps of a job, as docs/queue.md draws them ---- */

static void begin_job(struct account_truth *truth, unsigned job, int64_t not_before_ms,
                      int64_t now_ms)
{
    bool is_paused = not_before_ms > now_ms;
    truth->phase = is_paused ? PHASE_RETRYING : PHASE_QUEUED;
    truth->not_before_ms = is_paused ? not_before_ms : 0;
    truth->job = job;
    truth->claim = truth->worker = truth->next_job = 0;
    truth->tries = truth->deaths = 0;
    truth->is_aborting = false;
    truth->started_ms = now_ms;
    truth->covered = 0;
}

void oracle_job_ended(struct oracle *oracle, struct account_truth *truth)
{
    oracle->has_ended[truth->job % ORACLE_JOBS_MAX] = true;
    if (truth->settled < truth->covered) {
        truth->settled = truth->covered;
    }
}

static void end_job(struct oracle *oracle, struct account_truth *truth, int64_t not_before_ms,
                    int64_t now_ms)
{
    oracle_job_ended(oracle, truth);
    if (truth->next_job != 0) {
        begin_job(truth, truth->next_job, not_before_ms, now_ms);
        return;
    }
    truth->phase = PHASE_NONE;
    truth->claim = truth->worker = 0;
    truth->is_aborting = false;
    truth->not_before_ms = 0;
}

static void let_wait(struct account_truth *truth, enum phase phase, int64_t not_before_ms)
{
    truth->phase = phase;
    truth->claim = truth->worker = truth->next_job = 0;
    truth->not_before_ms = not_before_ms;
}

/* Its worker died. */
static void lose_worker(struct oracle *oracle, struct account_truth *truth, int64_t now_ms)
{
    truth->deaths++;
    truth->is_recovered = true;
    double chance = (double)(uint32_t)(truth->claim * 2654435761U) / 4294967296.0;
    int64_t due_ms = now_ms + (int64_t)(MODEL_DEATH_BACKOFF_MS * chance);
    if (truth->is_aborting || truth->deaths >= MODEL_DEATHS_MAX) {
        end_job(oracle, truth, 0, now_ms);
    } else if (truth->deaths < 2) {
        let_wait(truth, PHASE_QUEUED, 0);
    } else if (due_ms > truth->started_ms + MODEL_MAX_AGE_MS) {
        end_job(oracle, truth, 0, now_ms);
    } else {
        let_wait(truth, PHASE_RETRYING, 0);
    }
}

/* ---- The API's calls ---- */

static void foretell_enqueue(struct oracle *oracle, const struct deed *deed,
                             struct expectation *expected)
{
    const struct call *call = deed->call;
    struct account_truth *truth = &oracle->accounts[call->account];
    const struct account_view *before = &deed->before->accounts[call->account];
    if (truth->phase != PHASE_NONE && truth->job == call->job) {
        expected->answer = "new";
        return;
    }
    if (truth->next_job == call->job) {
        expected->answer = "rerun";
        return;
    }
    truth->version++;
    switch (truth->phase) {
    case PHASE_NONE:
        if (deed->before->queue_length >= MODEL_QUEUE_MAX) {
            expected->answer = "full";
            truth->version--;
            return;
        }
        begin_job(truth, call->job, 0, deed->now_ms);
        expected->answer = "new";
        expected->is_shown[call->account] = true;
        return;
    case PHASE_QUEUED:
        expected->answer = "coalesced";
        return;
    case PHASE_RUNNING:
        truth->next_job = truth->next_job == 0 ? call->job : truth->next_job;
        expected->answer = "rerun";
        return;
    case PHASE_RETRYING:
        expected->is_shown[call->account] =
            truth->not_before_ms <= deed->now_ms || before->due_ms > truth->not_before_ms;
        if (truth->not_before_ms > deed->now_ms) {
            expected->answer = "coalesced";
            return;
        }
        let_wait(truth, PHASE_QUEUED, 0);
        expected->answer = "now";
        return;
    }
}

static void foretell_abort(struct oracle *oracle, const struct deed *deed,
                           struct expectation *expected)
{
    struct account_truth *truth = &oracle->accounts[deed->call->account];
    truth->settled = truth->version;
    expected->answer = truth->phase == PHASE_NONE ? "0" : "1";
    if (truth->phase == PHASE_RUNNING) {
        truth->is_aborting = true;
        truth->next_job = 0;
    } else if (truth->phase != PHASE_NONE) {
        end_job(oracle, truth, 0, deed->now_ms);
        expected->is_shown[deed->call->account] = true;
    }
}

/* ---- A run's calls ---- */

int oracle_account_of(const struct view *view, const char *element)
{
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        if (element[0] != '\0' && strcmp(view->accounts[i].element, element) == 0) {
            return i;
        }
    }
    return MODEL_NO_ACCOUNT;
}

static void foretell_claim(struct oracle *oracle, const struct deed *deed,
                           struct expectation *expected, struct verdict *verdict)
{
    const struct call *call = deed->call;
    int account = oracle_account_of(deed->before, call->element);
    struct account_truth none = {0};
    struct account_truth *truth = account == MODEL_NO_ACCOUNT ? &none : &oracle->accounts[account];
    const struct worker_view *worker = view_worker(deed->before, call->worker);
    if (truth->claim == call->token) {
        expected->answer = "run";
        return;
    }
    if (call->account != MODEL_NO_ACCOUNT &&
        oracle->accounts[call->account].last_token == call->token) {
        expected->answer = "none";
        return;
    }
    if (worker == NULL || worker->lease_end_ms <= deed->now_ms) {
        expected->answer = "lost";
        return;
    }
    bool is_in_list = account != MODEL_NO_ACCOUNT && deed->before->accounts[account].held > 0 &&
                      deed->before->accounts[account].holder == call->worker;
    if (oracle->is_lenient && truth->phase == PHASE_QUEUED) {
        is_in_list = strcmp(deed->reply->words[0], "run") == 0; /* there may be copies */
    }
    if (truth->phase != PHASE_QUEUED || !is_in_list) {
        expected->answer = "none";
        return;
    }
    if (truth->settled == truth->version) {
        verdict_add(verdict, "run-unasked", "%s runs, but nobody asked for it",
                    model_account_name(account));
    }
    truth->phase = PHASE_RUNNING;
    truth->claim = call->token;
    truth->worker = call->worker;
    truth->covered = truth->version;
    expected->answer = "run";
    expected->is_shown[account] = true;
}

static void foretell_progress(const struct oracle *oracle, const struct deed *deed,
                              struct expectation *expected)
{
    bool is_owner = oracle->accounts[deed->call->account].claim == deed->call->token;
    expected->answer = is_owner ? "ok" : "lost";
    expected->is_shown[deed->call->account] = is_owner;
}

/* The state that the job ends with; NULL = it goes on, and then due_ms is when (0 = at once). */
static const char *end_of(const struct account_truth *truth, const struct deed *deed,
                          int64_t pause_end_ms, int64_t *due_ms)
{
    const struct call *call = deed->call;
    bool is_booked = truth->next_job != 0;
    *due_ms = 0;
    if (call->outcome == OUTCOME_OK) {
        return "finished";
    }
    if (truth->is_aborting) {
        return "aborted";
    }
    if (call->outcome == OUTCOME_FAILED ||
        (call->outcome == OUTCOME_RETRY && truth->tries + 1 >= MODEL_ATTEMPTS)) {
        return "failed";
    }
    if (call->outcome == OUTCOME_RELEASED ||
        (call->outcome == OUTCOME_RETRY && is_booked && pause_end_ms == 0)) {
        return NULL;
    }
    *due_ms = deed->now_ms + call->delay_ms;
    if (call->outcome == OUTCOME_RETRY) {
        int64_t backoff_end_ms = is_booked ? 0 : deed->now_ms + call->backoff_ms;
        *due_ms = pause_end_ms > backoff_end_ms ? pause_end_ms : backoff_end_ms;
    }
    return *due_ms > truth->started_ms + MODEL_MAX_AGE_MS ? "failed" : NULL;
}

static void foretell_finish(struct oracle *oracle, const struct deed *deed,
                            struct expectation *expected)
{
    const struct call *call = deed->call;
    struct account_truth *truth = &oracle->accounts[call->account];
    if (truth->claim != call->token) {
        expected->answer = truth->last_token == call->token ? truth->last_answer : "lost";
        return;
    }
    bool is_booked = truth->next_job != 0;
    bool can_pause = call->outcome == OUTCOME_RETRY || call->outcome == OUTCOME_PARKED;
    int64_t pause_end_ms = can_pause && call->delay_ms > 0 ? deed->now_ms + call->delay_ms : 0;
    int64_t due_ms = 0;
    const char *end = end_of(truth, deed, pause_end_ms, &due_ms);
    if (call->outcome == OUTCOME_RETRY && !truth->is_aborting &&
        truth->tries + 1 < MODEL_ATTEMPTS) {
        truth->tries = is_booked ? 0 : truth->tries + 1;
        truth->deaths = 0;
        truth->is_recovered = false;
    }
    if (end != NULL) {
        end_job(oracle, truth, pause_end_ms, deed->now_ms);
        truth->is_recovered = false;
        expected->answer = is_booked ? "requeued" : end;
    } else if (due_ms == 0) {
        let_wait(truth, PHASE_QUEUED, 0);
        expected->answer = "requeued";
    } else {
        let_wait(truth, PHASE_RETRYING, pause_end_ms);
        expected->answer = "retrying";
    }
    expected->is_shown[call->account] = true;
    truth->last_token = call->token;
    (void)memcpy(truth->last_answer, expected->answer, strlen(expected->answer) + 1);
}

/* ---- Leases ---- */

static void foretell_beat(const struct deed *deed, struct expectation *expected)
{
    const struct worker_view *worker = view_worker(deed->before, deed->call->worker);
    expected->answer = worker != NULL && worker->lease_end_ms != 0 ? "ok" : "lost";
}

static void foretell_register(const struct deed *deed, struct expectation *expected)
{
    const struct worker_view *worker = view_worker(deed->before, deed->call->worker);
    expected->answer = worker != NULL && worker->lease_end_ms == 0 ? "lost" : "ok";
}

/* ---- Housekeeping ---- */

static void foretell_promote(struct oracle *oracle, const struct deed *deed,
                             struct expectation *expected)
{
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        int64_t due_ms = deed->before->accounts[i].due_ms;
        struct account_truth *truth = &oracle->accounts[i];
        if (truth->phase == PHASE_RETRYING && due_ms != 0 && due_ms <= deed->now_ms) {
            let_wait(truth, PHASE_QUEUED, 0);
            expected->is_shown[i] = true;
        }
    }
}

static bool is_over(const struct deed *deed, unsigned worker)
{
    const struct worker_view *found = view_worker(deed->before, worker);
    return found != NULL && found->lease_end_ms <= deed->now_ms - MODEL_GRACE_MS;
}

bool oracle_is_full_piece(const struct deed *deed)
{
    int over = 0;
    for (size_t i = 0; i < deed->before->worker_count; i++) {
        over += is_over(deed, deed->before->workers[i].worker);
    }
    return over > MODEL_TAKE_PIECE || strtol(deed->reply->words[0], NULL, 10) >= MODEL_TAKE_PIECE;
}

static void foretell_take_back(struct oracle *oracle, const struct deed *deed,
                               struct expectation *expected)
{
    const struct call *call = deed->call;
    int64_t behind_ms = deed->now_ms - oracle->clock_ms;
    int64_t jump_ms = call->has_expected ? deed->now_ms - call->expected_ms
                      : behind_ms < 0    ? behind_ms
                                         : 0;
    oracle->clock_ms = deed->now_ms;
    if (jump_ms > JUMP_MAX_MS || jump_ms < -JUMP_MAX_MS) {
        return;
    }
    /* Which ones it left for the next time is not foretold. */
    bool is_full = oracle_is_full_piece(deed);
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        struct account_truth *truth = &oracle->accounts[i];
        const struct account_view *before = &deed->before->accounts[i];
        if (oracle->is_lenient || is_full) {
            expected->is_free[i] = true;
        } else if (truth->phase == PHASE_RUNNING && is_over(deed, truth->worker)) {
            lose_worker(oracle, truth, deed->now_ms);
            expected->is_shown[i] = true;
        } else if (truth->phase == PHASE_QUEUED && before->held > 0 &&
                   is_over(deed, before->holder)) {
            expected->is_shown[i] = true;
        }
    }
}

static bool is_known(const struct call *call, unsigned token)
{
    for (size_t i = 0; i < CALL_KNOWN_MAX; i++) {
        if (token != 0 && call->known[i] == token) {
            return true;
        }
    }
    return false;
}

/* It lay in the worker's list, and the worker knows nothing of it. */
static void hand_back(struct oracle *oracle, struct account_truth *truth, int64_t now_ms)
{
    bool was_running = truth->phase == PHASE_RUNNING;
    truth->is_recovered = truth->is_recovered || was_running;
    if (was_running && truth->is_aborting) {
        end_job(oracle, truth, 0, now_ms);
    } else {
        let_wait(truth, PHASE_QUEUED, 0);
    }
}

static void foretell_take_back_own(struct oracle *oracle, const struct deed *deed,
                                   struct expectation *expected)
{
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        struct account_truth *truth = &oracle->accounts[i];
        const struct account_view *before = &deed->before->accounts[i];
        bool is_held = before->held > 0 && before->holder == deed->call->worker &&
                       (truth->phase == PHASE_QUEUED || truth->phase == PHASE_RUNNING);
        expected->is_free[i] = oracle->is_lenient;
        if (is_held && !oracle->is_lenient && !is_known(deed->call, truth->claim)) {
            hand_back(oracle, truth, deed->now_ms);
            expected->is_shown[i] = true;
        }
    }
}

/* Only what is in no list of a registered worker, when no hand has taken anything away. */
static void foretell_audit(const struct oracle *oracle, const struct deed *deed,
                           struct expectation *expected)
{
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        const struct account_view *before = &deed->before->accounts[i];
        expected->is_free[i] =
            oracle->is_lenient || (before->phase == PHASE_QUEUED && before->held > 0 &&
                                   view_worker(deed->before, before->holder) == NULL);
    }
}

void oracle_foretell(struct oracle *oracle, const struct deed *deed, struct expectation *expected,
                     struct verdict *verdict)
{
    switch (deed->call->script) {
    case MODEL_ENQUEUE:
        foretell_enqueue(oracle, deed, expected);
        break;
    case MODEL_ABORT:
        foretell_abort(oracle, deed, expected);
        break;
    case MODEL_CLAIM:
        foretell_claim(oracle, deed, expected, verdict);
        break;
    case MODEL_PROGRESS:
        foretell_progress(oracle, deed, expected);
        break;
    case MODEL_FINISH:
        foretell_finish(oracle, deed, expected);
        break;
    case MODEL_REGISTER:
        foretell_register(deed, expected);
        break;
    case MODEL_BEAT:
        foretell_beat(deed, expected);
        break;
    case MODEL_UNREGISTER:
        expected->answer = "ok";
        break;
    case MODEL_PROMOTE:
        foretell_promote(oracle, deed, expected);
        break;
    case MODEL_TAKE_BACK:
        foretell_take_back(oracle, deed, expected);
        break;
    case MODEL_TAKE_BACK_OWN:
        foretell_take_back_own(oracle, deed, expected);
        break;
    case MODEL_AUDIT:
        foretell_audit(oracle, deed, expected);
        break;
    case MODEL_POP:
    case MODEL_WATCH:
    case MODEL_SCRIPTS:
        break;
    }
}
