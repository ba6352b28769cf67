/* Redis with Sentinels and two replicas: what was accepted outlives the master. */
#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/sentinels.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>

enum { ACCOUNTS = 10, REPLICAS = 2, SENTINELS = 3, LIMIT_MS = 120000, URL_SIZE = 256 };

#define WEBHOOKS                                                                                   \
    "[{\"event_type\": \"order.created\", \"target_url\": \"https://erp.example.com/orders\"}]"

static const struct stack_account accounts[ACCOUNTS] = {
    {.name = "a0", .webhooks = WEBHOOKS}, {.name = "a1", .webhooks = WEBHOOKS},
    {.name = "a2", .webhooks = WEBHOOKS}, {.name = "a3", .webhooks = WEBHOOKS},
    {.name = "a4", .webhooks = WEBHOOKS}, {.name = "a5", .webhooks = WEBHOOKS},
    {.name = "a6", .webhooks = WEBHOOKS}, {.name = "a7", .webhooks = WEBHOOKS},
    {.name = "a8", .webhooks = WEBHOOKS}, {.name = "a9", .webhooks = WEBHOOKS},
};

static struct stack_options options = {
    .accounts = accounts,
    .account_count = ACCOUNTS,
    .is_redis_tcp = true,
    .env = (const char *const[]){"OMNIHOOK_REDIS_WAIT_REPLICAS=1", NULL},
};

struct ha {
    struct stack *stack;
    struct redis_fixture *replicas[REPLICAS];
    struct sentinels *sentinels;
    char url[URL_SIZE];
    const char *env[2]; /* for the programs */
};

static bool are_synced(void *arg)
{
    struct ha *ha = arg;
    const char *info = redis_text(stack_redis(ha->stack), "INFO replication");
    const char *first = strstr(info, "state=online");
    return first != NULL && strstr(first + 1, "state=online") != NULL;
}

static int setup(void **state)
{
    struct ha *ha = mem_new(1, sizeof *ha);
    ha->stack = stack_new(&options);
    struct redis_fixture *master = stack_redis(ha->stack);
    const char *port = strrchr(redis_fixture_address(master), ':') + 1;
    redis_do(master, "CONFIG SET repl-diskless-sync-delay 0");
    for (size_t i = 0; i < REPLICAS; i++) {
        ha->replicas[i] = redis_fixture_new(&(struct redis_fixture_options){
            .is_tcp = true,
            .args = (const char *const[]){"--replicaof", "127.0.0.1", port,
                                          "--repl-diskless-sync-delay", "0", NULL}});
    }
    assert_true(wait_until(are_synced, ha, LIMIT_MS));
    ha->sentinels = sentinels_new(
        &(struct sentinels_options){.master = master, .count = SENTINELS, .replicas = REPLICAS});
    (void)snprintf(ha->url, sizeof ha->url, "REDIS_URL=redis-sentinel://%s/" SENTINELS_SERVICE,
                   sentinels_hosts(ha->sentinels));
    ha->env[0] = ha->url;
    (void)stack_start_api(ha->stack, ha->env);
    *state = ha;
    return 0;
}

static int teardown(void **state)
{
    struct ha *ha = *state;
    stack_free(ha->stack);
    sentinels_free(ha->sentinels);
    for (size_t i = 0; i < REPLICAS; i++) {
        redis_fixture_free(ha->replicas[i]);
    }
    mem_free(ha);
    return 0;
}

/* There is no worker yet, so all that is accepted waits in Redis. */
static void what_was_accepted_outlives_the_master(void **state)
{
    struct ha *ha = *state;
    for (size_t i = 0; i < ACCOUNTS / 2; i++) {
        (void)stack_execute_patiently(ha->stack, accounts[i].name, LIMIT_MS);
    }
    redis_fixture_kill(stack_redis(ha->stack));
    unsigned refused = 0;
    for (size_t i = ACCOUNTS / 2; i < ACCOUNTS; i++) {
        refused += stack_execute_patiently(ha->stack, accounts[i].name, LIMIT_MS);
    }
    assert_true(refused > 0);
    (void)stack_start_worker(ha->stack, ha->env);
    (void)stack_start_worker(ha->stack, ha->env);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        stack_wait_finished_patiently(ha->stack, accounts[i].name, LIMIT_MS);
    }
}

static bool is_replica(void *arg)
{
    return strstr(redis_text(arg, "INFO replication"), "role:slave") != NULL;
}

static void the_programs_follow_and_leave_the_old_master_alone(void **state)
{
    struct ha *ha = *state;
    struct redis_fixture *old = stack_redis(ha->stack);
    (void)stack_start_worker(ha->stack, ha->env);
    (void)stack_execute_patiently(ha->stack, "a0", LIMIT_MS);
    stack_wait_finished_patiently(ha->stack, "a0", LIMIT_MS);
    redis_fixture_kill(old);
    (void)stack_execute_patiently(ha->stack, "a1", LIMIT_MS);
    redis_fixture_start(old);
    stack_wait_finished_patiently(ha->stack, "a1", LIMIT_MS);
    /* Sentinel makes it a replica; it then has what the others have. */
    assert_true(wait_until(is_replica, old, LIMIT_MS));
    (void)stack_execute_patiently(ha->stack, "a2", LIMIT_MS);
    stack_wait_finished_patiently(ha->stack, "a2", LIMIT_MS);
}

static void a_failover_by_hand_is_followed_by_all_three_programs(void **state)
{
    struct ha *ha = *state;
    (void)stack_start_worker(ha->stack, ha->env);
    (void)stack_execute_patiently(ha->stack, "a0", LIMIT_MS);
    stack_wait_finished_patiently(ha->stack, "a0", LIMIT_MS);
    sentinels_fail_over(ha->sentinels, 0);
    assert_true(wait_until(is_replica, stack_redis(ha->stack), LIMIT_MS));
    (void)stack_execute_patiently(ha->stack, "a1", LIMIT_MS);
    stack_wait_finished_patiently(ha->stack, "a1", LIMIT_MS);
    char settings[URL_SIZE];
    char *path = temp_dir_join(stack_dir(ha->stack), STACK_SETTINGS);
    (void)snprintf(settings, sizeof settings, "OMNIHOOK_SETTINGS=%s", path);
    mem_free(path);
    const char *const argv[] = {TEST_BIN_DIR "/omnihook", "status", "a1", NULL};
    const char *const env[] = {ha->url, settings, NULL};
    struct process *process = process_start(&(struct process_options){
        .name = "omnihook", .argv = argv, .env = env, .dir = stack_dir(ha->stack)});
    assert_int_equal(process_wait_exit(process, LIMIT_MS), 0);
    assert_true(process_has_line(process, PROCESS_STDOUT, "FINISHED"));
    process_free(process);
}

#define HA_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HA_TEST(what_was_accepted_outlives_the_master),
        HA_TEST(the_programs_follow_and_leave_the_old_master_alone),
        HA_TEST(a_failover_by_hand_is_followed_by_all_three_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
