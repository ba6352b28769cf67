/* The programs on a cluster of three, reached by a node that does not serve them; and while their
   slot moves to another. */
#include "common/mem.h"
#include "tests/support/cluster.h"
#include "tests/support/fail.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>

enum { ACCOUNTS = 6, LIMIT_MS = 120000, URL_SIZE = 128 };

#define KEY "{omnihook}:queue"
#define WEBHOOKS                                                                                   \
    "[{\"event_type\": \"order.created\", \"target_url\": \"https://erp.example.com/orders\"}]"

static const struct stack_account accounts[ACCOUNTS] = {
    {.name = "a0", .webhooks = WEBHOOKS}, {.name = "a1", .webhooks = WEBHOOKS},
    {.name = "a2", .webhooks = WEBHOOKS}, {.name = "a3", .webhooks = WEBHOOKS},
    {.name = "a4", .webhooks = WEBHOOKS}, {.name = "a5", .webhooks = WEBHOOKS},
};

static struct stack_options options = {.accounts = accounts, .account_count = ACCOUNTS};

struct town {
    struct stack *stack;
    struct cluster *cluster;
    size_t owner;
    char url[URL_SIZE];
    const char *env[2];
};

static int setup(void **state)
{
    struct town *town = mem_new(1, sizeof *town);
    town->stack = stack_new(&options);
    town->cluster = cluster_new();
    town->owner = cluster_owner(town->cluster, KEY);
    size_t other = (town->owner + 1) % CLUSTER_NODES;
    (void)snprintf(town->url, sizeof town->url, "REDIS_URL=redis://%s/0",
                   redis_fixture_address(cluster_node(town->cluster, other)));
    town->env[0] = town->url;
    (void)stack_start_api(town->stack, town->env);
    (void)stack_start_worker(town->stack, town->env);
    (void)stack_start_worker(town->stack, town->env);
    *state = town;
    return 0;
}

static int teardown(void **state)
{
    struct town *town = *state;
    stack_free(town->stack);
    cluster_free(town->cluster);
    mem_free(town);
    return 0;
}

static void any_node_will_do(void **state)
{
    struct town *town = *state;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        assert_int_equal(stack_execute(town->stack, accounts[i].name), 204);
    }
    for (size_t i = 0; i < ACCOUNTS; i++) {
        stack_wait_finished_patiently(town->stack, accounts[i].name, LIMIT_MS);
    }
    struct redis_fixture *owner = cluster_node(town->cluster, town->owner);
    assert_int_equal(redis_int(owner, "HGET {omnihook}:totals finished"), ACCOUNTS);
    /* Each worker listens where the scripts look for it. */
    assert_int_equal(redis_list(owner, "PUBSUB CHANNELS {omnihook}:hints:*")->size, 2);
}

/* Jobs are accepted before each step, and come to their end. */
static void what_was_accepted_outlives_a_move_of_the_slot(void **state)
{
    struct town *town = *state;
    (void)stack_execute_patiently(town->stack, "a0", LIMIT_MS);
    (void)stack_execute_patiently(town->stack, "a1", LIMIT_MS);
    struct cluster_move move =
        cluster_move_begin(town->cluster, KEY, (town->owner + 2) % CLUSTER_NODES);
    assert_int_equal(stack_execute(town->stack, "a2"), 503);
    cluster_move_keys(&move);
    assert_int_equal(stack_execute(town->stack, "a2"), 503);
    cluster_move_end(&move);
    for (size_t i = 2; i < ACCOUNTS; i++) {
        (void)stack_execute_patiently(town->stack, accounts[i].name, LIMIT_MS);
    }
    for (size_t i = 0; i < ACCOUNTS; i++) {
        stack_wait_finished_patiently(town->stack, accounts[i].name, LIMIT_MS);
    }
    struct redis_fixture *owner = cluster_node(town->cluster, move.to);
    assert_int_equal(redis_int(owner, "HGET {omnihook}:totals finished"), ACCOUNTS);
}

#define TOWN_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOWN_TEST(any_node_will_do),
        TOWN_TEST(what_was_accepted_outlives_a_move_of_the_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
