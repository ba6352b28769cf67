#include "tests/model/schedule.h"

#include "common/mem.h"
#include "tests/support/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MIN = 16, WHATS = 24, STORY_MAX_BYTES = 1 << 20, LINE_SIZE = 128 };

static const char *const verbs[STEP_VERBS] = {
    "execute", "abort",  "pass", "promote", "take_back", "audit", "watch",
    "late",    "pop",    "work", "beat",    "look",      "die",   "stall",
    "wake",    "deafen", "stop", "jump",    "hand",      "save",  "roll"};
static const char *const fates[STEP_FATES] = {"now", "twice", "unheard", "late"};

/* ---- From a seed ---- */

/* splitmix64: http://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* How often each step comes; the last four in their mode only. */
static const unsigned weights[STEP_VERBS] = {
    [STEP_EXECUTE] = 16,  [STEP_ABORT] = 4,  [STEP_PASS] = 10, [STEP_PROMOTE] = 4,
    [STEP_TAKE_BACK] = 7, [STEP_AUDIT] = 4,  [STEP_LATE] = 5,  [STEP_POP] = 8,
    [STEP_WORK] = 44,     [STEP_BEAT] = 4,   [STEP_LOOK] = 2,  [STEP_DIE] = 3,
    [STEP_STALL] = 2,     [STEP_WAKE] = 2,   [STEP_STOP] = 2,  [STEP_JUMP] = 6,
    [STEP_WATCH] = 8,     [STEP_DEAFEN] = 2, [STEP_HAND] = 12, [STEP_SAVE] = 5,
    [STEP_ROLL] = 3,
};
static const enum model_mode mode_of[STEP_VERBS] = {[STEP_JUMP] = MODE_CLOCK,
                                                    [STEP_HAND] = MODE_HANDS,
                                                    [STEP_SAVE] = MODE_ROLLED,
                                                    [STEP_ROLL] = MODE_ROLLED};

static unsigned weight_of(unsigned verb, enum model_mode mode)
{
    bool is_special = mode_of[verb] != MODE_PLAIN;
    return is_special && mode_of[verb] != mode ? 0 : weights[verb];
}

static uint8_t pick_verb(uint64_t *random, enum model_mode mode)
{
    unsigned total = 0;
    for (unsigned verb = 0; verb < STEP_VERBS; verb++) {
        total += weight_of(verb, mode);
    }
    unsigned at = (unsigned)(next_random(random) % total);
    uint8_t verb = 0;
    while (at >= weight_of(verb, mode)) {
        at -= weight_of(verb++, mode);
    }
    return verb;
}

void schedule_make(struct schedule *schedule, uint64_t seed)
{
    uint64_t random = seed;
    schedule->mode = (enum model_mode)(next_random(&random) % MODEL_MODES);
    schedule->count = STEPS_MIN + next_random(&random) % (SCHEDULE_STEPS_MAX - STEPS_MIN);
    /* The fewer there are, the more often they meet. */
    unsigned accounts = 1 + (unsigned)(next_random(&random) % MODEL_ACCOUNTS);
    unsigned workers = 1 + (unsigned)(next_random(&random) % MODEL_WORKERS);
    uint8_t usual = (uint8_t)(next_random(&random) % WHATS);
    for (size_t i = 0; i < schedule->count; i++) {
        struct step *step = &schedule->steps[i];
        step->verb = pick_verb(&random, schedule->mode);
        unsigned whos = step->verb <= STEP_ABORT ? accounts : workers;
        step->who = (uint8_t)(next_random(&random) % whos);
        step->what = (uint8_t)(next_random(&random) % WHATS);
        if (step->verb == STEP_WORK && next_random(&random) % 2 == 0) {
            step->what = usual; /* the same way to go on again and again finds what adds up */
        }
        unsigned luck = (unsigned)(next_random(&random) % (step->verb == STEP_POP ? 8 : 16));
        step->fate = (uint8_t)(luck < STEP_FATES ? luck : FATE_NOW);
    }
}

/* ---- Playing ---- */

static void begin_line(struct strbuf *story, const struct step *step)
{
    if (story != NULL) {
        char text[LINE_SIZE];
        (void)snprintf(text, sizeof text, "%s %u %u %s", verbs[step->verb], step->who, step->what,
                       fates[step->fate]);
        strbuf_addf(story, "%-24s #", text);
    }
}

static void end_line(struct strbuf *story)
{
    if (story != NULL) {
        strbuf_add_text(story, "\n");
    }
}

struct verdict schedule_play(const struct schedule *schedule, struct machine *machine,
                             struct strbuf *story)
{
    struct model *model = mem_new(1, sizeof *model);
    model_init(model, machine, schedule->mode);
    model->story = story;
    if (story != NULL) {
        strbuf_addf(story, "mode %u\n", (unsigned)schedule->mode);
    }
    for (size_t i = 0; i < schedule->count && model->verdict.rule == NULL; i++) {
        begin_line(story, &schedule->steps[i]);
        model_step(model, &schedule->steps[i]);
        end_line(story);
    }
    if (model->verdict.rule == NULL) {
        if (story != NULL) {
            strbuf_addf(story, "%-24s #", "# rest");
        }
        model_come_to_rest(model);
        end_line(story);
    }
    struct verdict verdict = model->verdict;
    mem_free(model);
    return verdict;
}

/* ---- Shorter ---- */

static bool breaks(const struct schedule *schedule, struct machine *machine, const char *rule)
{
    struct verdict verdict = schedule_play(schedule, machine, NULL);
    return verdict.rule != NULL && strcmp(verdict.rule, rule) == 0;
}

static void leave_out(struct schedule *schedule, size_t at, size_t count)
{
    schedule->count -= count;
    memmove(schedule->steps + at, schedule->steps + at + count,
            (schedule->count - at) * sizeof *schedule->steps);
}

/* Runs of steps of one size; true when some could be left out. */
static bool shorten(struct schedule *schedule, size_t size, struct machine *machine,
                    const char *rule)
{
    bool is_shorter = false;
    for (size_t at = 0; at + size <= schedule->count;) {
        struct schedule less = *schedule;
        leave_out(&less, at, size);
        if (breaks(&less, machine, rule)) {
            *schedule = less;
            is_shorter = true;
        } else {
            at++;
        }
    }
    return is_shorter;
}

static void simplify(struct schedule *schedule, size_t at, struct machine *machine,
                     const char *rule)
{
    const struct step step = schedule->steps[at];
    const struct step plain[] = {
        {step.verb, step.who, step.what, FATE_NOW},
        {step.verb, 0, step.what, step.fate},
        {step.verb, step.who, 0, step.fate},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        struct schedule simpler = *schedule;
        simpler.steps[at] = plain[i];
        if (breaks(&simpler, machine, rule)) {
            *schedule = simpler;
            return;
        }
    }
}

void schedule_shrink(struct schedule *schedule, struct machine *machine, const char *rule)
{
    bool is_shorter = true;
    while (is_shorter) {
        is_shorter = false;
        for (size_t size = schedule->count / 2; size > 0; size /= 2) {
            is_shorter = shorten(schedule, size, machine, rule) || is_shorter;
        }
        for (size_t i = 0; i < schedule->count; i++) {
            simplify(schedule, i, machine, rule);
        }
    }
}

/* ---- As text ---- */

/* The index of the name; count when it is none. */
static uint8_t find(const char *const *names, size_t count, const char *name)
{
    uint8_t i = 0;
    while (i < count && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

static bool read_line(struct schedule *schedule, const char *line)
{
    char verb[16] = "";
    char fate[16] = "";
    unsigned who = 0;
    unsigned what = 0;
    int fields =
        sscanf(line, "%15s %u %u %15s", verb, &who, &what, fate); /* NOLINT(cert-err34-c) */
    if (fields <= 0 || verb[0] == '#') {
        return true;
    }
    if (strcmp(verb, "mode") == 0) {
        schedule->mode = (enum model_mode)(who % MODEL_MODES);
        return fields >= 2;
    }
    struct step step = {
        .verb = find(verbs, STEP_VERBS, verb),
        .who = (uint8_t)who,
        .what = (uint8_t)what,
        .fate = find(fates, STEP_FATES, fate),
    };
    if (fields != 4 || step.verb == STEP_VERBS || step.fate == STEP_FATES ||
        schedule->count == SCHEDULE_STEPS_MAX) {
        return false;
    }
    schedule->steps[schedule->count++] = step;
    return true;
}

bool schedule_read(struct schedule *schedule, const char *text)
{
    *schedule = (struct schedule){0};
    while (*text != '\0') {
        char line[LINE_SIZE];
        size_t size = strcspn(text, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)size, text);
        if (!read_line(schedule, line)) {
            return false;
        }
        text += size + (text[size] == '\n');
    }
    return true;
}

void schedule_fail(const struct schedule *schedule, struct machine *machine,
                   const struct verdict *verdict, const char *seed_words)
{
    struct schedule shortest = *schedule;
    struct strbuf story;
    strbuf_init(&story, STORY_MAX_BYTES);
    schedule_shrink(&shortest, machine, verdict->rule);
    struct verdict last = schedule_play(&shortest, machine, &story);
    /* Too long for cmocka's own print. */
    (void)fprintf(
        stderr,
        "\n%s broke the rule %s: %s\nThe shortest schedule of %zu steps that breaks it, %zu "
        "steps (%s):\n%sTo play it again: put these lines into a file and name it in "
        "OMNIHOOK_MODEL_SCHEDULE.\n",
        seed_words, verdict->rule, verdict->text, schedule->count, shortest.count, last.text,
        story.bytes);
    strbuf_clear(&story);
    fail_because("%s: %s: %s", seed_words, verdict->rule, verdict->text);
}
