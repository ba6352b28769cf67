/* The job machine under random schedules: three accounts, three workers that crash, stall past
   their lease, lose replies and send late; executes, aborts, hands that add elements, a Redis that
   loses its last writes. queue_oracle.h says what must hold after each step.

   OMNIHOOK_MODEL_SCHEDULES = how many schedules (default 300); OMNIHOOK_MODEL_SEED = the first
   one's seed. A failure prints its seed and what happened before. */
#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/fail.h"
#include "tests/support/queue_oracle.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACCOUNTS = 3,
    WORKERS = 3,
    RUNS_MAX = 4,
    LATE_MAX = 8,
    NAMES_MAX = 200,
    NAME_SIZE = 16,
    STEPS = 120,
    REST_TURNS_MAX = 3000,
    TRACE_MAX_BYTES = 1 << 20,
};

static const char *const accounts[ACCOUNTS] = {"acme", "beta", "corp"};

enum run_phase { RUN_CLAIMING, RUN_GOING, RUN_FINISHING };

/* What a worker remembers of one element. */
struct run {
    enum run_phase phase;
    char element[DESK_ELEMENT_SIZE];
    char token[RANDOM_ID_SIZE];
    struct job_claim claim;
    enum run_outcome outcome; /* of a finish that is to be repeated */
};

struct worker {
    char name[NAME_SIZE];
    bool is_up;
    bool is_stalled;
    bool is_past_deadline; /* its lease ended while it was stalled */
    bool lost_a_reply;     /* must look into its own list before the next pop */
    size_t run_count;
    struct run runs[RUNS_MAX];
};

enum call_kind { CALL_POP, CALL_CLAIM, CALL_FINISH, CALL_PROGRESS };

/* A call that was sent, but reaches Redis later, whatever its sender is by then. */
struct late_call {
    enum call_kind kind;
    char worker[NAME_SIZE];
    struct run run;
};

struct model {
    uint64_t seed;
    uint64_t random;
    bool is_over;
    enum oracle_mode mode;
    struct queue_desk *desk;
    struct queue_desk *auditor; /* sees the same trouble twice within 1 ms */
    struct queue_oracle *oracle;
    struct worker workers[WORKERS];
    struct late_call late[LATE_MAX];
    size_t late_count;
    char names[NAMES_MAX][NAME_SIZE]; /* of all workers there ever were */
    size_t name_count;
    bool is_saved; /* Redis's older state lies in database 1 */
    struct strbuf trace;
};

#define trace(model, ...)                                                                          \
    (strbuf_addf(&(model)->trace, __VA_ARGS__), strbuf_add_text(&(model)->trace, "\n"))

/* splitmix64: http://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(struct model *model)
{
    uint64_t z = (model->random += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static size_t below(struct model *model, size_t limit)
{
    return next_random(model) % limit;
}

static bool one_in(struct model *model, size_t n)
{
    return below(model, n) == 0;
}

static struct redis_fixture *redis_of(struct model *model)
{
    return queue_desk_redis(model->desk);
}

/* ---- Workers ---- */

static void forget_run(struct worker *worker, size_t index)
{
    worker->runs[index] = worker->runs[--worker->run_count];
}

static struct run *find_run(struct worker *worker, const char *token)
{
    for (size_t i = 0; i < worker->run_count; i++) {
        if (strcmp(worker->runs[i].token, token) == 0) {
            return &worker->runs[i];
        }
    }
    return NULL;
}

/* The living worker of that name. */
static struct worker *find_worker(struct model *model, const char *name)
{
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *worker = &model->workers[i];
        if (worker->is_up && !worker->is_stalled && strcmp(worker->name, name) == 0) {
            return worker;
        }
    }
    return NULL;
}

static void start_worker(struct model *model, struct worker *worker)
{
    assert_true(model->name_count < NAMES_MAX);
    *worker = (struct worker){.is_up = true};
    (void)snprintf(worker->name, sizeof worker->name, "w%zu", model->name_count);
    memcpy(model->names[model->name_count++], worker->name, sizeof worker->name);
    trace(model, "%s starts", worker->name);
    assert_int_equal(desk_register(model->desk, worker->name), ERROR_NONE);
}

/* No two workers that trust their lease work for the same account. */
static void check_runs(struct model *model)
{
    for (size_t a = 0; a < ACCOUNTS; a++) {
        size_t count = 0;
        for (size_t w = 0; w < WORKERS; w++) {
            const struct worker *worker = &model->workers[w];
            for (size_t r = 0; worker->is_up && !worker->is_stalled && r < worker->run_count; r++) {
                const struct run *run = &worker->runs[r];
                count += run->phase == RUN_GOING && strcmp(run->claim.account, accounts[a]) == 0;
            }
        }
        if (count > 1 && model->mode != ORACLE_ROLLED) {
            fail_because("%s runs %zu times", accounts[a], count);
        }
    }
}

/* ---- Calls, each with what its worker makes of the answer ---- */

/* worker is NULL when nobody hears the answer. */
static void do_claim(struct model *model, const char *name, const struct run *sent,
                     struct worker *worker)
{
    bool is_repeat = false;
    const char *holder =
        redis_text(redis_of(model), "EVAL %s 1 {t}: %s",
                   "for _, k in ipairs(redis.call('KEYS', KEYS[1] .. 'ctl:*')) do "
                   "if redis.call('HGET', k, 'claim') == ARGV[1] then return k end "
                   "end",
                   sent->token);
    is_repeat = holder != NULL;
    struct claim_answer answer = desk_claim(model->desk, name, sent->element, sent->token);
    trace(model, "%s claims -> %d %s%s%s", name, answer.code, answer.claim.account,
          is_repeat ? " (repeat)" : "", worker == NULL ? " (unheard)" : "");
    if (answer.is_run && !is_repeat) {
        queue_oracle_claimed(model->oracle, &answer.claim);
    }
    struct run *run = worker == NULL ? NULL : find_run(worker, sent->token);
    if (run == NULL) {
        return;
    }
    if (answer.is_run) {
        run->claim = answer.claim;
        run->phase = RUN_GOING;
    } else {
        forget_run(worker, (size_t)(run - worker->runs));
    }
}

static void do_finish(struct model *model, const char *name, const struct run *sent,
                      struct worker *worker)
{
    const char *claim = redis_text(redis_of(model), "HGET {t}:ctl:%s claim", sent->claim.account);
    bool is_first = claim != NULL && strcmp(claim, sent->token) == 0;
    char *before = is_first ? NULL : desk_dump(model->desk, "totals");
    struct run_result result = {.outcome = sent->outcome,
                                .delay_ms = sent->outcome == RUN_PARKED ? 2 : 0,
                                .error = sent->outcome == RUN_OK ? NULL : "no",
                                .details = "\"webhooks\":[]"};
    struct finish_answer answer = desk_finish_with(model->desk, &sent->claim, &result);
    trace(model, "%s finishes %s as %d -> %d %d%s%s", name, sent->claim.account, sent->outcome,
          answer.code, answer.end, is_first ? "" : " (not its claim)",
          worker == NULL ? " (unheard)" : "");
    if (is_first) {
        assert_int_equal(answer.code, ERROR_NONE);
        queue_oracle_finished(model->oracle, &sent->claim, sent->outcome, answer.end);
    } else {
        /* A repeat, or no claim any more: nothing else has changed. */
        char *after = desk_dump(model->desk, "totals");
        assert_string_equal(after, before);
        mem_free(after);
        mem_free(before);
    }
    struct run *run = worker == NULL ? NULL : find_run(worker, sent->token);
    if (run != NULL) {
        forget_run(worker, (size_t)(run - worker->runs));
    }
}

static void do_progress(struct model *model, const char *name, const struct run *sent,
                        struct worker *worker)
{
    const struct run_counts counts = {.done = 1, .total = 2};
    enum error_code code = desk_progress(model->desk, &sent->claim, &counts, NULL);
    trace(model, "%s progresses with %s -> %d", name, sent->claim.account, code);
    struct run *run = worker == NULL ? NULL : find_run(worker, sent->token);
    if (code == ERROR_LOST && run != NULL) {
        forget_run(worker, (size_t)(run - worker->runs));
    }
}

static void do_pop(struct model *model, const char *name, struct worker *worker)
{
    if (redis_int(redis_of(model), "LLEN {t}:queue") == 0) {
        return;
    }
    struct pop_answer popped = desk_pop(model->desk, name);
    trace(model, "%s pops %.60s%s", name, popped.element, worker == NULL ? " (unheard)" : "");
    if (worker == NULL) {
        return;
    }
    struct run *run = &worker->runs[worker->run_count++];
    *run = (struct run){.phase = RUN_CLAIMING};
    memcpy(run->element, popped.element, sizeof run->element);
    (void)random_id_make(run->token);
}

/* ---- How a call gets to Redis ---- */

typedef void call_fn(struct model *model, const char *name, const struct run *sent,
                     struct worker *worker);

/* Now; or now, but the answer is lost; or later. */
static void send_call(struct model *model, struct worker *worker, const struct run *run,
                      enum call_kind kind)
{
    static call_fn *const calls[] = {
        [CALL_CLAIM] = do_claim, [CALL_FINISH] = do_finish, [CALL_PROGRESS] = do_progress};
    if (one_in(model, 6) && model->late_count < LATE_MAX) {
        struct late_call *late = &model->late[model->late_count++];
        late->kind = kind;
        late->run = *run;
        memcpy(late->worker, worker->name, sizeof late->worker);
        trace(model, "%s sends call %d, which takes its time", worker->name, (int)kind);
        return;
    }
    struct run sent = *run;
    calls[kind](model, worker->name, &sent, one_in(model, 6) ? NULL : worker);
}

static void deliver_late(struct model *model)
{
    if (model->late_count == 0) {
        return;
    }
    size_t index = below(model, model->late_count);
    struct late_call late = model->late[index];
    model->late[index] = model->late[--model->late_count];
    trace(model, "late:");
    /* Its answer goes to a connection that is no more, but for a claim: what the worker repeats is
       answered the same. */
    switch (late.kind) {
    case CALL_POP:
        do_pop(model, late.worker, NULL);
        break;
    case CALL_CLAIM:
        do_claim(model, late.worker, &late.run, NULL);
        break;
    case CALL_FINISH:
        do_finish(model, late.worker, &late.run, NULL);
        break;
    case CALL_PROGRESS:
        do_progress(model, late.worker, &late.run, NULL);
        break;
    }
    struct worker *worker = find_worker(model, late.worker);
    if (worker != NULL) {
        worker->lost_a_reply = true;
    }
}

/* ---- What a worker does ---- */

static void look_into_own_list(struct model *model, struct worker *worker)
{
    const char *known[RUNS_MAX];
    for (size_t i = 0; i < worker->run_count; i++) {
        known[i] = worker->runs[i].token;
    }
    int64_t moved = desk_take_back_own(model->desk, worker->name, known, worker->run_count);
    trace(model, "%s finds %d in its own list", worker->name, (int)moved);
    worker->lost_a_reply = false;
}

static bool has_late_pop(const struct model *model, const struct worker *worker)
{
    for (size_t i = 0; i < model->late_count; i++) {
        if (model->late[i].kind == CALL_POP && strcmp(model->late[i].worker, worker->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Not while a popped element's claim is still to be sent. */
static bool can_look(const struct model *model, const struct worker *worker)
{
    for (size_t i = 0; i < worker->run_count; i++) {
        if (worker->runs[i].phase == RUN_CLAIMING) {
            return false;
        }
    }
    return !has_late_pop(model, worker);
}

static void worker_pops(struct model *model, struct worker *worker)
{
    if (worker->run_count == RUNS_MAX || has_late_pop(model, worker)) {
        return;
    }
    if ((worker->lost_a_reply || one_in(model, 4)) && can_look(model, worker)) {
        look_into_own_list(model, worker);
    }
    if (one_in(model, 8) && model->late_count < LATE_MAX) {
        struct late_call *late = &model->late[model->late_count++];
        *late = (struct late_call){.kind = CALL_POP};
        memcpy(late->worker, worker->name, sizeof late->worker);
        trace(model, "%s sends a pop, which takes its time", worker->name);
        return;
    }
    bool is_heard = !one_in(model, 8);
    worker->lost_a_reply = worker->lost_a_reply || !is_heard;
    do_pop(model, worker->name, is_heard ? worker : NULL);
}

static void worker_works(struct model *model, struct worker *worker)
{
    static const enum run_outcome outcomes[] = {RUN_OK,    RUN_OK,     RUN_OK,      RUN_FAILED,
                                                RUN_RETRY, RUN_PARKED, RUN_RELEASED};
    if (worker->run_count == 0) {
        worker_pops(model, worker);
        return;
    }
    struct run *run = &worker->runs[below(model, worker->run_count)];
    switch (run->phase) {
    case RUN_CLAIMING:
        send_call(model, worker, run, CALL_CLAIM);
        break;
    case RUN_GOING:
        if (one_in(model, 3)) {
            send_call(model, worker, run, CALL_PROGRESS);
            break;
        }
        run->phase = RUN_FINISHING;
        run->outcome = outcomes[below(model, sizeof outcomes / sizeof outcomes[0])];
        send_call(model, worker, run, CALL_FINISH);
        break;
    case RUN_FINISHING:
        send_call(model, worker, run, CALL_FINISH);
        break;
    }
}

static void worker_beats(struct model *model, struct worker *worker)
{
    struct beat_answer beat = desk_beat(model->desk, worker->name);
    trace(model, "%s beats -> %d, %zu aborts", worker->name, beat.code, beat.aborted_count);
    if (beat.code == ERROR_LOST) {
        start_worker(model, worker);
        return;
    }
    for (size_t i = 0; i < worker->run_count; i++) {
        for (size_t j = 0; j < beat.aborted_count; j++) {
            struct run *run = &worker->runs[i];
            if (run->phase == RUN_GOING && strcmp(run->claim.account, beat.aborted[j]) == 0) {
                run->phase = RUN_FINISHING;
                run->outcome = RUN_RELEASED;
            }
        }
    }
}

static void worker_stops(struct model *model, struct worker *worker)
{
    trace(model, "%s stops", worker->name);
    while (worker->run_count > 0) {
        struct run sent = worker->runs[0];
        if (sent.phase == RUN_CLAIMING) {
            do_claim(model, worker->name, &sent, worker);
            continue;
        }
        sent.outcome = sent.phase == RUN_FINISHING ? sent.outcome : RUN_RELEASED;
        do_finish(model, worker->name, &sent, worker);
    }
    assert_int_equal(desk_unregister(model->desk, worker->name), ERROR_NONE);
    worker->is_up = false;
}

static void worker_wakes(struct model *model, struct worker *worker)
{
    trace(model, "%s wakes", worker->name);
    worker->is_stalled = false;
    if (!worker->is_past_deadline) {
        return;
    }
    /* A write that was already on its way; then it sees how late it is. */
    if (worker->run_count > 0 && worker->runs[0].phase != RUN_CLAIMING) {
        struct run sent = worker->runs[0];
        do_finish(model, worker->name, &sent, NULL);
    }
    start_worker(model, worker);
}

static void worker_steps(struct model *model, struct worker *worker)
{
    if (!worker->is_up) {
        start_worker(model, worker);
    } else if (worker->is_stalled) {
        if (one_in(model, 3)) {
            worker_wakes(model, worker);
        }
    } else if (one_in(model, 25)) {
        trace(model, "%s dies", worker->name);
        worker->is_up = false;
    } else if (one_in(model, 25)) {
        trace(model, "%s stalls", worker->name);
        worker->is_stalled = true;
    } else if (one_in(model, 40)) {
        worker_stops(model, worker);
    } else if (one_in(model, 6)) {
        worker_beats(model, worker);
    } else if (one_in(model, 3)) {
        worker_pops(model, worker);
    } else {
        worker_works(model, worker);
    }
}

/* ---- What else happens ---- */

/* Ends the lease of a name that no working worker has. */
static void end_a_lease(struct model *model)
{
    if (model->name_count == 0) {
        return;
    }
    const char *name = model->names[below(model, model->name_count)];
    if (find_worker(model, name) != NULL) {
        return;
    }
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *worker = &model->workers[i];
        if (worker->is_up && strcmp(worker->name, name) == 0) {
            worker->is_past_deadline = true;
        }
    }
    trace(model, "the lease of %s ends", name);
    desk_end_lease(model->desk, name, 60000);
}

static void add_by_hand(struct model *model)
{
    const char *account = accounts[below(model, ACCOUNTS)];
    const struct redis_list *job =
        redis_list(redis_of(model), "HMGET {t}:ctl:%s job enqueued_at", account);
    char element[DESK_ELEMENT_SIZE] = "junk";
    if (job->items[0] != NULL && !one_in(model, 3)) {
        (void)snprintf(element, sizeof element,
                       "{\"id\":\"%s\",\"account\":\"%s\",\"action\":\"execute\","
                       "\"enqueued_at\":\"%s\"}",
                       job->items[0], account, job->items[1]);
    }
    trace(model, "a hand adds %.60s", element);
    redis_do(redis_of(model), "LPUSH {t}:queue %s", element);
}

/* The older state lies in database 1; a roll-back swaps it in. */
static void lose_writes(struct model *model)
{
    if (!model->is_saved) {
        trace(model, "the state is saved");
        redis_do(redis_of(model), "EVAL %s 1 {t}:",
                 "redis.call('SELECT', 1) redis.call('FLUSHDB') redis.call('SELECT', 0) "
                 "for _, k in ipairs(redis.call('KEYS', '*')) do "
                 "redis.call('COPY', k, k, 'DB', 1) end");
        model->is_saved = true;
    } else {
        trace(model, "Redis is rolled back");
        redis_do(redis_of(model), "SWAPDB 0 1");
        queue_oracle_set_mode(model->oracle, ORACLE_ROLLED);
        model->is_saved = false;
        model->mode = ORACLE_ROLLED;
    }
}

static void sweep(struct model *model)
{
    int64_t promoted = desk_promote(model->desk);
    int64_t taken = desk_take_back(model->desk);
    int64_t mended = one_in(model, 2) ? desk_audit(model->auditor) : 0;
    trace(model, "swept: %d promoted, %d taken back, %d mended", (int)promoted, (int)taken,
          (int)mended);
}

static void ask(struct model *model)
{
    const char *account = accounts[below(model, ACCOUNTS)];
    if (one_in(model, 5)) {
        bool found = desk_abort(model->desk, account);
        trace(model, "abort %s -> %d", account, found);
        queue_oracle_aborted(model->oracle, account);
        return;
    }
    queue_oracle_enqueue(model->oracle, account);
    struct enqueue_answer answer = desk_enqueue(model->desk, account);
    assert_int_equal(answer.code, ERROR_NONE);
    trace(model, "execute %s -> %d %s", account, answer.result, answer.job);
}

static void step(struct model *model, bool is_rolling)
{
    size_t what = below(model, 100);
    if (what < 15) {
        ask(model);
    } else if (what < 22) {
        end_a_lease(model);
    } else if (what < 32) {
        sweep(model);
    } else if (what < 38) {
        deliver_late(model);
    } else if (what < 41 && model->mode == ORACLE_FOREIGN) {
        add_by_hand(model);
    } else if (what < 43 && is_rolling) {
        lose_writes(model);
    } else {
        worker_steps(model, &model->workers[below(model, WORKERS)]);
    }
}

/* All that was sent arrives, the workers are gone, and one that makes no mistakes takes over. */
static void come_to_rest(struct model *model)
{
    while (model->late_count > 0) {
        deliver_late(model);
        queue_oracle_check(model->oracle);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        model->workers[i].is_up = false;
    }
    for (size_t i = 0; i < model->name_count; i++) {
        desk_end_lease(model->desk, model->names[i], 60000);
    }
    struct worker *last = &model->workers[0];
    start_worker(model, last);
    for (int i = 0; !queue_oracle_is_at_rest(model->oracle) && i < REST_TURNS_MAX; i++) {
        sweep(model);
        queue_oracle_check(model->oracle);
        do_pop(model, last->name, last);
        if (last->run_count == 0) {
            wait_a_little();
            continue;
        }
        struct run claimed = last->runs[0];
        do_claim(model, last->name, &claimed, last);
        queue_oracle_check(model->oracle);
        if (last->run_count > 0) {
            last->runs[0].outcome = RUN_OK;
            struct run sent = last->runs[0];
            do_finish(model, last->name, &sent, last);
        }
        queue_oracle_check(model->oracle);
    }
    if (!queue_oracle_is_at_rest(model->oracle)) {
        fail_because("something is stuck");
    }
}

static void run_schedule(struct model *model)
{
    enum { MODES = 4 };
    bool is_rolling = model->seed % MODES == 3;
    model->mode = model->seed % MODES == 2 ? ORACLE_FOREIGN : ORACLE_STRICT;
    queue_oracle_set_mode(model->oracle, model->mode);
    for (int i = 0; i < STEPS; i++) {
        step(model, is_rolling);
        queue_oracle_check(model->oracle);
        check_runs(model);
    }
    come_to_rest(model);
}

/* ---- The test ---- */

static uint64_t number_from(const char *variable, uint64_t fallback)
{
    const char *text = getenv(variable);
    return text == NULL || text[0] == '\0' ? fallback : strtoull(text, NULL, 10);
}

static struct model *current;

static int report_seed(void **state)
{
    (void)state;
    if (current != NULL && !current->is_over) {
        /* Too long for cmocka's own print. */
        (void)fprintf(stderr, "%s\nOMNIHOOK_MODEL_SEED=%" PRIu64 " OMNIHOOK_MODEL_SCHEDULES=1\n",
                      current->trace.bytes, current->seed);
    }
    return 0;
}

static void play(struct redis_fixture *redis, uint64_t seed)
{
    struct job_queue_options impatient = desk_options();
    impatient.lease_ms = 1;
    impatient.retry = (struct backoff){.base_ms = 2, .max_ms = 2};
    struct job_queue_options options = desk_options();
    options.retry = impatient.retry;
    redis_do(redis, "FLUSHALL");
    struct model *model = mem_new(1, sizeof *model);
    current = model;
    model->seed = model->random = seed;
    strbuf_init(&model->trace, TRACE_MAX_BYTES);
    model->desk = queue_desk_new(redis, &options);
    model->auditor = queue_desk_new(redis, &impatient);
    model->oracle = queue_oracle_new(model->desk, accounts, ACCOUNTS);
    run_schedule(model);
    model->is_over = true;
    current = NULL;
    queue_oracle_free(model->oracle);
    queue_desk_free(model->auditor);
    queue_desk_free(model->desk);
    strbuf_clear(&model->trace);
    mem_free(model);
}

static void no_random_schedule_breaks_a_promise(void **state)
{
    uint64_t seed = number_from("OMNIHOOK_MODEL_SEED", 1);
    uint64_t count = number_from("OMNIHOOK_MODEL_SCHEDULES", 300);
    for (uint64_t i = 0; i < count; i++) {
        play(*state, seed + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(no_random_schedule_breaks_a_promise, report_seed),
    };
    return cmocka_run_group_tests(tests, queue_desk_group_setup, queue_desk_group_teardown);
}
