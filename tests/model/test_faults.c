/* Each deliberate fault in the scripts is caught, by the seed that docs/testing.md names for it.

   OMNIHOOK_MODEL_FIND=.lua looks for the first seed of each fault in such files instead, and prints
   the list as the page has it. */
#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/model/faults.h"
#include "tests/model/schedule.h"
#include "tests/support/fail.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX_BYTES = 1 << 20, SEEDS_MAX = 20000, LINE_SIZE = 256 };

static struct redis_fixture *redis;
static char *page; /* docs/testing.md */

static struct verdict play(struct machine *machine, uint64_t seed)
{
    struct schedule schedule;
    schedule_make(&schedule, seed);
    return schedule_play(&schedule, machine, NULL);
}

/* The first seed that catches what is loaded; 0 = none of the first SEEDS_MAX does. */
static uint64_t find_seed(struct machine *machine, struct verdict *verdict)
{
    for (uint64_t seed = 1; seed <= SEEDS_MAX; seed++) {
        *verdict = play(machine, seed);
        if (verdict->rule != NULL) {
            return seed;
        }
    }
    return 0;
}

static void load(struct machine *machine, const struct fault *fault)
{
    if (!machine_load(machine, &fault->edit)) {
        fail_because("%s: this text is not in %s exactly once: %s", fault->name, fault->edit.file,
                     fault->edit.old);
    }
}

/* The row's beginning, as the page has it. */
static void print_row(char line[LINE_SIZE], const struct fault *fault)
{
    (void)snprintf(line, LINE_SIZE, "| %s | `%s` | ", fault->name, fault->edit.file);
}

/* ---- The tests ---- */

static void each_fault_is_caught_by_its_seed(void **state)
{
    struct machine *machine = *state;
    size_t missed = 0;
    for (size_t i = 0; i < fault_count; i++) {
        char row[LINE_SIZE];
        print_row(row, &faults[i]);
        load(machine, &faults[i]);
        const char *at = strstr(page, row);
        if (at == NULL) {
            fail_because("docs/testing.md has no row for: %s", faults[i].name);
        }
        struct verdict verdict = play(machine, strtoull(at + strlen(row), NULL, 10));
        if (verdict.rule == NULL) {
            uint64_t seed = find_seed(machine, &verdict);
            print_message("not caught by its seed: %s; the first that catches it is %" PRIu64
                          " (0 = none)\n",
                          faults[i].name, seed);
            missed++;
        }
    }
    if (missed > 0) {
        fail_because("%zu faults were not caught", missed);
    }
    print_message("%zu faults, each caught\n", fault_count);
}

static void the_page_lists_no_other_faults(void **state)
{
    (void)state;
    size_t rows = 0;
    for (const char *at = page; (at = strstr(at, ".lua` | ")) != NULL; at++) {
        rows++;
    }
    assert_int_equal(rows, fault_count);
}

static void without_a_fault_the_same_seeds_break_nothing(void **state)
{
    struct machine *machine = *state;
    assert_true(machine_load(machine, NULL));
    for (size_t i = 0; i < fault_count; i++) {
        char row[LINE_SIZE];
        print_row(row, &faults[i]);
        const char *at = strstr(page, row);
        assert_non_null(at);
        struct verdict verdict = play(machine, strtoull(at + strlen(row), NULL, 10));
        if (verdict.rule != NULL) {
            fail_because("%s: %s", verdict.rule, verdict.text);
        }
    }
}

/* What a failure prints is worth having: few steps, and the same again when they are read. */
static void what_a_failure_prints_is_short_and_can_be_played(void **state)
{
    struct machine *machine = *state;
    struct schedule schedule;
    struct schedule read;
    uint64_t seed = 1;
    load(machine, &faults[0]);
    struct verdict verdict = {0};
    for (; verdict.rule == NULL; seed++) {
        schedule_make(&schedule, seed);
        verdict = schedule_play(&schedule, machine, NULL);
    }
    size_t before = schedule.count;
    schedule_shrink(&schedule, machine, verdict.rule);
    assert_true(schedule.count < before / 2);
    struct strbuf story;
    strbuf_init(&story, PAGE_MAX_BYTES);
    (void)schedule_play(&schedule, machine, &story);
    assert_true(schedule_read(&read, story.bytes));
    assert_int_equal(read.count, schedule.count);
    struct verdict again = schedule_play(&read, machine, NULL);
    assert_string_equal(again.rule, verdict.rule);
    assert_false(schedule_read(&read, "dance 0 0 now"));
    print_message("%zu steps became %zu:\n%s", before, schedule.count, story.bytes);
    strbuf_clear(&story);
}

static void find_all(void **state)
{
    struct machine *machine = *state;
    const char *wanted = getenv("OMNIHOOK_MODEL_FIND");
    for (size_t i = 0; i < fault_count; i++) {
        char row[LINE_SIZE];
        struct verdict verdict = {0};
        if (wanted == NULL || strstr(faults[i].edit.file, wanted) == NULL) {
            continue;
        }
        print_row(row, &faults[i]);
        load(machine, &faults[i]);
        uint64_t seed = find_seed(machine, &verdict);
        (void)printf("%s%" PRIu64 " | `%s` |\n", row, seed,
                     verdict.rule == NULL ? "none" : verdict.rule);
        (void)fflush(stdout);
    }
}

static int setup(void **state)
{
    redis = redis_fixture_new(NULL);
    *state = machine_new(redis_fixture_address(redis));
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/testing.md", "re");
    page = mem_new(PAGE_MAX_BYTES, 1);
    if (file == NULL || fread(page, 1, PAGE_MAX_BYTES - 1, file) == 0) {
        return -1;
    }
    return fclose(file);
}

static int teardown(void **state)
{
    machine_free(*state);
    redis_fixture_free(redis);
    mem_free(page);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_caught_by_its_seed),
        cmocka_unit_test(the_page_lists_no_other_faults),
        cmocka_unit_test(without_a_fault_the_same_seeds_break_nothing),
        cmocka_unit_test(what_a_failure_prints_is_short_and_can_be_played),
    };
    const struct CMUnitTest search[] = {cmocka_unit_test(find_all)};
    return getenv("OMNIHOOK_MODEL_FIND") != NULL ? cmocka_run_group_tests(search, setup, teardown)
                                                 : cmocka_run_group_tests(tests, setup, teardown);
}
