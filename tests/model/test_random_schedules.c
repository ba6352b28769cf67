/* The job machine under random schedules of workers, calls and accidents against a real Redis.
   oracle.h says what must hold after each step, model.h what happens.

   OMNIHOOK_MODEL_SEED = the first schedule's seed, OMNIHOOK_MODEL_SCHEDULES = how many (default:
   the arguments); OMNIHOOK_MODEL_SCHEDULE = a file with one schedule to play instead. A failure
   prints the seed and the shortest schedule that breaks the same rule. */
#include "common/mem.h"
#include "tests/model/schedule.h"
#include "tests/support/fail.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 1 << 20, ENOUGH_FOR_ALL = 1000 };

static uint64_t first_seed = 1;
static uint64_t how_many = 1000;

static uint64_t number_from(const char *variable, uint64_t fallback)
{
    const char *text = getenv(variable);
    return text == NULL || text[0] == '\0' ? fallback : strtoull(text, NULL, 10);
}

static void play(struct machine *machine, const struct schedule *schedule, const char *seed_words)
{
    struct verdict verdict = schedule_play(schedule, machine, NULL);
    if (verdict.rule != NULL) {
        schedule_fail(schedule, machine, &verdict, seed_words);
    }
}

static void play_file(struct machine *machine, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fail_because("cannot read %s", path);
    }
    char *text = mem_new(FILE_MAX_BYTES, 1);
    size_t size = fread(text, 1, FILE_MAX_BYTES - 1, file);
    text[size] = '\0';
    (void)fclose(file);
    struct schedule schedule;
    if (!schedule_read(&schedule, text)) {
        fail_because("%s is no schedule", path);
    }
    mem_free(text);
    struct strbuf story;
    strbuf_init(&story, FILE_MAX_BYTES);
    struct verdict verdict = schedule_play(&schedule, machine, &story);
    (void)fprintf(stderr, "%s", story.bytes);
    strbuf_clear(&story);
    if (verdict.rule != NULL) {
        fail_because("%s: %s", verdict.rule, verdict.text);
    }
}

/* Every answer that each script can give. */
static const struct {
    enum model_script script;
    const char *answers[8];
} possible[] = {
    {MODEL_ENQUEUE, {"new", "coalesced", "now", "rerun"}},
    {MODEL_ABORT, {"some", "0"}},
    {MODEL_POP, {"some", "none"}},
    {MODEL_CLAIM, {"run", "none", "lost"}},
    {MODEL_REGISTER, {"ok"}},
    {MODEL_BEAT, {"ok", "lost"}},
    {MODEL_UNREGISTER, {"ok"}},
    {MODEL_PROGRESS, {"ok", "lost"}},
    {MODEL_FINISH, {"finished", "failed", "aborted", "retrying", "requeued", "lost"}},
    {MODEL_PROMOTE, {"some", "0"}},
    {MODEL_WATCH, {"some", "0"}},
    {MODEL_TAKE_BACK, {"some", "0"}},
    {MODEL_TAKE_BACK_OWN, {"some", "0"}},
    {MODEL_AUDIT, {"some", "0"}},
};

/* Schedules in which something never happens would prove nothing about it. */
static void check_coverage(const struct machine *machine)
{
    const char *missing = NULL;
    for (size_t i = 0; i < sizeof possible / sizeof possible[0]; i++) {
        const char *const *answer = possible[i].answers;
        print_message("%-14s", model_script_name(possible[i].script));
        for (; *answer != NULL; answer++) {
            unsigned long count = machine_answers(machine, possible[i].script, *answer);
            print_message("  %s %lu", *answer, count);
            missing = count == 0 ? *answer : missing;
        }
        print_message("\n");
    }
    if (missing != NULL) {
        fail_because("no script ever answered \"%s\"", missing);
    }
}

static void no_random_schedule_breaks_a_promise(void **state)
{
    struct machine *machine = *state;
    const char *path = getenv("OMNIHOOK_MODEL_SCHEDULE");
    if (path != NULL) {
        play_file(machine, path);
        return;
    }
    uint64_t seed = number_from("OMNIHOOK_MODEL_SEED", first_seed);
    uint64_t count = number_from("OMNIHOOK_MODEL_SCHEDULES", how_many);
    for (uint64_t end = seed + count; seed < end; seed++) {
        struct schedule schedule;
        char words[64];
        (void)snprintf(words, sizeof words, "OMNIHOOK_MODEL_SEED=%" PRIu64, seed);
        schedule_make(&schedule, seed);
        play(machine, &schedule, words);
    }
    print_message("%" PRIu64 " schedules; calls by their answer:\n", count);
    if (count >= ENOUGH_FOR_ALL) {
        check_coverage(machine);
    }
}

static struct redis_fixture *redis;

static int setup(void **state)
{
    redis = redis_fixture_new(NULL);
    *state = machine_new(redis_fixture_address(redis));
    return 0;
}

static int teardown(void **state)
{
    machine_free(*state);
    redis_fixture_free(redis);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        first_seed = strtoull(argv[1], NULL, 10);
        how_many = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_random_schedule_breaks_a_promise)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
