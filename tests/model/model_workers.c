/* What a worker does: worker/ as far as Redis sees it. */
#include "tests/model/model.h"

#include <stdio.h>
#include <string.h>

enum { DEADLINE_MS = MODEL_LEASE_MS - 2000 };

static void forget_run(struct model_worker *worker, size_t index)
{
    worker->runs[index] = worker->runs[--worker->run_count];
}

static struct model_run *find_run(struct model_worker *worker, unsigned token)
{
    for (size_t i = 0; i < worker->run_count; i++) {
        if (worker->runs[i].token == token) {
            return &worker->runs[i];
        }
    }
    return NULL;
}

static void forget_token(struct model_worker *worker, unsigned token)
{
    const struct model_run *run = find_run(worker, token);
    if (run != NULL) {
        forget_run(worker, (size_t)(run - worker->runs));
    }
}

void worker_hears(struct model *model, struct model_worker *worker, bool hears)
{
    if (worker->name != 0) {
        machine_listen(model->machine, worker->name, hears && worker->is_up);
        worker->is_deaf = !hears;
        worker->was_deaf = worker->was_deaf || !hears;
    }
}

void worker_starts(struct model *model, struct model_worker *worker)
{
    machine_listen(model->machine, worker->name, false);
    *worker = (struct model_worker){
        .name = ++model->last_worker, .is_up = true, .deadline_ms = model->true_ms + DEADLINE_MS};
    worker_hears(model, worker, true);
    struct call call = {
        .script = MODEL_REGISTER, .account = MODEL_NO_ACCOUNT, .worker = worker->name};
    model_deliver(model, &call, FATE_NOW);
}

void worker_misses(struct model *model, unsigned name)
{
    for (size_t i = 0; i < MODEL_WORKERS; i++) {
        if (model->workers[i].name == name) {
            model->workers[i].lost_a_reply = true;
        }
    }
}

/* The runs of the account that this worker goes on with, being sure of its lease. */
static unsigned count_runs(const struct model *model, const struct model_worker *worker,
                           int account)
{
    unsigned count = 0;
    bool is_trusting = worker->is_up && !worker->was_deaf && model->true_ms < worker->deadline_ms;
    for (size_t i = 0; is_trusting && i < worker->run_count; i++) {
        const struct model_run *run = &worker->runs[i];
        count += run->phase == RUN_GOING && run->account == account;
    }
    return count;
}

void workers_check(struct model *model)
{
    for (int i = 0; i < MODEL_ACCOUNTS && !model->is_rolled; i++) {
        unsigned count = 0;
        for (size_t w = 0; w < MODEL_WORKERS; w++) {
            count += count_runs(model, &model->workers[w], i);
        }
        if (count > 1) {
            verdict_add(&model->verdict, "two-runs", "%s runs %u times at once",
                        model_account_name(i), count);
        }
    }
}

/* ---- Answers ---- */

static int account_in(const char *element)
{
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        char needle[32];
        (void)snprintf(needle, sizeof needle, "\"account\":\"%s\"", model_account_name(i));
        if (strstr(element, needle) != NULL) {
            return i;
        }
    }
    return MODEL_NO_ACCOUNT;
}

static void hear_pop(struct model *model, struct model_worker *worker)
{
    if (model->reply.count == 0) {
        return;
    }
    struct model_run *run = &worker->runs[worker->run_count++];
    *run = (struct model_run){.phase = RUN_CLAIMING, .token = ++model->last_token};
    (void)snprintf(run->element, sizeof run->element, "%s", model->reply.words[0]);
    run->account = account_in(run->element);
}

static void hear_claim(struct model *model, struct model_worker *worker, unsigned token)
{
    const char *what = model->reply.words[0];
    if (strcmp(what, "lost") == 0) {
        worker_starts(model, worker);
    } else if (strcmp(what, "none") == 0) {
        forget_token(worker, token);
    } else {
        struct model_run *run = find_run(worker, token);
        if (run != NULL) { /* it always is: only then is the answer heard */
            run->phase = RUN_GOING;
        }
    }
}

static void hear_beat(struct model *model, struct model_worker *worker)
{
    if (strcmp(model->reply.words[0], "lost") == 0) {
        worker_starts(model, worker);
        return;
    }
    worker->deadline_ms = model->true_ms + DEADLINE_MS;
    for (size_t i = 0; i < worker->run_count; i++) {
        struct model_run *run = &worker->runs[i];
        for (size_t w = 1; w < model->reply.count && run->account != MODEL_NO_ACCOUNT; w++) {
            bool is_named = strcmp(model->reply.words[w], model_account_name(run->account)) == 0;
            run->must_stop = run->must_stop || is_named;
        }
    }
}

static void hear(struct model *model, struct model_worker *worker, const struct call *call)
{
    const char *what = model->reply.words[0];
    if (model->verdict.rule != NULL) {
        return;
    }
    switch (call->script) {
    case MODEL_POP:
        hear_pop(model, worker);
        break;
    case MODEL_CLAIM:
        hear_claim(model, worker, call->token);
        break;
    case MODEL_BEAT:
        hear_beat(model, worker);
        break;
    case MODEL_PROGRESS:
        if (strcmp(what, "lost") == 0) {
            forget_token(worker, call->token);
        }
        break;
    case MODEL_FINISH:
        forget_token(worker, call->token);
        break;
    case MODEL_TAKE_BACK_OWN:
        worker->lost_a_reply = false;
        break;
    case MODEL_ENQUEUE:
    case MODEL_ABORT:
    case MODEL_REGISTER:
    case MODEL_UNREGISTER:
    case MODEL_PROMOTE:
    case MODEL_WATCH:
    case MODEL_TAKE_BACK:
    case MODEL_AUDIT:
    case MODEL_SCRIPTS:
        break;
    }
}

static void send(struct model *model, struct model_worker *worker, const struct call *call,
                 enum step_fate fate)
{
    if (fate == FATE_LATE && model_delay(model, call)) {
        return;
    }
    model_deliver(model, call, fate);
    if (fate == FATE_UNHEARD) {
        model_note(model, "unheard");
        worker->lost_a_reply = true;
    } else {
        hear(model, worker, call);
    }
}

/* ---- Calls ---- */

static void beats(struct model *model, struct model_worker *worker, enum step_fate fate)
{
    struct call call = {.script = MODEL_BEAT, .account = MODEL_NO_ACCOUNT, .worker = worker->name};
    send(model, worker, &call, fate);
}

static bool has_late(const struct model *model, const struct model_worker *worker,
                     enum model_script script)
{
    for (size_t i = 0; i < model->late_count; i++) {
        if (model->late[i].script == script && model->late[i].worker == worker->name) {
            return true;
        }
    }
    return false;
}

static bool is_claiming(const struct model_worker *worker)
{
    bool is_one = false;
    for (size_t i = 0; i < worker->run_count; i++) {
        is_one = is_one || worker->runs[i].phase == RUN_CLAIMING;
    }
    return is_one;
}

/* Not while a pop is under way, or a popped element's claim is still to be sent. */
static void looks_into_own_list(struct model *model, struct model_worker *worker)
{
    struct call call = {
        .script = MODEL_TAKE_BACK_OWN, .account = MODEL_NO_ACCOUNT, .worker = worker->name};
    for (size_t i = 0; i < worker->run_count; i++) {
        call.known[i] = worker->runs[i].token;
    }
    if (!is_claiming(worker) && !has_late(model, worker, MODEL_POP)) {
        send(model, worker, &call, FATE_NOW);
    }
}

static void pops(struct model *model, struct model_worker *worker, enum step_fate fate)
{
    struct call call = {.script = MODEL_POP, .account = MODEL_NO_ACCOUNT, .worker = worker->name};
    if (worker->run_count == MODEL_RUNS_MAX || has_late(model, worker, MODEL_POP)) {
        return;
    }
    if (worker->lost_a_reply) {
        looks_into_own_list(model, worker);
    }
    /* BLMOVE waits until there is something: at a worker that has died meanwhile, too. */
    if (model->view.queue_length > 0 || fate == FATE_LATE) {
        send(model, worker, &call, fate == FATE_TWICE ? FATE_NOW : fate);
    }
}

static void claims(struct model *model, struct model_worker *worker, struct model_run *run,
                   enum step_fate fate)
{
    struct call call = {.script = MODEL_CLAIM,
                        .account = run->account,
                        .worker = worker->name,
                        .token = run->token};
    memcpy(call.element, run->element, sizeof call.element);
    send(model, worker, &call, fate);
}

static void progresses(struct model *model, struct model_worker *worker,
                       const struct model_run *run, enum step_fate fate)
{
    struct call call = {.script = MODEL_PROGRESS,
                        .account = run->account,
                        .worker = worker->name,
                        .token = run->token};
    send(model, worker, &call, fate);
}

static void finishes(struct model *model, struct model_worker *worker, struct model_run *run,
                     enum step_fate fate)
{
    struct call call = run->finish;
    call.worker = worker->name;
    run->phase = RUN_FINISHING;
    send(model, worker, &call, fate);
}

enum ending { END_OK, END_FAILED, END_RETRY, END_RETRY_PAUSED, END_PARKED, END_RELEASED, ENDINGS };

static void decide(struct model_run *run, enum ending ending)
{
    static const struct {
        enum model_outcome outcome;
        int64_t delay_ms;
    } endings[ENDINGS] = {
        [END_OK] = {OUTCOME_OK, 0},
        [END_FAILED] = {OUTCOME_FAILED, 0},
        [END_RETRY] = {OUTCOME_RETRY, 0},
        [END_RETRY_PAUSED] = {OUTCOME_RETRY, 8000},
        [END_PARKED] = {OUTCOME_PARKED, 30000},
        [END_RELEASED] = {OUTCOME_RELEASED, 0},
    };
    ending = run->must_stop && ending != END_OK ? END_RELEASED : ending;
    run->finish = (struct call){
        .script = MODEL_FINISH,
        .account = run->account,
        .token = run->token,
        .outcome = endings[ending].outcome,
        .delay_ms = endings[ending].delay_ms,
        .backoff_ms = ending == END_RETRY          ? 1000 + run->token % 3 * 4000
                      : ending == END_RETRY_PAUSED ? 20000 * (run->token % 2)
                                                   : 0,
    };
}

static void works(struct model *model, struct model_worker *worker, const struct step *step)
{
    enum { PROGRESS = ENDINGS, MORE_OK, WAYS };
    enum step_fate fate = (enum step_fate)step->fate;
    if (worker->run_count == 0) {
        pops(model, worker, fate);
        return;
    }
    struct model_run *run = &worker->runs[step->what % MODEL_RUNS_MAX % worker->run_count];
    unsigned way = step->what / MODEL_RUNS_MAX % WAYS;
    if (run->phase == RUN_CLAIMING) {
        claims(model, worker, run, fate);
    } else if (run->phase == RUN_GOING && way == PROGRESS) {
        progresses(model, worker, run, fate);
    } else {
        if (run->phase == RUN_GOING) {
            decide(run, way == MORE_OK ? END_OK : (enum ending)way);
        }
        finishes(model, worker, run, fate);
    }
}

static void stops(struct model *model, struct model_worker *worker)
{
    model_note(model, "w%u stops", worker->name);
    unsigned name = worker->name;
    while (worker->run_count > 0 && worker->name == name && model->verdict.rule == NULL) {
        struct model_run *run = &worker->runs[0];
        if (run->phase == RUN_CLAIMING) {
            claims(model, worker, run, FATE_NOW);
            continue;
        }
        if (run->phase == RUN_GOING) {
            decide(run, END_RELEASED);
        }
        finishes(model, worker, run, FATE_NOW);
    }
    struct call call = {
        .script = MODEL_UNREGISTER, .account = MODEL_NO_ACCOUNT, .worker = worker->name};
    send(model, worker, &call, FATE_TWICE);
    worker->is_up = false;
    worker_hears(model, worker, false);
}

void worker_wakes(struct model *model, struct model_worker *worker)
{
    model_note(model, "w%u wakes", worker->name);
    worker->is_stalled = false;
    if (model->true_ms < worker->deadline_ms) {
        return;
    }
    /* A write that was already on its way; then it sees how late it is. */
    if (worker->run_count > 0 && worker->runs[0].phase == RUN_GOING) {
        decide(&worker->runs[0], END_OK);
        finishes(model, worker, &worker->runs[0], FATE_UNHEARD);
    }
    worker_starts(model, worker);
}

void worker_keeps_its_lease(struct model *model, struct model_worker *worker)
{
    if (model->true_ms >= worker->deadline_ms) {
        worker_starts(model, worker);
    } else {
        beats(model, worker, FATE_NOW);
    }
}

/* What comes next for its first run, without a mistake. */
static void goes_on(struct model *model, struct model_worker *worker)
{
    struct model_run *run = &worker->runs[0];
    if (run->phase == RUN_CLAIMING) {
        claims(model, worker, run, FATE_NOW);
        return;
    }
    if (run->phase == RUN_GOING) {
        decide(run, END_OK);
    }
    finishes(model, worker, run, FATE_NOW);
}

void worker_does_its_best(struct model *model, struct model_worker *worker)
{
    while (model->verdict.rule == NULL && model->true_ms < worker->deadline_ms) {
        if (worker->lost_a_reply && !is_claiming(worker)) {
            looks_into_own_list(model, worker);
        } else if (worker->run_count > 0) {
            goes_on(model, worker);
        } else if (model->view.queue_length > 0) {
            pops(model, worker, FATE_NOW);
        } else {
            break;
        }
    }
}

/* Someone who is awake. */
static void acts(struct model *model, struct model_worker *worker, const struct step *step)
{
    enum step_fate fate = (enum step_fate)step->fate;
    if (model->true_ms >= worker->deadline_ms) {
        model_note(model, "w%u is too late", worker->name);
        worker_starts(model, worker);
        return;
    }
    if (step->verb == STEP_POP) {
        pops(model, worker, fate);
    } else if (step->verb == STEP_WORK) {
        works(model, worker, step);
    } else if (step->verb == STEP_BEAT) {
        beats(model, worker, fate);
    } else if (step->verb == STEP_LOOK) {
        looks_into_own_list(model, worker);
    } else if (step->verb == STEP_STOP) {
        stops(model, worker);
    }
}

void worker_step(struct model *model, struct model_worker *worker, const struct step *step)
{
    if (!worker->is_up) {
        worker_starts(model, worker);
    } else if (step->verb == STEP_DIE) {
        model_note(model, "w%u dies", worker->name);
        worker->is_up = false;
        worker_hears(model, worker, false);
    } else if (step->verb == STEP_DEAFEN) {
        model_note(model, "w%u %s", worker->name, worker->is_deaf ? "hears again" : "is deaf");
        worker_hears(model, worker, worker->is_deaf);
    } else if (worker->is_stalled) {
        if (step->verb == STEP_WAKE) {
            worker_wakes(model, worker);
        }
    } else if (step->verb == STEP_STALL) {
        model_note(model, "w%u stalls", worker->name);
        worker->is_stalled = true;
    } else {
        acts(model, worker, step);
    }
}
