#include "tests/model/state_text.h"

#include "common/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2, NAMES_MAX = 64, NAME_SIZE = 20, JOB_SIZE = 8, TOKEN_SIZE = 16 };

/* ---- The world ---- */

static void print_call(const struct call *call, struct strbuf *text)
{
    strbuf_addf(text, " %d.%d.%08x.w%u.%016x.%d.%.20s", (int)call->script, call->account, call->job,
                call->worker, call->token, (int)call->outcome, call->element);
}

static void print_worker(const struct model *model, const struct model_worker *worker,
                         struct strbuf *text)
{
    int64_t left_ms = worker->deadline_ms - model->true_ms;
    strbuf_addf(text, "w%u %d%d%d%d %lld", worker->name, worker->is_up, worker->is_stalled,
                worker->lost_a_reply, worker->was_deaf, (long long)(left_ms > 0 ? left_ms : 0));
    for (size_t i = 0; worker->is_up && i < worker->run_count; i++) {
        const struct model_run *run = &worker->runs[i];
        strbuf_addf(text, " %d.%016x.%d.%.20s", (int)run->phase, run->token, run->must_stop,
                    run->element);
        if (run->phase == RUN_FINISHING) {
            print_call(&run->finish, text);
        }
    }
    strbuf_add_text(text, "\n");
}

static void print_world(const struct model *model, size_t first, struct strbuf *text)
{
    for (size_t i = 0; i < SLOTS; i++) {
        print_worker(model, &model->workers[(first + i) % SLOTS], text);
    }
    for (size_t i = 0; i < model->late_count; i++) {
        print_call(&model->late[i], text);
    }
    const struct account_truth *truth = &model->oracle.accounts[0];
    strbuf_addf(text, " %u %d %016x\n", truth->version - truth->settled,
                truth->covered == truth->version, truth->last_token);
}

/* ---- Names by the order in which they come ---- */

struct names {
    size_t count;
    char names[NAMES_MAX][NAME_SIZE];
};

static size_t number_of(struct names *names, const char *name, size_t size)
{
    size_t i = 0;
    for (; i < names->count; i++) {
        if (strlen(names->names[i]) == size && memcmp(names->names[i], name, size) == 0) {
            return i;
        }
    }
    if (names->count < NAMES_MAX) {
        memcpy(names->names[names->count], name, size);
        names->names[names->count++][size] = '\0';
    }
    return i;
}

/* How long the name at text is: a job's, a token's (its last digits count) or a worker's; 0 = none.
 */
static size_t name_size(const char *text)
{
    if (text[0] == 'w' && isdigit((unsigned char)text[1])) {
        return 1 + strspn(text + 1, "0123456789");
    }
    size_t size = strspn(text, "0123456789abcdef");
    return size == JOB_SIZE || size == TOKEN_SIZE ? size : 0;
}

static void rename_all(const char *from, struct strbuf *to)
{
    struct names names = {0};
    while (*from != '\0') {
        size_t size = name_size(from);
        if (size > 0) {
            size_t skipped = size == TOKEN_SIZE ? TOKEN_SIZE - JOB_SIZE : 0;
            char name[NAME_SIZE];
            int length = snprintf(name, sizeof name, "%c%.*s", skipped > 0 ? 't' : 'n',
                                  (int)(size - skipped), from + skipped);
            strbuf_addf(to, "#%zu", number_of(&names, name, (size_t)length));
            from += size;
            continue;
        }
        size = isalnum((unsigned char)*from) ? strspn(from, "0123456789abcdefghijklmnopqrstuvwxyz_")
                                             : 1;
        (void)strbuf_add(to, from, size == 0 ? 1 : size);
        from += size == 0 ? 1 : size;
    }
}

extern const unsigned char embedded_dump_lua[];

void state_text_print(struct model *model, struct strbuf *text)
{
    char *dump =
        machine_text(model->machine, "EVAL %s 1 {t}: %lld %d %d", (const char *)embedded_dump_lua,
                     (long long)model_redis_ms(model), MODEL_LEASE_MS, MODEL_GRACE_MS);
    struct strbuf raw;
    struct strbuf other;
    strbuf_init(&raw, STATE_TEXT_MAX_BYTES);
    strbuf_init(&other, STATE_TEXT_MAX_BYTES);
    strbuf_reset(text);
    for (size_t first = 0; first < SLOTS; first++) {
        strbuf_reset(&raw);
        print_world(model, first, &raw);
        strbuf_add_text(&raw, dump);
        rename_all(raw.bytes, first == 0 ? text : &other);
    }
    if (strcmp(other.bytes, text->bytes) < 0) {
        strbuf_reset(text);
        strbuf_add_text(text, other.bytes);
    }
    strbuf_clear(&other);
    strbuf_clear(&raw);
    mem_free(dump);
}

/* ---- Which letters ---- */

static bool worker_has_use_for(const struct model *model, const struct model_worker *worker,
                               const struct step *step)
{
    bool is_idle = worker->run_count == 0;
    if (!worker->is_up || (!worker->is_stalled && model->true_ms >= worker->deadline_ms)) {
        return step->verb == STEP_BEAT && step->fate == FATE_NOW; /* starts it */
    }
    if (worker->is_stalled) {
        return step->verb == STEP_WAKE || step->verb == STEP_DIE;
    }
    if (step->verb == STEP_WORK) {
        /* A claim is the same whatever its run comes to. */
        return !is_idle && (worker->runs[0].phase == RUN_GOING || step->what == 0);
    }
    if (step->verb == STEP_POP) {
        return is_idle && (model->view.queue_length > 0 || step->fate == FATE_LATE);
    }
    return step->verb != STEP_WAKE;
}

bool state_has_use_for(const struct model *model, const struct step *step)
{
    switch ((enum step_verb)step->verb) {
    case STEP_LATE:
        return step->what < model->late_count;
    case STEP_ABORT:
        return model->view.accounts[0].phase != PHASE_NONE;
    case STEP_PROMOTE:
        return model->view.accounts[0].due_ms != 0;
    case STEP_POP:
    case STEP_WORK:
    case STEP_BEAT:
    case STEP_LOOK:
    case STEP_DIE:
    case STEP_STALL:
    case STEP_WAKE:
    case STEP_STOP:
        return worker_has_use_for(model, &model->workers[step->who], step);
    case STEP_EXECUTE:
    case STEP_PASS:
    case STEP_TAKE_BACK:
    case STEP_AUDIT:
    case STEP_WATCH:
    case STEP_DEAFEN:
    case STEP_JUMP:
    case STEP_HAND:
    case STEP_SAVE:
    case STEP_ROLL:
    case STEP_VERBS:
        return true;
    }
    return true;
}
