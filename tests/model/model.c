#include "tests/model/model.h"

#include "common/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    REST_TURNS_MAX = 30,
    REST_TURNS_TOLD = 8,
    REST_TURN_MS = 8000, /* less than a worker's deadline */
    BEAT_MS = 9000,      /* seldom: a lost beat matters more then */
};

static const int64_t start_ms = 1700000000000;
static const int64_t passes_ms[] = {1000, 3000, 6000, 9000, 1000, 18000};
static const int64_t jumps_ms[] = {8000, -8000, 20000, -20000};

void model_init(struct model *model, struct machine *machine, enum model_mode mode)
{
    *model = (struct model){
        .machine = machine,
        .mode = mode,
        .true_ms = start_ms,
        .swept_true_ms = start_ms,
        .swept_redis_ms = start_ms,
        .connected_at_ms = start_ms - 60000,
        .oracle = {.is_lenient = mode == MODE_HANDS},
    };
    machine_reset(machine);
    model_look_again(model);
}

void model_note(struct model *model, const char *format, ...)
{
    if (model->story == NULL) {
        return;
    }
    char text[256];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    bool is_first = model->story->size > 0 && model->story->bytes[model->story->size - 1] == '#';
    strbuf_addf(model->story, "%s%s", is_first ? " " : "; ", text);
}

int64_t model_redis_ms(const struct model *model)
{
    return model->true_ms + model->offset_ms;
}

/* ---- Calls ---- */

static struct look look_of(const struct model *model, bool wants_digest)
{
    return (struct look){.is_lenient = model->oracle.is_lenient, .wants_digest = wants_digest};
}

void model_look_again(struct model *model)
{
    machine_look(model->machine, look_of(model, false), &model->view);
}

static void tell(struct model *model, const struct call *call)
{
    const struct script_reply *reply = &model->reply;
    char subject[48] = "";
    if (call->account != MODEL_NO_ACCOUNT) {
        (void)snprintf(subject, sizeof subject, " %s", model_account_name(call->account));
    }
    char worker[16] = "";
    if (call->worker != 0) {
        (void)snprintf(worker, sizeof worker, " w%u", call->worker);
    }
    char token[40] = "";
    if (call->token != 0) {
        (void)snprintf(token, sizeof token, " t%u%s%s", call->token,
                       call->script == MODEL_FINISH ? " " : "",
                       call->script == MODEL_FINISH ? model_outcome_name(call->outcome) : "");
    }
    model_note(model, "%s%s%s%s -> %.60s", model_script_name(call->script), worker, subject, token,
               reply->count > 0 ? reply->words[0] : "(nil)");
}

static void send_and_judge(struct model *model, const struct call *call, bool wants_digest)
{
    struct view before = model->view;
    machine_call(model->machine, call, model_redis_ms(model), look_of(model, wants_digest),
                 &model->reply, &model->view);
    tell(model, call);
    struct deed deed = {
        .call = call,
        .now_ms = model_redis_ms(model),
        .reply = &model->reply,
        .before = &before,
        .after = &model->view,
    };
    oracle_judge(&model->oracle, &deed, &model->verdict);
}

static void must_change_nothing(struct model *model, const struct call *call, const char *rule)
{
    char before[VIEW_DIGEST_SIZE];
    memcpy(before, model->view.digest, sizeof before);
    send_and_judge(model, call, true);
    if (strcmp(before, model->view.digest) != 0) {
        verdict_add(&model->verdict, rule, "%s changed what it must not",
                    model_script_name(call->script));
    }
}

void model_send(struct model *model, const struct call *call)
{
    if (oracle_expects_nothing(&model->oracle, call)) {
        machine_look(model->machine, look_of(model, true), &model->view);
        must_change_nothing(model, call, "fence");
    } else {
        send_and_judge(model, call, false);
    }
}

void model_deliver(struct model *model, const struct call *call, enum step_fate fate)
{
    model_send(model, call);
    /* Progress that is shown twice is two changes of the status; a second take_back moves what the
       first left for it; a copy of an element is dropped by the second claim. */
    bool may_change = call->script == MODEL_PROGRESS || call->script == MODEL_TAKE_BACK ||
                      model->oracle.is_lenient;
    if (fate == FATE_TWICE && may_change) {
        model_send(model, call);
    } else if (fate == FATE_TWICE) {
        machine_look(model->machine, look_of(model, true), &model->view);
        must_change_nothing(model, call, "twice");
    }
}

bool model_delay(struct model *model, const struct call *call)
{
    if (model->late_count == MODEL_LATE_MAX) {
        return false;
    }
    model->late[model->late_count++] = *call;
    model_note(model, "%s is on its way", model_script_name(call->script));
    return true;
}

void model_late_arrives(struct model *model, size_t which)
{
    if (model->late_count == 0) {
        return;
    }
    which %= model->late_count;
    struct call call = model->late[which];
    model->late[which] = model->late[--model->late_count];
    model_send(model, &call);
    worker_misses(model, call.worker);
}

/* ---- What happens outside of workers ---- */

static void ask(struct model *model, enum model_script script, const struct step *step)
{
    struct call call = {.script = script, .account = step->who % MODEL_ACCOUNTS};
    if (script == MODEL_ENQUEUE) {
        call.job = ++model->last_job;
    }
    if (step->fate != FATE_LATE || !model_delay(model, &call)) {
        model_deliver(model, &call, (enum step_fate)step->fate);
    }
}

void model_sweep(struct model *model, enum model_script script, bool is_new, enum step_fate fate)
{
    struct call call = {.script = script, .account = MODEL_NO_ACCOUNT};
    if (script == MODEL_TAKE_BACK) {
        /* One who comes new cannot see a jump that was forward. */
        call.has_expected = !is_new || model->mode == MODE_CLOCK;
        call.expected_ms = model->swept_redis_ms + model->true_ms - model->swept_true_ms;
    } else if (script == MODEL_WATCH) {
        call.connected_ms = is_new ? 1000 : model->true_ms - model->connected_at_ms;
    }
    model_deliver(model, &call, fate);
    if (script == MODEL_TAKE_BACK) {
        model->swept_true_ms = model->true_ms;
        model->swept_redis_ms = model_redis_ms(model);
    }
}

static void time_passes(struct model *model, int64_t ms)
{
    model->true_ms += ms;
    model_note(model, "%lld s pass", (long long)(ms / 1000));
}

static void all_beat(struct model *model)
{
    for (size_t i = 0; i < MODEL_WORKERS; i++) {
        struct model_worker *worker = &model->workers[i];
        if (worker->is_up && !worker->is_stalled) {
            worker_keeps_its_lease(model, worker);
        }
    }
}

/* Whoever is awake beats meanwhile. */
static void time_passes_with_beats(struct model *model, int64_t ms)
{
    for (; ms > 0; ms -= BEAT_MS) {
        time_passes(model, ms < BEAT_MS ? ms : BEAT_MS);
        all_beat(model);
    }
}

/* Sometimes the network is slow, and no beat gets through; sometimes all goes well, and somebody
   does the housekeeping. */
static void time_passes_for_all(struct model *model, const struct step *step)
{
    enum { PASSES = sizeof passes_ms / sizeof passes_ms[0] };
    int64_t ms = passes_ms[step->what % PASSES];
    if (step->what < PASSES) {
        time_passes(model, ms);
        return;
    }
    time_passes_with_beats(model, ms);
    if (step->what >= 2 * PASSES) {
        model_sweep(model, MODEL_PROMOTE, false, FATE_NOW);
        model_sweep(model, MODEL_TAKE_BACK, false, FATE_NOW);
    }
}

/* Half of the time twice, so far apart that what was wrong all the time is mended. */
static void audits(struct model *model, const struct step *step)
{
    model_sweep(model, MODEL_AUDIT, false, (enum step_fate)step->fate);
    if (step->what % 2 == 1) {
        time_passes_with_beats(model, MODEL_LEASE_MS);
        model_sweep(model, MODEL_AUDIT, false, FATE_NOW);
    }
}

/* Looks a second apart, as the janitors' are never further. */
static void watches(struct model *model, const struct step *step)
{
    enum { LOOKS_PER_WHAT = 6 };
    model_sweep(model, MODEL_WATCH, step->what == 0, (enum step_fate)step->fate);
    for (int looks = step->what / LOOKS_PER_WHAT; looks > 0; looks--) {
        time_passes(model, 1000);
        model_sweep(model, MODEL_WATCH, false, FATE_NOW);
    }
}

static void clock_jumps(struct model *model, const struct step *step)
{
    if (model->mode == MODE_CLOCK) {
        int64_t jump_ms = jumps_ms[step->what % (sizeof jumps_ms / sizeof jumps_ms[0])];
        model->offset_ms += jump_ms;
        model_note(model, "Redis's clock jumps by %lld s", (long long)(jump_ms / 1000));
    }
}

static void hand_works(struct model *model, const struct step *step)
{
    enum {
        ADD_JUNK,
        ADD_COPY,
        ADD_COPY_TOO,
        TAKE_FROM_QUEUE,
        TAKE_FROM_DELAYED,
        TAKE_FROM_LIST,
        TAKE_FROM_LIST_TOO,
        UNREGISTER,
        WHATS
    };
    static const char *const names[WHATS] = {
        "adds junk",          "adds a copy",       "adds a copy",       "takes from the queue",
        "takes from delayed", "takes from a list", "takes from a list", "removes a worker",
    };
    int account = step->who % MODEL_ACCOUNTS;
    unsigned worker = model->workers[step->who % MODEL_WORKERS].name;
    const struct account_view *view = &model->view.accounts[account];
    unsigned what = step->what % WHATS;
    if (model->mode != MODE_HANDS || (what != ADD_JUNK && what != UNREGISTER && view->job == 0)) {
        return;
    }
    model_note(model, "a hand %s: %s", names[what], model_account_name(account));
    switch (what) {
    case ADD_JUNK:
        machine_do(model->machine, "LPUSH {t}:queue junk");
        break;
    case ADD_COPY:
    case ADD_COPY_TOO:
        machine_do(model->machine, "LPUSH {t}:queue %s", view->element);
        break;
    case TAKE_FROM_QUEUE:
        machine_do(model->machine, "LREM {t}:queue 1 %s", view->element);
        break;
    case TAKE_FROM_DELAYED:
        machine_do(model->machine, "ZREM {t}:delayed %s", view->element);
        break;
    case TAKE_FROM_LIST:
    case TAKE_FROM_LIST_TOO:
        machine_do(model->machine, "LREM {t}:processing:w%u 1 %s", view->holder, view->element);
        break;
    case UNREGISTER:
        machine_do(model->machine, "ZREM {t}:workers w%u", worker);
        break;
    default:
        break;
    }
    model_look_again(model);
}

static void save(struct model *model)
{
    if (model->mode == MODE_ROLLED) {
        machine_save(model->machine);
        model->saved = model->oracle;
        model->is_saved = true;
        model_note(model, "the state is on disk");
    }
}

static void roll(struct model *model)
{
    if (model->is_saved) {
        machine_restore(model->machine);
        model->oracle = model->saved;
        model->is_rolled = true;
        model_note(model, "Redis is back at what was on disk");
        model_look_again(model);
        /* All connections broke, and all but those of deaf workers were made again. */
        model->connected_at_ms = model->true_ms;
        for (size_t i = 0; i < MODEL_WORKERS; i++) {
            worker_misses(model, model->workers[i].name);
            worker_hears(model, &model->workers[i], !model->workers[i].is_deaf);
        }
    }
}

void model_step(struct model *model, const struct step *step)
{
    switch ((enum step_verb)step->verb) {
    case STEP_EXECUTE:
        ask(model, MODEL_ENQUEUE, step);
        break;
    case STEP_ABORT:
        ask(model, MODEL_ABORT, step);
        break;
    case STEP_PASS:
        time_passes_for_all(model, step);
        break;
    case STEP_PROMOTE:
        model_sweep(model, MODEL_PROMOTE, false, (enum step_fate)step->fate);
        break;
    case STEP_TAKE_BACK:
        model_sweep(model, MODEL_TAKE_BACK, step->what % 2 == 1, (enum step_fate)step->fate);
        break;
    case STEP_AUDIT:
        audits(model, step);
        break;
    case STEP_WATCH:
        watches(model, step);
        break;
    case STEP_LATE:
        model_late_arrives(model, step->what);
        break;
    case STEP_POP:
    case STEP_WORK:
    case STEP_BEAT:
    case STEP_LOOK:
    case STEP_DIE:
    case STEP_STALL:
    case STEP_WAKE:
    case STEP_DEAFEN:
    case STEP_STOP:
        worker_step(model, &model->workers[step->who % MODEL_WORKERS], step);
        break;
    case STEP_JUMP:
        clock_jumps(model, step);
        break;
    case STEP_HAND:
        hand_works(model, step);
        break;
    case STEP_SAVE:
        save(model);
        break;
    case STEP_ROLL:
        roll(model);
        break;
    case STEP_VERBS:
        break;
    }
    workers_check(model);
}

/* ---- Rest ---- */

static bool is_working(const struct model *model)
{
    bool works = model->view.queue_length > 0;
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        works = works || model->view.accounts[i].phase != PHASE_NONE;
    }
    return works;
}

/* Lists that are not empty, and keys that nobody will ever remove. */
static char *left_keys(struct model *model)
{
    static const char script[] =
        "local left, lasts = {}, {}\n"
        "for _, name in ipairs({'totals', 'dead', 'clock', 'workers', 'audit', 'watch', 'looked'}) "
        "do\n"
        "    lasts[KEYS[1] .. name] = true\n"
        "end\n"
        "for _, key in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do\n"
        "    if not lasts[key] and redis.call('TTL', key) < 0 then left[#left + 1] = key end\n"
        "end\n"
        "table.sort(left)\n"
        "return table.concat(left, ' ')";
    return machine_text(model->machine, "EVAL %s 1 {t}:", script);
}

static bool is_at_rest(struct model *model)
{
    if (is_working(model) || model->verdict.rule != NULL) {
        return model->verdict.rule != NULL;
    }
    char *left = left_keys(model);
    bool is_empty = left[0] == '\0';
    mem_free(left);
    return is_empty;
}

static void rest_turn(struct model *model)
{
    if (model->story != NULL) {
        strbuf_addf(model->story, "\n%-24s #", "# rest goes on");
    }
    time_passes(model, REST_TURN_MS);
    all_beat(model);
    model_sweep(model, MODEL_PROMOTE, false, FATE_NOW);
    model_sweep(model, MODEL_WATCH, false, FATE_NOW);
    model_sweep(model, MODEL_TAKE_BACK, false, FATE_NOW);
    model_sweep(model, MODEL_AUDIT, false, FATE_NOW);
}

static void all_work(struct model *model)
{
    for (size_t i = 0; i < MODEL_WORKERS; i++) {
        if (model->workers[i].is_up) {
            worker_does_its_best(model, &model->workers[i]);
        }
    }
}

void model_come_to_rest(struct model *model)
{
    while (model->late_count > 0 && model->verdict.rule == NULL) {
        model_late_arrives(model, 0);
    }
    bool is_anybody_up = false;
    for (size_t i = 0; i < MODEL_WORKERS; i++) {
        struct model_worker *worker = &model->workers[i];
        if (worker->is_up && worker->is_stalled) {
            worker_wakes(model, worker);
        }
        worker_hears(model, worker, worker->is_up);
        is_anybody_up = is_anybody_up || worker->is_up;
    }
    all_beat(model);
    if (!is_anybody_up) {
        worker_starts(model, &model->workers[0]);
    }
    all_work(model);
    struct strbuf *story = model->story;
    for (int turn = 0; !is_at_rest(model) && turn < REST_TURNS_MAX; turn++) {
        model->story = turn < REST_TURNS_TOLD ? story : NULL;
        rest_turn(model);
        all_work(model);
    }
    model->story = story;
    if (model->verdict.rule == NULL && !is_at_rest(model)) {
        char *left = left_keys(model);
        verdict_add(&model->verdict, "stuck", "these keys stay: %.200s", left);
        mem_free(left);
    }
}
