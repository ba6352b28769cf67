/* The operator's command line against a running system: what it prints and how it exits. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 15000, ENTRY_SIZE = 512 };

static const struct stack_account account = {
    .name = "acme",
    .webhooks =
        "[{\"event_type\": \"package.created\", \"target_url\": \"https://erp.example.com/\"}]",
};
static struct stack_options one_worker = {
    .accounts = &account, .account_count = 1, .api_count = 1, .worker_count = 1};

/* Runs omnihook with up to three words, and expects this exit code and text on stdout (NULL: none
   is looked for). */
static void run(struct stack *stack, const char *const words[3], int exit_code, const char *text)
{
    char redis[ENTRY_SIZE];
    char settings[ENTRY_SIZE];
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(redis, sizeof redis, "REDIS_URL=%s", redis_fixture_url(stack_redis(stack)));
    (void)snprintf(settings, sizeof settings, "OMNIHOOK_SETTINGS=%s", path);
    const char *const argv[] = {TEST_BIN_DIR "/omnihook", words[0], words[1], words[2], NULL};
    const char *const env[] = {redis, settings, "OMNIHOOK_REDIS_TIMEOUT_MS=500", NULL};
    const struct process_options options = {
        .name = "omnihook", .argv = argv, .env = env, .dir = stack_dir(stack)};
    struct process *process = process_start(&options);
    int status = process_wait_exit(process, LIMIT_MS);
    char *output = process_read(process, PROCESS_STDOUT);
    if (status != exit_code || (text != NULL && strstr(output, text) == NULL)) {
        process_print_log(process);
        print_error("omnihook %s: exit %d\n%s\n", words[0], status, output);
    }
    assert_int_equal(status, exit_code);
    assert_true(text == NULL || strstr(output, text) != NULL);
    mem_free(output);
    mem_free(path);
    process_free(process);
}

static void plan_and_execute_say_by_exit_code_how_it_stands(void **state)
{
    run(*state, (const char *[]){"status", "acme", NULL}, 0, "READY");
    run(*state, (const char *[]){"report", "acme", NULL}, 1, NULL);
    run(*state, (const char *[]){"plan", "acme", NULL}, 3, "+ create");
    run(*state, (const char *[]){"execute", "acme", "--wait"}, 0, "FINISHED");
    run(*state, (const char *[]){"plan", "acme", "--json"}, 0, "\"required\":false");
    run(*state, (const char *[]){"report", "acme", "--json"}, 0, "\"outcome\":\"created\"");
    run(*state, (const char *[]){"status", "--json", NULL}, 0,
        "{\"account\":\"acme\",\"state\":\"FINISHED\"}");
    run(*state, (const char *[]){"abort", "acme", NULL}, 0, "nothing was running");
    assert_int_equal(sim_hook_count(stack_sim(*state), "acme"), 1);
}

static void a_job_that_fails_fails_the_command_that_waits(void **state)
{
    sim_fault(stack_sim(*state), "{\"method\": \"POST\", \"times\": -1,"
                                 " \"action\": {\"status\": 400, \"json\": {}}}");
    run(*state, (const char *[]){"execute", "acme", "--wait"}, 1, "FAILED");
}

static void an_omnitron_or_a_redis_that_is_away_is_exit_1(void **state)
{
    sim_fault(stack_sim(*state), "{\"method\": \"GET\", \"times\": -1,"
                                 " \"action\": {\"status\": 403, \"json\": {}}}");
    run(*state, (const char *[]){"plan", "acme", NULL}, 1, NULL);
    redis_fixture_stop(stack_redis(*state));
    run(*state, (const char *[]){"status", NULL, NULL}, 1, NULL);
    redis_fixture_start(stack_redis(*state));
}

static void bad_usage_is_exit_2(void **state)
{
    run(*state, (const char *[]){"nonsense", NULL, NULL}, 2, NULL);
    run(*state, (const char *[]){"plan", NULL, NULL}, 2, NULL);
    run(*state, (const char *[]){"plan", "nobody", NULL}, 2, NULL);
    run(*state, (const char *[]){"status", "--wait", NULL}, 2, NULL);
    run(*state, (const char *[]){"status", "acme", "more"}, 2, NULL);
    run(*state, (const char *[]){"--version", NULL, NULL}, 0, "omnihook 0.");
    run(*state, (const char *[]){"--help", NULL, NULL}, 0, "usage: omnihook COMMAND");
}

static void a_new_key_comes_with_its_hash(void **state)
{
    run(*state, (const char *[]){"key", "new", NULL}, 0, "hash  sha256:");
    run(*state, (const char *[]){"key", "new", "--json"}, 0, "\"hash\":\"sha256:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(plan_and_execute_say_by_exit_code_how_it_stands, &one_worker),
        STACK_TEST(a_job_that_fails_fails_the_command_that_waits, &one_worker),
        STACK_TEST(an_omnitron_or_a_redis_that_is_away_is_exit_1, &one_worker),
        STACK_TEST(bad_usage_is_exit_2, &one_worker),
        STACK_TEST(a_new_key_comes_with_its_hash, &one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
