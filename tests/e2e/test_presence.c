/* Redis sees a worker leave: its jobs run elsewhere long before its lease ends. And a worker that
   only lost its connections keeps its runs. */
#include "common/now.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/worker_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define WEBHOOK "[{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/hooks\"}]"
#define ONE_POST(action)                                                                           \
    "{\"method\":\"POST\",\"path\":\"/whisperer/hooks/\",\"times\":1,\"action\":" action "}"
/* Until the call's own time limit of 10 s. */
#define ONE_HANGS ONE_POST("{\"hang\":true}")
#define ONE_TAKES_A_SECOND ONE_POST("{\"delay_ms\":1000}")

enum {
    WORKERS = 2,
    LIMIT_MS = 20000,
    LEASE_MS = 15000, /* the default */
    SOON_MS = 10000,  /* on a very busy machine; else below 2 s */
    /* Of looking on after the connections were lost: a second of absence and two looks, and some.
     */
    WATCHED_MS = 3000,
    /* And after all of them were: until looks are taken again, with time for all to come back. */
    LONG_WATCHED_MS = 3000 + 5000 + WATCHED_MS,
    KNOCKS = WORKERS * 3 * 6, /* of each connection of each worker, six */
};

static const struct stack_account accounts[] = {
    {.name = "one", .webhooks = WEBHOOK},
    {.name = "two", .webhooks = WEBHOOK},
};
/* A job each, so that both are busy. */
static const char *const one_each[] = {"OMNIHOOK_CONCURRENCY=1", NULL};
static const char *const short_lease[] = {"OMNIHOOK_CONCURRENCY=1", "OMNIHOOK_LEASE_MS=3000", NULL};
static const char *const long_lease[] = {"OMNIHOOK_CONCURRENCY=1", "OMNIHOOK_LEASE_MS=60000", NULL};
static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

static struct stack_options two_workers = {.accounts = accounts,
                                           .account_count = 2,
                                           .worker_count = WORKERS,
                                           .redis_args = durable,
                                           .env = one_each};
static struct stack_options behind_a_proxy = {.accounts = accounts,
                                              .account_count = 2,
                                              .worker_count = WORKERS,
                                              .has_redis_proxy = true,
                                              .redis_args = durable,
                                              .env = long_lease};
static struct stack_options two_with_short_leases = {.accounts = accounts,
                                                     .account_count = 2,
                                                     .worker_count = WORKERS,
                                                     .redis_args = durable,
                                                     .env = short_lease};

static int64_t total(struct worker_fixture *fixture, const char *name)
{
    const char *text = redis_text(fixture->redis, "HGET {omnihook}:totals %s", name);
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static bool one_is_busy(void *fixture)
{
    return sim_counter(((struct worker_fixture *)fixture)->sim, "in_flight") == 1;
}

static bool both_are_busy(void *fixture)
{
    return sim_counter(((struct worker_fixture *)fixture)->sim, "in_flight") == WORKERS;
}

/* Asked of Redis itself: the desk's own connections may have been cut. */
static bool both_are_finished(void *fixture)
{
    struct redis_fixture *redis = ((struct worker_fixture *)fixture)->redis;
    return strcmp(redis_text(redis, "HGET {omnihook}:status:one state"), "FINISHED") == 0 &&
           strcmp(redis_text(redis, "HGET {omnihook}:status:two state"), "FINISHED") == 0;
}

static bool both_are_watched(void *fixture)
{
    struct redis_fixture *redis = ((struct worker_fixture *)fixture)->redis;
    const struct redis_list *notes = redis_list(redis, "HVALS {omnihook}:watch");
    return redis_int(redis, "EXISTS {omnihook}:looked") == 1 && notes->size == WORKERS &&
           notes->items[0][0] == '0' && notes->items[1][0] == '0';
}

/* Both workers are in the middle of a run, and are looked at. That of "one" is given back. */
static struct process *start_both(struct worker_fixture *fixture, const char *fault_of_one,
                                  const char *fault_of_two)
{
    assert_becomes_true(both_are_watched, fixture, LIMIT_MS);
    sim_fault(fixture->sim, fault_of_one);
    (void)worker_enqueue(fixture, "one");
    assert_becomes_true(one_is_busy, fixture, LIMIT_MS);
    sim_fault(fixture->sim, fault_of_two);
    (void)worker_enqueue(fixture, "two");
    assert_becomes_true(both_are_busy, fixture, LIMIT_MS);
    struct process *first = stack_worker(fixture->stack, 0);
    bool is_first = process_has_line(first, PROCESS_STDERR, "event=run_started account=one ");
    return is_first ? first : stack_worker(fixture->stack, 1);
}

struct watch {
    struct worker_fixture *fixture;
    int64_t until_ms; /* Redis's clock */
};

static int64_t redis_ms(struct worker_fixture *fixture)
{
    const struct redis_list *time = redis_list(fixture->redis, "TIME");
    return strtoll(time->items[0], NULL, 10) * 1000 + strtoll(time->items[1], NULL, 10) / 1000;
}

static bool was_looked_at(void *watch_)
{
    const struct watch *watch = watch_;
    const char *looked = redis_text(watch->fixture->redis, "GET {omnihook}:looked");
    return looked != NULL && strtoll(looked, NULL, 10) >= watch->until_ms;
}

/* Workers look until for_ms from now. */
static void wait_for_looks(struct worker_fixture *fixture, int64_t for_ms)
{
    struct watch watch = {.fixture = fixture, .until_ms = redis_ms(fixture) + for_ms};
    assert_becomes_true(was_looked_at, &watch, for_ms + LIMIT_MS);
}

static void assert_both_runs_go_on(struct worker_fixture *fixture)
{
    assert_int_equal(total(fixture, "watch_ended"), 0);
    assert_int_equal(total(fixture, "watch_wrong"), 0);
    assert_int_equal(total(fixture, "lease_ended"), 0);
    assert_int_equal(total(fixture, "recovered"), 0);
    assert_becomes_true(both_are_finished, fixture, LIMIT_MS);
    /* One run each: an interrupted one would have read the list anew. */
    assert_int_equal(sim_counter(fixture->sim, "list_reads"), 2);
    assert_int_equal(total(fixture, "fenced"), 0);
}

static void the_job_of_a_killed_worker_runs_elsewhere_long_before_its_lease_ends(void **state)
{
    struct worker_fixture *fixture = *state;
    /* The other has room again when its own run has ended. */
    process_kill(start_both(fixture, ONE_HANGS, ONE_TAKES_A_SECOND));
    int64_t killed_ms = now_mono_ms();
    assert_becomes_true(both_are_finished, fixture, LIMIT_MS);
    int64_t took_ms = now_mono_ms() - killed_ms;
    print_message("recovered after %" PRId64 " ms; the lease is %d ms\n", took_ms, LEASE_MS);
    assert_in_range(took_ms, 0, SOON_MS);
    assert_int_equal(total(fixture, "watch_ended"), 1);
    assert_int_equal(total(fixture, "lease_ended"), 0);
    assert_int_equal(total(fixture, "recovered"), 1);
    assert_int_equal(sim_hook_count(fixture->sim, "one"), 1);
    assert_int_equal(sim_hook_count(fixture->sim, "two"), 1);
}

static void a_cut_of_what_a_worker_listens_on_costs_no_run(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)start_both(fixture, ONE_HANGS, ONE_HANGS);
    assert_int_equal(redis_int(fixture->redis, "CLIENT KILL TYPE pubsub"), WORKERS);
    wait_for_looks(fixture, WATCHED_MS);
    assert_becomes_true(both_are_watched, fixture, LIMIT_MS);
    assert_both_runs_go_on(fixture);
}

static void a_cut_of_all_connections_costs_no_run(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)start_both(fixture, ONE_HANGS, ONE_HANGS);
    redis_do(fixture->redis, "CLIENT KILL TYPE normal");
    assert_int_equal(redis_int(fixture->redis, "CLIENT KILL TYPE pubsub"), WORKERS);
    wait_for_looks(fixture, LONG_WATCHED_MS);
    assert_becomes_true(both_are_watched, fixture, LIMIT_MS);
    assert_both_runs_go_on(fixture);
}

struct knocks {
    struct tcp_proxy *proxy;
    uint64_t wanted;
};

static bool enough_have_knocked(void *knocks_)
{
    const struct knocks *knocks = knocks_;
    return tcp_proxy_counts(knocks->proxy).accepted >= knocks->wanted;
}

static void a_restart_of_redis_costs_no_run(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)start_both(fixture, ONE_HANGS, ONE_HANGS);
    redis_fixture_kill(fixture->redis);
    /* So often in vain that some come back long before others. */
    struct knocks knocks = {.proxy = stack_redis_proxy(fixture->stack)};
    knocks.wanted = tcp_proxy_counts(knocks.proxy).accepted + KNOCKS;
    assert_becomes_true(enough_have_knocked, &knocks, LIMIT_MS);
    redis_fixture_start(fixture->redis);
    wait_for_looks(fixture, LONG_WATCHED_MS);
    assert_becomes_true(both_are_watched, fixture, LIMIT_MS);
    assert_both_runs_go_on(fixture);
}

static void a_stopped_worker_keeps_its_connections_and_loses_its_lease(void **state)
{
    struct worker_fixture *fixture = *state;
    process_signal(start_both(fixture, ONE_HANGS, ONE_TAKES_A_SECOND), SIGSTOP);
    assert_becomes_true(both_are_finished, fixture, LIMIT_MS);
    assert_int_equal(total(fixture, "watch_ended"), 0);
    assert_int_equal(total(fixture, "lease_ended"), 1);
    assert_int_equal(total(fixture, "recovered"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(the_job_of_a_killed_worker_runs_elsewhere_long_before_its_lease_ends,
                    &two_workers),
        WORKER_TEST(a_cut_of_what_a_worker_listens_on_costs_no_run, &two_workers),
        WORKER_TEST(a_cut_of_all_connections_costs_no_run, &two_workers),
        WORKER_TEST(a_restart_of_redis_costs_no_run, &behind_a_proxy),
        WORKER_TEST(a_stopped_worker_keeps_its_connections_and_loses_its_lease,
                    &two_with_short_leases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
