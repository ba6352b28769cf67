/* omnihook-soak: the whole system under load and random faults; in the end nothing may be lost,
   doubled or stuck. docs/testing.md tells how to read what it prints. */
#include "common/now.h"
#include "tests/soak/checks.h"
#include "tests/soak/faults.h"
#include "tests/soak/findings.h"
#include "tests/soak/load.h"
#include "tests/soak/table.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STEP_MS = 10, /* how closely recovery is watched */
    /* Longer than the audit takes to mend what it has seen wrong twice, on a busy machine too. */
    SETTLE_LIMIT_MS = 200000,
    WATCHDOG_MARGIN_S =
        1200, /* the start, settling again and again, and the stop, at their limits */
    EXIT_FOUND = 1,
    EXIT_USAGE = 2,
};

struct options {
    int64_t run_s;
    uint64_t seed;
    size_t accounts;
    int64_t rest_ms;
    int64_t gap_ms;
    unsigned calm_percent;
    unsigned late_percent;
    bool is_judged; /* the recovery times are compared with the bar */
};

struct soak {
    struct options options;
    struct load *load;
    struct plant *plant;
    struct faults *faults;
    int64_t stepped_ms; /* mono: the last step; 0 = none yet */
    int64_t longest_ms; /* from one step to the next: how long the machine stood still */
};

static char place[512]; /* for what ends the program in the middle */
static bool is_over;

static void usage(void)
{
    (void)fprintf(stderr,
                  "usage: omnihook-soak [--minutes N | --seconds N] [--seed N] [--accounts N]"
                  " [--rest-ms N] [--gap-ms N] [--judge]\n");
    exit(EXIT_USAGE);
}

static int64_t parse_number(const char *text)
{
    char *end = NULL;
    long long number = text == NULL ? -1 : strtoll(text, &end, 10);
    if (text == NULL || end == text || *end != '\0' || number < 0) {
        usage();
    }
    return number;
}

static struct options parse_options(char **argv)
{
    struct options options = {.run_s = 60,
                              .seed = (uint64_t)now_wall_ms(),
                              .accounts = 60,
                              .rest_ms = 800,
                              .gap_ms = 2000,
                              .calm_percent = 70};
    for (char **arg = argv + 1; *arg != NULL; arg++) {
        if (strcmp(*arg, "--judge") == 0) {
            options.is_judged = true;
            continue;
        }
        int64_t number = parse_number(arg[1]);
        if (strcmp(*arg, "--minutes") == 0) {
            options.run_s = 60 * number;
        } else if (strcmp(*arg, "--seconds") == 0) {
            options.run_s = number;
        } else if (strcmp(*arg, "--seed") == 0) {
            options.seed = (uint64_t)number;
        } else if (strcmp(*arg, "--accounts") == 0 && number > 0) {
            options.accounts = (size_t)number;
        } else if (strcmp(*arg, "--rest-ms") == 0) {
            options.rest_ms = number;
        } else if (strcmp(*arg, "--gap-ms") == 0) {
            options.gap_ms = number;
        } else if (strcmp(*arg, "--calm") == 0 && number <= 100) {
            options.calm_percent = (unsigned)number;
        } else if (strcmp(*arg, "--late") == 0 && number <= 100) {
            options.late_percent = (unsigned)number;
        } else {
            usage();
        }
        arg++;
    }
    return options;
}

/* ---- Steps ---- */

static void step(struct soak *soak)
{
    int64_t now = now_mono_ms();
    int64_t took_ms = soak->stepped_ms == 0 ? 0 : now - soak->stepped_ms;
    soak->longest_ms = took_ms > soak->longest_ms ? took_ms : soak->longest_ms;
    soak->stepped_ms = now;
    plant_watch(soak->plant);
    faults_step(soak->faults);
    load_step(soak->load);
    http_calls_pump(soak->plant->calls, STEP_MS);
}

/* What has crashed is not started again: there is nothing more to be learned. */
static bool has_crashed(void)
{
    return findings_count(FOUND_CRASHED) > 0;
}

/* Goes on until the fact holds; false after the limit for settling, or after a crash. */
static bool step_until(struct soak *soak, bool (*holds)(struct soak *soak))
{
    int64_t end_ms = now_mono_ms() + SETTLE_LIMIT_MS;
    while (!holds(soak)) {
        if (now_mono_ms() >= end_ms || has_crashed()) {
            return false;
        }
        step(soak);
    }
    return true;
}

static bool are_faults_over(struct soak *soak)
{
    return faults_are_over(soak->faults) && plant_is_up(soak->plant);
}

static bool is_load_quiet(struct soak *soak)
{
    return load_is_quiet(soak->load);
}

static bool are_leftovers_gone(struct soak *soak)
{
    return checks_are_leftovers_gone(soak->plant);
}

/* ---- Phases ---- */

static void say(const char *words)
{
    char at[NOW_ISO_SIZE];
    (void)printf("%s %s\n", now_iso(at, now_wall_ms()), words);
    (void)fflush(stdout);
}

static void run_under_faults(struct soak *soak)
{
    int64_t end_ms = now_mono_ms() + soak->options.run_s * 1000;
    int64_t next_say_ms = now_mono_ms() + 60000;
    int64_t patience_ms = end_ms + SETTLE_LIMIT_MS;
    /* On a busy machine a short run is prolonged until every kind of fault has come. */
    while (!has_crashed() && (now_mono_ms() < end_ms || (!faults_are_complete(soak->faults) &&
                                                         now_mono_ms() < patience_ms))) {
        step(soak);
        if (now_mono_ms() >= next_say_ms) {
            char words[128];
            next_say_ms += 60000;
            (void)snprintf(words, sizeof words, "%zu faults, %zu executes accepted, %zu findings",
                           faults_injected(soak->faults), load_counts(soak->load).accepted,
                           findings_total());
            say(words);
        }
    }
    faults_stop(soak->faults);
    if (!step_until(soak, are_faults_over) && !has_crashed()) {
        findings_add(FOUND_STUCK, "not everything comes back after the last fault");
    }
}

/* False when accounts are stuck: then there is nothing more to be checked. */
static bool settle(struct soak *soak)
{
    say("the faults are over: waiting for every story's end");
    load_drain(soak->load);
    if (!step_until(soak, is_load_quiet)) {
        load_report_stuck(soak->load);
        return false;
    }
    say("the last round: every account once more");
    load_last_round(soak->load);
    if (!step_until(soak, is_load_quiet)) {
        load_report_stuck(soak->load);
        return false;
    }
    return true;
}

static void check(struct soak *soak)
{
    load_check_statuses(soak->load);
    check_simulator(soak->plant, soak->load);
    check_totals(soak->plant, soak->load);
    if (!step_until(soak, are_leftovers_gone)) {
        check_leftovers(soak->plant);
    }
}

static void print_counts(const struct soak *soak)
{
    struct load_counts counts = load_counts(soak->load);
    (void)printf(
        "executes: %zu accepted of %zu sent; aborts: %zu; answers 503: %zu, no answer: %zu\n",
        counts.accepted, counts.sent, counts.aborts, counts.refused, counts.unanswered);
    (void)printf("stories: %zu ended: %zu FINISHED (%zu compared with the simulator), %zu ABORTED, "
                 "%zu FAILED after three deaths; the longest took %.1f s\n",
                 counts.stories, counts.finished, counts.checked, counts.aborted, counts.failed,
                 (double)counts.longest_ms / 1000);
    (void)printf("the longest step of this program took %.2f s\n", (double)soak->longest_ms / 1000);
}

/* Redis has lost nothing, so there is nothing for the audit to mend: what it mended had been stuck.
   Judged apart, since a machine that stands still for seconds can also make it act. */
static bool judge_audits(const struct soak *soak)
{
    bool holds = soak->plant->audits == 0;
    (void)printf("bar: the audit had nothing to mend: %s (%zu times)\n", holds ? "met" : "NOT met",
                 soak->plant->audits);
    return holds;
}

static int print_result(struct soak *soak)
{
    bool are_times_met = table_judge(soak->faults);
    bool is_audit_met = judge_audits(soak);
    bool is_failed = soak->options.is_judged && !(are_times_met && is_audit_met);
    (void)printf("seed %" PRIu64 ": %zu faults, %zu accepted: lost %zu, duplicated %zu, stuck %zu",
                 soak->options.seed, faults_injected(soak->faults),
                 load_counts(soak->load).accepted, findings_count(FOUND_LOST),
                 findings_count(FOUND_DUPLICATED), findings_count(FOUND_STUCK));
    (void)printf("; crashed %zu, otherwise wrong %zu\n", findings_count(FOUND_CRASHED),
                 findings_count(FOUND_WRONG));
    if (findings_total() > 0) {
        (void)printf("%s\n", place);
    }
    return findings_total() > 0 || is_failed ? EXIT_FOUND : EXIT_SUCCESS;
}

/* ---- The end in the middle ---- */

static void tell_place(void)
{
    if (!is_over) {
        (void)printf("ended in the middle; %s\n", place);
    }
}

/* Only async-signal-safe calls. */
static void on_alarm(int number)
{
    static const char words[] = "this program hangs; ";
    (void)number;
    (void)!write(STDOUT_FILENO, words, sizeof words - 1);
    (void)!write(STDOUT_FILENO, place, strlen(place));
    (void)!write(STDOUT_FILENO, "\n", 1);
    _exit(EXIT_FOUND);
}

/* Whatever hangs here comes to an end, and every process that was started here with this one. */
static void start_watchdog(int64_t run_s)
{
    struct sigaction action = {.sa_handler = on_alarm};
    (void)sigaction(SIGALRM, &action, NULL);
    (void)alarm((unsigned)(run_s + WATCHDOG_MARGIN_S));
}

/* ---- The whole ---- */

int main(int argc, char **argv)
{
    (void)argc;
    struct soak soak = {.options = parse_options(argv)};
    const struct options *options = &soak.options;
    (void)snprintf(place, sizeof place, "seed %" PRIu64, options->seed);
    (void)atexit(tell_place);
    start_watchdog(options->run_s);

    soak.load = load_new(&(struct load_options){
        .accounts = options->accounts, .seed = options->seed, .rest_ms = options->rest_ms});
    size_t count = 0;
    const struct stack_account *accounts = load_accounts(soak.load, &count);
    soak.plant = plant_new(accounts, count);
    (void)snprintf(place, sizeof place, "seed %" PRIu64 ", logs in %s, Redis in %s", options->seed,
                   temp_dir_path(stack_dir(soak.plant->stack)),
                   temp_dir_path(soak.plant->redis_dir));
    soak.faults =
        faults_new(soak.plant, &(struct faults_options){.seed = options->seed,
                                                        .gap_max_ms = options->gap_ms,
                                                        .calm_percent = options->calm_percent,
                                                        .late_percent = options->late_percent});
    load_start(soak.load, soak.plant);
    (void)printf("%s\n", place);
    say("everything is up");

    run_under_faults(&soak);
    if (!has_crashed() && settle(&soak)) {
        check(&soak);
    }
    plant_stop_programs(soak.plant);
    if (findings_total() == 0) {
        check_keys(soak.plant);
    }
    table_print(soak.faults);
    checks_print_totals(soak.plant);
    print_counts(&soak);
    int exit_code = print_result(&soak);
    plant_free(soak.plant, findings_total() > 0);
    faults_free(soak.faults);
    load_free(soak.load);
    is_over = true;
    return exit_code;
}
