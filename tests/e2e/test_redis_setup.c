/* What the programs say of a Redis that may lose jobs; they work with it all the same. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <string.h>

enum { LIMIT_MS = 20000 };

static const struct stack_account account = {
    .name = "acme",
    .webhooks = "[{\"event_type\": \"package.created\","
                "  \"target_url\": \"https://erp.example.com/hooks\"}]",
};
static const char *const evicting[] = {"--maxmemory-policy", "allkeys-lru", "--appendonly", "yes",
                                       NULL};
static const char *const durable[] = {"--appendonly", "yes", NULL};
static const char *const with_snapshots[] = {"--save", "3600 1", NULL};
static const char *const talkative[] = {"OMNIHOOK_LOG_LEVEL=debug", NULL};

#define ONE_OF_EACH                                                                                \
    .accounts = &account, .account_count = 1, .api_count = 1, .worker_count = 1, .env = talkative
static struct stack_options on_an_evicting_redis = {ONE_OF_EACH, .redis_args = evicting};
static struct stack_options on_a_durable_redis = {ONE_OF_EACH, .redis_args = durable};
static struct stack_options on_a_redis_with_snapshots = {ONE_OF_EACH, .redis_args = with_snapshots};
static struct stack_options on_a_redis_that_keeps_nothing = {ONE_OF_EACH};

static void assert_both_say(struct stack *stack, const char *words)
{
    (void)process_wait_line(stack_api(stack, 0), PROCESS_STDERR, words, LIMIT_MS);
    (void)process_wait_line(stack_worker(stack, 0), PROCESS_STDERR, words, LIMIT_MS);
}

static void assert_none_says(struct stack *stack, const char *words)
{
    assert_false(process_has_line(stack_api(stack, 0), PROCESS_STDERR, words));
    assert_false(process_has_line(stack_worker(stack, 0), PROCESS_STDERR, words));
}

static void eviction_is_warned_of(void **state)
{
    struct stack *stack = *state;
    assert_both_say(stack, "level=warn");
    assert_both_say(stack, "event=redis_may_evict policy=allkeys-lru ");
    assert_both_say(stack, "event=redis_persists appendonly=yes");
    assert_none_says(stack, "event=redis_keeps_nothing");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
}

static void a_redis_that_keeps_nothing_is_warned_of(void **state)
{
    struct stack *stack = *state;
    assert_both_say(stack, "event=redis_keeps_nothing ");
    assert_none_says(stack, "event=redis_may_evict");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
}

static void a_redis_with_an_append_only_file_is_fine(void **state)
{
    struct stack *stack = *state;
    assert_both_say(stack, "event=redis_persists appendonly=yes");
    assert_none_says(stack, "level=warn");
}

static void a_redis_with_snapshots_is_fine(void **state)
{
    struct stack *stack = *state;
    assert_both_say(stack, "event=redis_persists save=\"3600 1\"");
    assert_none_says(stack, "level=warn");
}

static size_t lines_with(struct process *process, const char *words)
{
    size_t count = 0;
    char *output = process_read(process, PROCESS_STDERR);
    for (const char *at = strstr(output, words); at != NULL; at = strstr(at + 1, words)) {
        count++;
    }
    mem_free(output);
    return count;
}

static void only_another_server_is_warned_of_again(void **state)
{
    struct stack *stack = *state;
    struct process *worker = stack_worker(stack, 0);
    assert_both_say(stack, "event=redis_keeps_nothing ");
    process_skip_output(worker);
    process_skip_output(stack_api(stack, 0));
    redis_do(stack_redis(stack), "CLIENT KILL TYPE normal");
    (void)process_wait_line(worker, PROCESS_STDERR, "event=redis_up name=omnihook-worker ",
                            LIMIT_MS);
    (void)process_wait_line(stack_api(stack, 0), PROCESS_STDERR, "event=redis_up ", LIMIT_MS);
    /* What it asks once more has been answered before this run's calls. */
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(lines_with(worker, "event=redis_keeps_nothing "), 1);

    process_skip_output(worker);
    redis_fixture_kill(stack_redis(stack));
    redis_fixture_start(stack_redis(stack));
    (void)process_wait_line(worker, PROCESS_STDERR, "event=redis_keeps_nothing ", LIMIT_MS);
}

static void a_redis_that_shows_no_configuration_is_taken_as_it_is(void **state)
{
    struct stack *stack = *state;
    redis_do(stack_redis(stack), "ACL SETUSER default -config");
    struct process *worker = stack_worker(stack, stack_start_worker(stack, talkative));
    const char *line =
        process_wait_line(worker, PROCESS_STDERR, "event=redis_persistence_unknown ", LIMIT_MS);
    assert_non_null(strstr(line, "level=debug"));
    assert_non_null(strstr(line, "NOPERM"));
    assert_int_equal(lines_with(worker, "level=warn"), 0);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
}

/* As docs/configuration.md tells it, but for the default user. */
static void an_acl_that_grants_this_and_no_more_is_enough(void **state)
{
    struct stack *stack = *state;
    struct redis_fixture *redis = stack_redis(stack);
    redis_do(redis, "FLUSHALL");
    redis_do(redis, "SCRIPT FLUSH");
    redis_do(redis,
             "ACL SETUSER default reset on nopass ~{omnihook}:* &{omnihook}:* +@read +@write "
             "+@scripting +@pubsub +@connection -@dangerous +info +time +config|get");
    struct process *worker = stack_worker(stack, stack_start_worker(stack, talkative));
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    (void)process_wait_line(worker, PROCESS_STDERR, "name=omnihook-worker-presence", LIMIT_MS);
    assert_int_equal(lines_with(worker, "NOPERM"), 0);
    assert_int_equal(lines_with(worker, "event=redis_down"), 0);
    assert_int_equal(lines_with(stack_api(stack, 0), "NOPERM"), 0);
    assert_non_null(strstr(redis_error(redis, "FLUSHALL"), "NOPERM"));
    assert_non_null(strstr(redis_error(redis, "FLUSHDB"), "NOPERM"));
    assert_non_null(strstr(redis_error(redis, "CLIENT PAUSE 1000"), "NOPERM"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(eviction_is_warned_of, &on_an_evicting_redis),
        STACK_TEST(a_redis_that_keeps_nothing_is_warned_of, &on_a_redis_that_keeps_nothing),
        STACK_TEST(a_redis_with_an_append_only_file_is_fine, &on_a_durable_redis),
        STACK_TEST(a_redis_with_snapshots_is_fine, &on_a_redis_with_snapshots),
        STACK_TEST(only_another_server_is_warned_of_again, &on_a_redis_that_keeps_nothing),
        STACK_TEST(a_redis_that_shows_no_configuration_is_taken_as_it_is,
                   &on_a_redis_that_keeps_nothing),
        STACK_TEST(an_acl_that_grants_this_and_no_more_is_enough, &on_a_redis_that_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
