/* The operator's command line against a running system: what it prints, on a terminal, on a pipe
   and as JSON, and how it exits. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/cli_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 15000 };

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"
#define RED "\033[31m"

static const struct stack_account account = {
    .name = "acme",
    .webhooks =
        "[{\"event_type\": \"package.created\", \"target_url\": \"https://erp.example.com/\"}]",
};
static struct stack_options one_worker = {
    .accounts = &account, .account_count = 1, .api_count = 1, .worker_count = 1};

static struct stack_options no_worker = {.accounts = &account, .account_count = 1, .api_count = 1};

#define HOOK "{\"event_type\": \"a\", \"target_url\": \"https://erp.example.com/\"}"
static const struct stack_account two_accounts[] = {
    {.name = "acme", .webhooks = "[]"}, {.name = "beta", .webhooks = "[" HOOK "," HOOK "]"}};
static struct stack_options two = {.accounts = two_accounts, .account_count = 2, .api_count = 1};

static void refuse_writes(struct stack *stack)
{
    sim_fault(stack_sim(stack), "{\"method\": \"POST\", \"times\": -1,"
                                " \"action\": {\"status\": 400, \"json\": {}}}");
}

/* ---- plan, execute, report, abort ---- */

static void plan_and_execute_say_by_exit_code_how_it_stands(void **state)
{
    cli_expect(*state, CLI_PIPE, "status acme", 0, "READY");
    cli_expect(*state, CLI_PIPE, "report acme", 1, NULL);
    cli_expect(*state, CLI_PIPE, "plan acme", 3, "+ create      package.created -> https://");
    cli_expect(*state, CLI_PIPE, "execute acme --wait", 0, "FINISHED");
    cli_expect(*state, CLI_PIPE, "plan acme", 0, "nothing to do");
    cli_expect(*state, CLI_PIPE, "report acme", 0, "created     package.created -> https://");
    cli_expect(*state, CLI_PIPE, "abort acme", 0, "nothing was running");
    assert_int_equal(sim_hook_count(stack_sim(*state), "acme"), 1);
}

static void the_only_account_need_not_be_named(void **state)
{
    cli_expect(*state, CLI_PIPE, "plan", 3, "+ create      package.created -> https://");
    cli_expect(*state, CLI_PIPE, "execute --wait", 0, "FINISHED");
    cli_expect(*state, CLI_PIPE, "report --json", 0, "{\"account\":\"acme\"");
    cli_expect(*state, CLI_PIPE, "abort", 0, "nothing was running");
}

static void of_several_accounts_one_must_be_named(void **state)
{
    static const char *const commands[] = {"plan", "execute", "execute --wait", "report", "abort"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        cli_expect(*state, CLI_TERMINAL, commands[i], 2,
                   " needs an ACCOUNT; the settings have acme, beta");
    }
    cli_expect(*state, CLI_PIPE, "status", 0, "beta");
}

static void a_terminal_gets_colours_and_a_progress_bar(void **state)
{
    cli_expect(*state, CLI_TERMINAL, "plan acme", 3, GREEN "+ create");
    cli_expect(*state, CLI_TERMINAL, "execute acme --wait", 0, "[########################] 1/1");
    cli_expect(*state, CLI_TERMINAL, "report acme", 0, GREEN "FINISHED");
    cli_expect(*state, CLI_TERMINAL, "status", 0, GREEN "FINISHED");
}

static void json_is_one_document_a_line(void **state)
{
    cli_expect(*state, CLI_PIPE, "plan acme --json", 3, "\"required\":true");
    cli_expect(*state, CLI_PIPE, "execute acme --json", 0, "{\"account\":\"acme\",\"job\":\"");
    stack_wait_status(*state, "acme", "FINISHED", LIMIT_MS);
    cli_expect(*state, CLI_PIPE, "execute acme --wait --json", 0, "\"outcome\":\"already\"");
    cli_expect(*state, CLI_PIPE, "report acme --json", 0, "\"state\":\"FINISHED\"");
    cli_expect(*state, CLI_PIPE, "status --json", 0,
               "{\"account\":\"acme\",\"state\":\"FINISHED\"");
    cli_expect(*state, CLI_PIPE, "abort acme --json", 0,
               "{\"account\":\"acme\",\"aborted\":false}");
    cli_expect(*state, CLI_TERMINAL, "status --json", 0,
               "{\"account\":\"acme\",\"state\":\"FINISHED\"");
}

static void a_job_that_fails_fails_the_command_that_waits(void **state)
{
    refuse_writes(*state);
    cli_expect(*state, CLI_PIPE, "execute acme --wait", 1, "failed      package.created");
    cli_expect(*state, CLI_TERMINAL, "execute acme --wait", 1, RED "FAILED");
    cli_expect(*state, CLI_PIPE, "execute acme --wait --json", 1, "\"state\":\"FAILED\"");
    cli_expect(*state, CLI_PIPE, "report acme", 0, "FAILED");
}

static void a_waiting_job_is_aborted(void **state)
{
    cli_expect(*state, CLI_PIPE, "execute acme", 0, "queued: job ");
    cli_expect(*state, CLI_PIPE, "execute acme", 0, "the job that waits covers this: job ");
    cli_expect(*state, CLI_PIPE, "status acme", 0, "WORKING   queued   \n");
    cli_expect(*state, CLI_TERMINAL, "status acme", 0, "queued   [........................] ");
    cli_expect(*state, CLI_PIPE, "abort acme", 0, "abort is asked for");
    cli_expect(*state, CLI_PIPE, "status acme", 0, "ABORTED");
}

/* ---- queue, workers, dead ---- */

static void the_queue_and_the_workers_are_shown(void **state)
{
    cli_expect(*state, CLI_PIPE, "workers", 0, "WORKER");
    cli_expect(*state, CLI_TERMINAL, "workers", 0, "WORKER");
    cli_expect(*state, CLI_PIPE, "workers --json", 0, "\"concurrency\":64");
    stack_run(*state, "acme", "FINISHED", LIMIT_MS);
    cli_expect(*state, CLI_PIPE, "queue", 0, "waiting          0\n");
    cli_expect(*state, CLI_PIPE, "queue", 0, "  finished       1\n");
    cli_expect(*state, CLI_TERMINAL, "queue", 0, "active accounts  0");
    cli_expect(*state, CLI_PIPE, "queue --json", 0, "\"oldest_age_ms\":null");
}

static void a_job_that_waits_is_seen_in_the_queue(void **state)
{
    assert_int_equal(stack_execute(*state, "acme"), 204);
    cli_expect(*state, CLI_PIPE, "queue", 0, "waiting          1\noldest           0.");
    cli_expect(*state, CLI_PIPE, "workers --json", 0, "[]");
}

static void fail_once(struct stack *stack)
{
    refuse_writes(stack);
    stack_run(stack, "acme", "FAILED", LIMIT_MS);
    sim_clear_faults(stack_sim(stack));
}

static void a_dead_job_is_retried_and_leaves_the_list(void **state)
{
    fail_once(*state);
    cli_expect(*state, CLI_PIPE, "dead list", 0, "acme");
    cli_expect(*state, CLI_TERMINAL, "dead list", 0, "ACCOUNT");
    cli_expect(*state, CLI_PIPE, "dead list --json", 0, "\"account\":\"acme\"");

    json_t *report = stack_report(*state, "acme");
    char command[128];
    (void)snprintf(command, sizeof command, "dead retry %s",
                   json_string_value(json_object_get(report, "job")));
    json_decref(report);
    cli_expect(*state, CLI_PIPE, command, 0, "1 queued again");
    stack_wait_status(*state, "acme", "FINISHED", LIMIT_MS);
    cli_expect(*state, CLI_PIPE, "dead list --json", 0, "[]");
    cli_expect(*state, CLI_PIPE, command, 1, NULL);
    cli_expect(*state, CLI_PIPE, "dead retry --all --json", 0, "{\"done\":0,\"kept\":0}");
}

static void a_dead_job_is_dropped_without_another_run(void **state)
{
    fail_once(*state);
    redis_do(stack_redis(*state), "LPUSH {omnihook}:dead junk");
    cli_expect(*state, CLI_TERMINAL, "dead drop --all", 0, "1 dropped");
    cli_expect(*state, CLI_PIPE, "dead list --json", 0, "[{\"element\":\"junk\"}]");
    cli_expect(*state, CLI_PIPE, "status acme", 0, "FAILED");
}

/* ---- Live: status --watch, events ---- */

static void status_watch_shows_each_change_until_it_is_interrupted(void **state)
{
    struct process *watch = cli_start(*state, CLI_PIPE, "status --watch");
    (void)process_wait_line(watch, PROCESS_STDOUT, "READY", LIMIT_MS);
    assert_int_equal(stack_execute(*state, "acme"), 204);
    (void)process_wait_line(watch, PROCESS_STDOUT, "FINISHED", LIMIT_MS);
    process_signal(watch, SIGINT);
    assert_int_equal(process_wait_exit(watch, LIMIT_MS), 0);
    process_free(watch);
}

static void status_watch_redraws_a_terminal_with_a_moving_bar(void **state)
{
    sim_set(stack_sim(*state), "{\"latency_ms\": 800}");
    struct process *watch = cli_start(*state, CLI_TERMINAL, "status --watch");
    (void)process_wait_line(watch, PROCESS_STDOUT, "READY", LIMIT_MS);
    assert_int_equal(stack_execute(*state, "acme"), 204);
    (void)process_wait_line(watch, PROCESS_STDOUT, "running  [", LIMIT_MS);
    (void)process_wait_line(watch, PROCESS_STDOUT, "FINISHED", LIMIT_MS);
    process_free(watch);
}

enum { COLUMNS = 80 };

/* Columns that a line takes on a terminal: all but its control sequences. */
static size_t width_of(const char *line, size_t size)
{
    size_t width = 0;
    for (size_t i = 0; i < size; i++) {
        if (line[i] == '\033') {
            i += strcspn(line + i, "HJKm");
        } else if (line[i] != '\r') {
            width++;
        }
    }
    return width;
}

static void status_watch_cuts_its_rows_at_the_terminal_s_width(void **state)
{
    fail_once(*state);
    struct process *watch = cli_start(*state, CLI_TERMINAL, "status --watch");
    (void)process_wait_line(watch, PROCESS_STDOUT, "FAILED", LIMIT_MS);
    char *screen = process_read(watch, PROCESS_STDOUT);
    size_t widest = 0;
    for (const char *line = screen; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        size_t width = width_of(line, size);
        widest = width > widest ? width : widest;
        line += size + (line[size] == '\n');
    }
    assert_int_equal(widest, COLUMNS); /* the reason would be longer */
    mem_free(screen);
    process_free(watch);
    cli_expect(*state, CLI_TERMINAL, "status", 0, "/whisperer/hooks/"); /* whole */
}

static bool somebody_follows(void *stack)
{
    const struct redis_list *found =
        redis_list(stack_redis(stack), "PUBSUB NUMSUB {omnihook}:events");
    return found->size == 2 && strcmp(found->items[1], "1") == 0;
}

static void events_tell_of_a_job_as_it_goes(enum cli_output output, const char *command,
                                            struct stack *stack)
{
    struct process *events = cli_start(stack, output, command);
    assert_becomes_true(somebody_follows, stack, LIMIT_MS);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    (void)process_wait_line(events, PROCESS_STDOUT, "FINISHED", LIMIT_MS);
    assert_true(process_has_line(events, PROCESS_STDOUT, "queued"));
    process_free(events);
}

static void events_are_followed(void **state)
{
    events_tell_of_a_job_as_it_goes(CLI_TERMINAL, "events", *state);
}

static void events_are_followed_as_json(void **state)
{
    events_tell_of_a_job_as_it_goes(CLI_PIPE, "events --json", *state);
}

/* ---- Output that is not taken ---- */

static void output_that_cannot_be_written_is_exit_1(void **state)
{
    static const char *const commands[] = {
        "key new >/dev/full",     "queue --json >/dev/full",
        "plan acme >/dev/full",   "execute acme --wait >/dev/full",
        "report acme >/dev/full", "status --watch >/dev/full",
        "--version >/dev/full",   "--help >/dev/full"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct process *call = cli_start(*state, CLI_PIPE, commands[i]);
        (void)process_wait_line(call, PROCESS_STDERR,
                                "the output could not be written: No space left", LIMIT_MS);
        assert_int_equal(process_wait_exit(call, LIMIT_MS), 1);
        process_free(call);
    }
}

/* The shell waits for both; what is printed after the reader has gone ends the command. */
static void ends_with_its_reader(struct stack *stack, const char *command)
{
    struct process *call = cli_start(stack, CLI_PIPE, command);
    int64_t end_ms = now_mono_ms() + LIMIT_MS;
    while (process_is_running(call)) {
        assert_true(now_mono_ms() < end_ms);
        stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    }
    char *said = process_read(call, PROCESS_STDERR);
    assert_string_equal(said, "");
    mem_free(said);
    process_free(call);
}

static void what_is_followed_ends_with_its_reader(void **state)
{
    ends_with_its_reader(*state, "events | head -1");
    ends_with_its_reader(*state, "events --json | head -1");
    ends_with_its_reader(*state, "status --watch | head -1");
}

/* ---- check ---- */

static void check_names_each_step_that_works(void **state)
{
    cli_expect(*state, CLI_PIPE, "check", 0, "ok       Redis: ");
    cli_expect(*state, CLI_PIPE, "check acme", 0, "ok       acme login: the token is accepted");
    cli_expect(*state, CLI_TERMINAL, "check", 0, "0 webhooks are registered");
    cli_expect(*state, CLI_PIPE, "check --json", 0, "\"check\":\"hooks path\",\"result\":\"ok\"");
}

static void check_tells_the_warnings_of_the_settings(void **state)
{
    cli_expect(*state, CLI_PIPE, "check", 0,
               "warning  settings: accounts.beta.OMNITRON_WEBHOOKS[1]: is the same webhook as "
               "accounts.beta.OMNITRON_WEBHOOKS[0]; taken once\n");
    cli_expect(*state, CLI_PIPE, "check", 0, "ok       settings: 2 accounts\n");
}

static void check_warns_of_an_event_type_that_omnitron_does_not_know(void **state)
{
    sim_set(stack_sim(*state), "{\"registry\": [\"order.created\"]}");
    cli_expect(*state, CLI_PIPE, "check", 0, "warning  acme event types: Omnitron does not know");
}

static void check_names_what_may_lose_jobs_and_what_to_set(void **state)
{
    cli_expect(*state, CLI_PIPE, "check", 0,
               "warning  Redis persistence: neither AOF nor snapshots are on: when Redis ends, all "
               "jobs are lost (save is \"\")\n         In redis.conf set appendonly yes.\n");
    cli_expect(*state, CLI_PIPE, "check", 0,
               "ok       Redis eviction: maxmemory-policy noeviction");
    cli_expect(*state, CLI_PIPE, "check", 0, "ok       Redis version: ");
    redis_do(stack_redis(*state), "CONFIG SET maxmemory-policy allkeys-lru");
    cli_expect(*state, CLI_TERMINAL, "check", 0,
               YELLOW "warning " PLAIN " Redis eviction: at full");
    cli_expect(
        *state, CLI_PIPE, "check --json", 0,
        "{\"account\":null,\"check\":\"Redis eviction\",\"result\":\"warning\",\"detail\":\"at "
        "full memory Redis deletes jobs (maxmemory-policy is \\\"allkeys-lru\\\")\",\"hint\":"
        "\"In redis.conf set maxmemory-policy noeviction.\"}\n");

    redis_do(stack_redis(*state), "CONFIG SET save %s", "3600 1");
    redis_do(stack_redis(*state), "CONFIG SET maxmemory-policy noeviction");
    cli_expect(*state, CLI_PIPE, "check", 0, "ok       Redis persistence: save 3600 1");
    redis_do(stack_redis(*state), "CONFIG SET appendonly yes");
    cli_expect(*state, CLI_PIPE, "check", 0, "ok       Redis persistence: appendonly yes");
    redis_do(stack_redis(*state), "CONFIG SET appendonly no");
    redis_do(stack_redis(*state), "ACL SETUSER default -config");
    cli_expect(*state, CLI_PIPE, "check", 0, "ok       Redis persistence: Redis does not say (");
}

static void check_says_which_step_fails_and_what_to_do(void **state)
{
    sim_expire_token(stack_sim(*state), "acme");
    cli_expect(*state, CLI_PIPE, "check", 1, "failed   acme login: ");
    cli_expect(*state, CLI_PIPE, "check --json", 1, "\"hint\":\"Check the account's token");
    sim_kill(stack_sim(*state));
    cli_expect(*state, CLI_TERMINAL, "check", 1, "acme connection: ");
    redis_fixture_stop(stack_redis(*state));
    cli_expect(*state, CLI_PIPE, "check", 1, "failed   Redis: ");
    redis_fixture_start(stack_redis(*state));
}

/* ---- Failures and usage ---- */

static void an_omnitron_or_a_redis_that_is_away_is_exit_1(void **state)
{
    sim_fault(stack_sim(*state), "{\"method\": \"GET\", \"times\": -1,"
                                 " \"action\": {\"status\": 403, \"json\": {}}}");
    cli_expect(*state, CLI_PIPE, "plan acme", 1, NULL);
    redis_fixture_stop(stack_redis(*state));
    static const char *const commands[] = {"status",    "execute acme", "report acme",
                                           "queue",     "workers",      "abort acme",
                                           "dead list", "dead retry x", "events"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        cli_expect(*state, CLI_PIPE, commands[i], 1, NULL);
    }
    redis_fixture_start(stack_redis(*state));
}

static void who_waits_for_a_job_outlasts_a_redis_that_is_away(void **state)
{
    struct process *call = cli_start(*state, CLI_PIPE, "execute acme --wait");
    (void)process_wait_line(call, PROCESS_STDERR, "queued: job ", LIMIT_MS);
    redis_fixture_pause(stack_redis(*state));
    (void)process_wait_line(call, PROCESS_STDERR,
                            "the status cannot be read, and is tried again: ", LIMIT_MS);
    redis_fixture_resume(stack_redis(*state));
    (void)stack_start_worker(*state, NULL);
    assert_int_equal(process_wait_exit(call, LIMIT_MS), 0);
    assert_true(process_has_line(call, PROCESS_STDOUT, "FINISHED"));
    process_free(call);
}

static void broken_settings_keep_nobody_from_looking_at_the_queue(void **state)
{
    fail_once(*state);
    temp_dir_replace_file(stack_dir(*state), STACK_SETTINGS, "{\"accounts\": ");
    static const char *const about_accounts[] = {"check",       "status",     "plan acme",
                                                 "report acme", "abort acme", "execute acme"};
    for (size_t i = 0; i < sizeof about_accounts / sizeof about_accounts[0]; i++) {
        cli_expect(*state, CLI_PIPE, about_accounts[i], 2, NULL);
    }
    cli_expect(*state, CLI_PIPE, "queue", 0, "dead             1\n");
    cli_expect(*state, CLI_PIPE, "workers", 0, "WORKER");
    cli_expect(*state, CLI_PIPE, "dead list", 0, "acme");
    cli_expect(*state, CLI_PIPE, "dead retry --all", 0, "1 queued again");
}

static void bad_usage_is_exit_2(void **state)
{
    static const char *const commands[] = {"",
                                           "nonsense",
                                           "dead",
                                           "dead list more",
                                           "dead retry",
                                           "dead drop one --all",
                                           "plan nobody",
                                           "status --wait",
                                           "status acme more",
                                           "queue acme",
                                           "execute acme --watch"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        cli_expect(*state, CLI_PIPE, commands[i], 2, NULL);
    }
    cli_expect(*state, CLI_PIPE, "--version", 0, "omnihook 0.");
    cli_expect(*state, CLI_PIPE, "--help", 0, "usage: omnihook COMMAND");
    cli_expect(*state, CLI_TERMINAL, "plan nobody", 2,
               "no account 'nobody'; the settings have acme");
    cli_expect(*state, CLI_TERMINAL, "plan 'a\033[31m'", 2, "no account 'a?[31m'; the");
    cli_expect(*state, CLI_TERMINAL, "'a\nb'", 2, "there is no command 'a?b'");
    cli_expect(*state, CLI_TERMINAL, "dead", 2, "use one of: dead list, dead retry, dead drop");
}

static void each_command_has_its_help(void **state)
{
    static const char *const commands[] = {
        "check",   "status",    "plan",   "execute", "report",     "abort",    "queue",
        "workers", "dead list", "events", "key new", "dead retry", "dead drop"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char call[64];
        char usage[64];
        (void)snprintf(call, sizeof call, "%s --help", commands[i]);
        (void)snprintf(usage, sizeof usage, "usage: omnihook %s ", commands[i]);
        cli_expect(*state, CLI_PIPE, call, 0, usage);
    }
    cli_expect(*state, CLI_PIPE, "plan acme -h", 0, "Exit: 0 nothing to do, 3 something");
    cli_expect(*state, CLI_PIPE, "help", 0, "usage: omnihook COMMAND");
    cli_expect(*state, CLI_PIPE, "dead --help", 0, "usage: omnihook COMMAND");
}

static void a_narrow_terminal_shows_what_matters(void **state)
{
    cli_expect(*state, CLI_TERMINAL, "dead list", 0, "(none)");
    cli_expect(*state, CLI_TERMINAL, "workers", 0, "LEASE MS");
    fail_once(*state);
    /* The error, although the columns before it fill the line. */
    cli_expect(*state, CLI_TERMINAL, "dead list", 0, "Omnitron answered 400");
}

static void a_new_key_comes_with_its_hash(void **state)
{
    cli_expect(*state, CLI_PIPE, "key new", 0, "hash  sha256:");
    cli_expect(*state, CLI_PIPE, "key new --json", 0, "\"hash\":\"sha256:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(plan_and_execute_say_by_exit_code_how_it_stands, &one_worker),
        STACK_TEST(the_only_account_need_not_be_named, &one_worker),
        STACK_TEST(of_several_accounts_one_must_be_named, &two),
        STACK_TEST(a_terminal_gets_colours_and_a_progress_bar, &one_worker),
        STACK_TEST(json_is_one_document_a_line, &one_worker),
        STACK_TEST(a_job_that_fails_fails_the_command_that_waits, &one_worker),
        STACK_TEST(a_waiting_job_is_aborted, &no_worker),
        STACK_TEST(the_queue_and_the_workers_are_shown, &one_worker),
        STACK_TEST(a_job_that_waits_is_seen_in_the_queue, &no_worker),
        STACK_TEST(a_dead_job_is_retried_and_leaves_the_list, &one_worker),
        STACK_TEST(a_dead_job_is_dropped_without_another_run, &one_worker),
        STACK_TEST(status_watch_shows_each_change_until_it_is_interrupted, &one_worker),
        STACK_TEST(status_watch_redraws_a_terminal_with_a_moving_bar, &one_worker),
        STACK_TEST(status_watch_cuts_its_rows_at_the_terminal_s_width, &one_worker),
        STACK_TEST(output_that_cannot_be_written_is_exit_1, &one_worker),
        STACK_TEST(what_is_followed_ends_with_its_reader, &one_worker),
        STACK_TEST(who_waits_for_a_job_outlasts_a_redis_that_is_away, &no_worker),
        STACK_TEST(events_are_followed, &one_worker),
        STACK_TEST(events_are_followed_as_json, &one_worker),
        STACK_TEST(check_names_each_step_that_works, &one_worker),
        STACK_TEST(check_tells_the_warnings_of_the_settings, &two),
        STACK_TEST(check_warns_of_an_event_type_that_omnitron_does_not_know, &one_worker),
        STACK_TEST(check_names_what_may_lose_jobs_and_what_to_set, &one_worker),
        STACK_TEST(check_says_which_step_fails_and_what_to_do, &one_worker),
        STACK_TEST(an_omnitron_or_a_redis_that_is_away_is_exit_1, &one_worker),
        STACK_TEST(broken_settings_keep_nobody_from_looking_at_the_queue, &one_worker),
        STACK_TEST(bad_usage_is_exit_2, &one_worker),
        STACK_TEST(each_command_has_its_help, &no_worker),
        STACK_TEST(a_narrow_terminal_shows_what_matters, &one_worker),
        STACK_TEST(a_new_key_comes_with_its_hash, &one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
