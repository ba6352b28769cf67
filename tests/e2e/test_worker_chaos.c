/* Three workers while things die, stop, are cut off and fail at random: in the end every job has
   ended, and every webhook is registered once. The seed is printed; CHAOS_SEED sets it. */
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/worker_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WEBHOOK(last)                                                                              \
    "{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/" last "\"}"
#define THREE "[" WEBHOOK("a") "," WEBHOOK("b") "," WEBHOOK("c") "]"

enum {
    ACCOUNTS = 6,
    WORKERS = 3,
    STARTS_MAX = 12, /* of workers in all */
    STEPS = 150,
    LIMIT_MS = 30000,
};

static const char *const env[] = {"OMNIHOOK_LEASE_MS=1000",       "OMNIHOOK_RETRY_BASE_MS=10",
                                  "OMNIHOOK_RETRY_MAX_MS=50",     "OMNIHOOK_REDIS_TIMEOUT_MS=500",
                                  "OMNIHOOK_JOB_TIMEOUT_MS=3000", NULL};
static const struct stack_account accounts[ACCOUNTS] = {
    {.name = "a", .webhooks = THREE}, {.name = "b", .webhooks = THREE},
    {.name = "c", .webhooks = THREE}, {.name = "d", .webhooks = THREE},
    {.name = "e", .webhooks = THREE}, {.name = "f", .webhooks = THREE},
};
static struct stack_options options = {.accounts = accounts,
                                       .account_count = ACCOUNTS,
                                       .worker_count = WORKERS,
                                       .has_redis_proxy = true,
                                       .env = env};

/* What is bad at the moment. */
struct chaos {
    struct worker_fixture *fixture;
    uint64_t random;
    size_t started;        /* workers */
    size_t alive[WORKERS]; /* their numbers in the stack */
    bool is_stopped[WORKERS];
};

/* xorshift: the same seed gives the same steps everywhere. */
static size_t roll(struct chaos *chaos, size_t sides)
{
    chaos->random ^= chaos->random << 13;
    chaos->random ^= chaos->random >> 7;
    chaos->random ^= chaos->random << 17;
    return (size_t)(chaos->random % sides);
}

static struct process *worker(const struct chaos *chaos, size_t index)
{
    return stack_worker(chaos->fixture->stack, chaos->alive[index]);
}

static void replace_worker(struct chaos *chaos, size_t index)
{
    if (chaos->started == STARTS_MAX) {
        return;
    }
    tcp_proxy_set(stack_redis_proxy(chaos->fixture->stack), TCP_PROXY_FORWARD);
    process_kill(worker(chaos, index));
    chaos->alive[index] = stack_start_worker(chaos->fixture->stack, NULL);
    chaos->is_stopped[index] = false;
    chaos->started++;
}

static void stop_or_continue(struct chaos *chaos, size_t index)
{
    chaos->is_stopped[index] = !chaos->is_stopped[index];
    process_signal(worker(chaos, index), chaos->is_stopped[index] ? SIGSTOP : SIGCONT);
}

static void spoil_network(struct chaos *chaos)
{
    static const enum tcp_proxy_mode modes[] = {TCP_PROXY_FORWARD, TCP_PROXY_FORWARD,
                                                TCP_PROXY_HOLD, TCP_PROXY_BLACKHOLE_DOWN,
                                                TCP_PROXY_BLACKHOLE};
    struct tcp_proxy *proxy = stack_redis_proxy(chaos->fixture->stack);
    tcp_proxy_set(proxy, modes[roll(chaos, sizeof modes / sizeof modes[0])]);
}

static void spoil_omnitron(struct chaos *chaos)
{
    static const char *const faults[] = {
        "{\"method\":\"POST\",\"times\":2,\"action\":{\"status\":503}}",
        "{\"method\":\"POST\",\"times\":2,\"action\":{\"hang\":true}}",
        "{\"method\":\"POST\",\"times\":2,\"action\":{\"close\":\"after\"}}",
        "{\"method\":\"GET\",\"times\":1,\"action\":{\"delay_ms\":400}}",
        "{\"method\":\"POST\",\"times\":3,\"action\":{\"delay_ms\":300}}",
    };
    sim_fault(chaos->fixture->sim, faults[roll(chaos, sizeof faults / sizeof faults[0])]);
}

static void step(struct chaos *chaos)
{
    const char *account = accounts[roll(chaos, ACCOUNTS)].name;
    switch (roll(chaos, 12)) {
    case 0:
        replace_worker(chaos, roll(chaos, WORKERS));
        return;
    case 1:
    case 2:
        stop_or_continue(chaos, roll(chaos, WORKERS));
        return;
    case 3:
    case 4:
        spoil_network(chaos);
        return;
    case 5:
        tcp_proxy_cut(stack_redis_proxy(chaos->fixture->stack));
        return;
    case 6:
        spoil_omnitron(chaos);
        return;
    case 7:
        (void)desk_abort(chaos->fixture->desk, account);
        return;
    default:
        (void)worker_enqueue(chaos->fixture, account);
        return;
    }
}

static void make_peace(struct chaos *chaos)
{
    for (size_t i = 0; i < WORKERS; i++) {
        process_signal(worker(chaos, i), SIGCONT);
    }
    tcp_proxy_set(stack_redis_proxy(chaos->fixture->stack), TCP_PROXY_FORWARD);
    sim_clear_faults(chaos->fixture->sim);
}

static bool no_account_is_active(void *fixture)
{
    return redis_int(((struct worker_fixture *)fixture)->redis, "SCARD {omnihook}:active") == 0;
}

/* What dead workers left behind is taken away when their leases have ended. */
static bool all_lists_are_empty(void *fixture)
{
    struct redis_fixture *redis = ((struct worker_fixture *)fixture)->redis;
    return redis_int(redis, "LLEN {omnihook}:queue") == 0 &&
           redis_int(redis, "ZCARD {omnihook}:delayed") == 0 &&
           redis_list(redis, "KEYS {omnihook}:processing:*")->size == 0;
}

static void assert_registered_once(struct worker_fixture *fixture)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        assert_int_equal(sim_hook_count(fixture->sim, accounts[i].name), 3);
    }
    json_t *counters = sim_counters(fixture->sim);
    assert_int_equal(json_array_size(json_object_get(counters, "duplicates")), 0);
    json_decref(counters);
}

static void every_job_ends_whatever_dies_in_between(void **state)
{
    struct chaos chaos = {.fixture = *state, .started = WORKERS, .alive = {0, 1, 2}};
    const char *seed = getenv("CHAOS_SEED");
    chaos.random = seed == NULL ? (uint64_t)time(NULL) : strtoull(seed, NULL, 10);
    print_message("CHAOS_SEED=%" PRIu64 "\n", chaos.random);
    for (int i = 0; i < STEPS; i++) {
        step(&chaos);
        for (size_t pause = roll(&chaos, 20); pause > 0; pause--) {
            wait_a_little();
        }
    }
    make_peace(&chaos);
    if (!wait_until(no_account_is_active, chaos.fixture, LIMIT_MS)) {
        stack_print_logs(chaos.fixture->stack);
        fail_msg("a job does not end");
    }
    for (size_t i = 0; i < ACCOUNTS; i++) {
        worker_run(chaos.fixture, accounts[i].name, "FINISHED", LIMIT_MS);
    }
    assert_registered_once(chaos.fixture);
    assert_becomes_true(all_lists_are_empty, chaos.fixture, LIMIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(every_job_ends_whatever_dies_in_between, &options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
