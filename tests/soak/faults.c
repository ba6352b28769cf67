#include "tests/soak/faults.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/soak/findings.h"
#include "tests/support/fail.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    ACTIVE_MAX = 4,
    KINDS_MAX = 40,
    TIMES_MAX = 2000,           /* of one kind */
    RECOVERY_LIMIT_MS = 120000, /* after its healing; then something hangs */
};

struct faults {
    struct plant *plant;
    struct faults_options options;
    struct dice dice;
    FILE *log;
    struct fault active[ACTIVE_MAX];
    struct fault next;
    bool is_calm_wanted; /* by the next one */
    int64_t next_ms;     /* mono: not before */
    bool is_stopped;
    size_t injected;
    size_t deck[KINDS_MAX]; /* first every kind once, in an order of the seed's */
    size_t deck_left;
    struct fault_times times[KINDS_MAX];
};

/* ---- The plan ---- */

static void shuffle_deck(struct faults *faults)
{
    size_t count = 0;
    const struct fault_kind *kinds = fault_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (kinds[i].weight > 0) {
            size_t other = dice_roll(&faults->dice, faults->deck_left + 1);
            faults->deck[faults->deck_left++] = faults->deck[other];
            faults->deck[other] = i;
        }
    }
}

static const struct fault_kind *choose_kind(struct faults *faults)
{
    size_t count = 0;
    const struct fault_kind *kinds = fault_kinds(&count);
    if (faults->options.late_percent > 0 &&
        dice_percent(&faults->dice, faults->options.late_percent)) {
        size_t late = 0;
        while (kinds[late].weight > 0) {
            late++;
        }
        return &kinds[late];
    }
    if (faults->deck_left > 0) {
        return &kinds[faults->deck[--faults->deck_left]];
    }
    size_t weights = 0;
    for (size_t i = 0; i < count; i++) {
        weights += kinds[i].weight;
    }
    size_t rolled = dice_roll(&faults->dice, weights);
    size_t i = 0;
    while (rolled >= kinds[i].weight) {
        rolled -= kinds[i++].weight;
    }
    return &kinds[i];
}

static struct plant_program *choose_program(struct plant *plant, enum fault_target target,
                                            size_t rolled)
{
    switch (target) {
    case TARGET_WORKER:
        return plant_worker(plant, rolled % PLANT_WORKERS);
    case TARGET_SOLO:
        return plant_worker(plant, rolled % (PLANT_WORKERS - 1));
    case TARGET_SUPERVISED:
        return plant_worker(plant, PLANT_WORKERS - 1);
    case TARGET_API:
        return plant_api(plant, rolled % PLANT_APIS);
    case TARGET_SUPERVISED_API:
        return plant_api(plant, PLANT_APIS - 1);
    case TARGET_REDIS:
    case TARGET_OMNITRON:
        return NULL;
    }
    return NULL;
}

/* Always the same number of rolls of a kind, whatever happens meanwhile: the seed gives the plan.
 */
static void plan_next(struct faults *faults)
{
    struct dice *dice = &faults->dice;
    const struct fault_kind *kind = choose_kind(faults);
    size_t rolled = dice_roll(dice, 1000);
    faults->next = (struct fault){
        .kind = kind,
        .plant = faults->plant,
        .program = choose_program(faults->plant, kind->target, rolled),
        .hold_ms = dice_between(dice, kind->hold_min_ms, kind->hold_max_ms),
        .flavour = dice_roll(dice, 1000),
    };
    faults->is_calm_wanted = dice_percent(dice, faults->options.calm_percent);
    faults->next_ms = now_mono_ms() + dice_between(dice, faults->options.gap_max_ms / 10,
                                                   faults->options.gap_max_ms);
}

/* ---- One fault ---- */

static void note(struct faults *faults, const struct fault *fault, const char *step, int64_t ms)
{
    char at[NOW_ISO_SIZE];
    const struct plant_program *program = fault->program;
    (void)fprintf(faults->log,
                  "%s %s: %s %s%zu hold=%" PRId64 " flavour=%zu held=%zu ms=%" PRId64 "\n",
                  now_iso(at, now_wall_ms()), step, fault->kind->name,
                  program == NULL ? "-" : program->name, program == NULL ? 0 : program->number,
                  fault->hold_ms, fault->flavour, fault->held.count, ms);
    (void)fflush(faults->log);
}

static bool is_free(const struct faults *faults, const struct fault *next)
{
    bool has_place = false;
    for (size_t i = 0; i < ACTIVE_MAX; i++) {
        const struct fault *fault = &faults->active[i];
        has_place = has_place || !fault->is_active;
        bool is_same_thing = next->program == NULL
                                 ? fault->program == NULL && fault->kind != NULL &&
                                       fault->kind->target == next->kind->target
                                 : fault->program == next->program;
        if (fault->is_active && (is_same_thing || faults->is_calm_wanted)) {
            return false;
        }
    }
    return has_place && (next->program == NULL || next->program->is_up);
}

static struct fault_times *times_of(struct faults *faults, const struct fault *fault)
{
    size_t count = 0;
    return &faults->times[fault->kind - fault_kinds(&count)];
}

static void begin(struct faults *faults)
{
    struct fault *place = NULL;
    bool is_alone = true;
    for (size_t i = 0; i < ACTIVE_MAX; i++) {
        if (faults->active[i].is_active) {
            is_alone = false;
            faults->active[i].is_alone =
                faults->active[i].is_recovered && faults->active[i].is_alone;
        } else {
            place = &faults->active[i];
        }
    }
    *place = faults->next;
    place->is_active = true;
    place->is_alone = is_alone;
    place->is_counted = true;
    place->ended_before = -1;
    place->begun_ms = now_mono_ms();
    place->from_ms = place->kind->is_measured_from_begin ? place->begun_ms : 0;
    place->held_until_ms = place->begun_ms + place->hold_ms;
    faults->injected++;
    times_of(faults, place)->injected++;
    place->kind->begin(place);
    note(faults, place, "begin", 0);
    plan_next(faults);
}

static void add_time(struct faults *faults, const struct fault *fault)
{
    struct fault_times *times = times_of(faults, fault);
    if (!fault->is_counted) {
        times->unmeasured++;
        return;
    }
    int64_t ms = now_mono_ms() - fault->from_ms;
    if (fault->is_alone && times->alone_count < TIMES_MAX) {
        times->alone_ms[times->alone_count++] = ms;
    } else if (!fault->is_alone && times->together_count < TIMES_MAX) {
        times->together_ms[times->together_count++] = ms;
    }
}

static void step_fault(struct faults *faults, struct fault *fault)
{
    int64_t now = now_mono_ms();
    bool is_held = now < fault->held_until_ms;
    if (!is_held && !fault->is_healed) {
        fault->from_ms = fault->from_ms == 0 ? now : fault->from_ms;
        fault->is_healed = fault->kind->heal(fault);
    }
    bool is_asked = fault->kind->is_measured_from_begin || fault->is_healed;
    if (!fault->is_recovered && is_asked && fault->kind->is_recovered(fault)) {
        fault->is_recovered = true;
        add_time(faults, fault);
        note(faults, fault, fault->is_alone ? "recovered alone" : "recovered",
             now_mono_ms() - fault->from_ms);
    }
    if (fault->is_healed && fault->is_recovered && !fault->is_probing) {
        fault->is_active = false;
        note(faults, fault, "over", now_mono_ms() - fault->begun_ms);
    } else if (!fault->is_given_up && now - fault->held_until_ms > RECOVERY_LIMIT_MS) {
        fault->is_given_up = true;
        findings_add(FOUND_STUCK, "after '%s' against %s %zu: not seen: %s", fault->kind->name,
                     fault->program == NULL ? "-" : fault->program->name,
                     fault->program == NULL ? 0 : fault->program->number, fault->kind->recovery);
    }
}

/* ---- The whole ---- */

void faults_step(struct faults *faults)
{
    for (size_t i = 0; i < ACTIVE_MAX; i++) {
        if (faults->active[i].is_active) {
            step_fault(faults, &faults->active[i]);
        }
    }
    if (!faults->is_stopped && now_mono_ms() >= faults->next_ms && is_free(faults, &faults->next)) {
        begin(faults);
    }
}

struct faults *faults_new(struct plant *plant, const struct faults_options *options)
{
    struct faults *faults = mem_new(1, sizeof *faults);
    faults->plant = plant;
    faults->options = *options;
    dice_init(&faults->dice, options->seed, 0);
    char *path = temp_dir_join(stack_dir(plant->stack), "faults.txt");
    faults->log = fopen(path, "w");
    if (faults->log == NULL) {
        fail_because("cannot write %s", path);
    }
    mem_free(path);
    for (size_t i = 0; i < KINDS_MAX; i++) {
        faults->times[i].alone_ms = mem_new(TIMES_MAX, sizeof(int64_t));
        faults->times[i].together_ms = mem_new(TIMES_MAX, sizeof(int64_t));
    }
    shuffle_deck(faults);
    plan_next(faults);
    return faults;
}

void faults_free(struct faults *faults)
{
    for (size_t i = 0; i < KINDS_MAX; i++) {
        mem_free(faults->times[i].alone_ms);
        mem_free(faults->times[i].together_ms);
    }
    (void)fclose(faults->log);
    mem_free(faults);
}

void faults_stop(struct faults *faults)
{
    faults->is_stopped = true;
    for (size_t i = 0; i < ACTIVE_MAX; i++) {
        faults->active[i].held_until_ms = faults->active[i].is_active ? now_mono_ms() : 0;
    }
}

bool faults_are_over(const struct faults *faults)
{
    bool are_over = faults->is_stopped;
    for (size_t i = 0; i < ACTIVE_MAX; i++) {
        are_over = are_over && !faults->active[i].is_active;
    }
    return are_over;
}

struct fault_times *faults_times(struct faults *faults, size_t kind)
{
    return &faults->times[kind];
}

bool faults_are_complete(const struct faults *faults)
{
    return faults->deck_left == 0;
}

size_t faults_injected(const struct faults *faults)
{
    return faults->injected;
}
