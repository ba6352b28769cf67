/* Abort of a run in full swing: quick by Redis's pub/sub, sure by the next beat. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/webhooks.h"
#include "tests/support/worker_fixture.h"

#include <inttypes.h>

enum {
    MANY = 200,
    LIMIT_MS = 20000,
    SOON_MS = 1000,        /* promised */
    SHORT_LEASE_MS = 3000, /* a beat each second */
};

#define ONE "[{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/hooks\"}]"
#define POSTS_TAKE(ms)                                                                             \
    "{\"method\":\"POST\",\"path\":\"/whisperer/hooks/\",\"times\":-1,"                            \
    "\"action\":{\"delay_ms\":" ms "}}"

static const struct stack_account accounts[] = {
    {.name = "acme", .webhooks = ONE},
    {.name = "other", .webhooks = ONE},
};
/* Beats come so seldom that only the message can be in time. */
static const char *const long_lease[] = {"OMNIHOOK_LEASE_MS=60000", NULL};
static const char *const short_lease[] = {"OMNIHOOK_LEASE_MS=3000", NULL};
/* A Redis where nobody can listen. */
static const char *const deaf[] = {"--rename-command", "SUBSCRIBE", "", NULL};

static struct stack_options with_messages = {
    .accounts = accounts, .account_count = 2, .worker_count = 1, .env = long_lease};
static struct stack_options without_messages = {.accounts = accounts,
                                                .account_count = 2,
                                                .worker_count = 1,
                                                .redis_args = deaf,
                                                .env = short_lease};

static bool some_are_created(void *fixture)
{
    return sim_hook_count(((struct worker_fixture *)fixture)->sim, "acme") >= MANY / 10;
}

static bool somebody_listens(void *fixture)
{
    return redis_list(((struct worker_fixture *)fixture)->redis, "PUBSUB CHANNELS %s",
                      "{omnihook}:hints:*")
               ->size == 1;
}

/* acme's run is in the middle of MANY writes. */
static void start_long_run(struct worker_fixture *fixture)
{
    char *webhooks = webhooks_print("https://e.example/hooks/", MANY, "");
    stack_set_webhooks(fixture->stack, "acme", webhooks);
    mem_free(webhooks);
    sim_fault(fixture->sim, POSTS_TAKE("100"));
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(some_are_created, fixture, LIMIT_MS);
}

/* Another account's run, which takes a while, sees no call of acme's. */
static void assert_silence(struct worker_fixture *fixture)
{
    size_t created = sim_hook_count(fixture->sim, "acme");
    assert_in_range(created, MANY / 10, MANY - 1);
    sim_clear_faults(fixture->sim);
    sim_fault(fixture->sim, POSTS_TAKE("1500"));
    worker_run(fixture, "other", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), created);
    assert_string_equal(desk_state(fixture->desk, "acme"), "ABORTED");
}

static void an_abort_stops_a_run_between_its_calls_in_less_than_a_second(void **state)
{
    struct worker_fixture *fixture = *state;
    assert_becomes_true(somebody_listens, fixture, LIMIT_MS);
    start_long_run(fixture);
    int64_t start_ms = now_mono_ms();
    assert_true(desk_abort(fixture->desk, "acme"));
    worker_wait_state(fixture, "acme", "ABORTED", LIMIT_MS);
    int64_t took_ms = now_mono_ms() - start_ms;
    print_message("aborted after %" PRId64 " ms\n", took_ms);
    assert_in_range(took_ms, 0, SOON_MS);
    assert_silence(fixture);
}

static void an_abort_whose_message_is_lost_comes_with_the_next_beat(void **state)
{
    struct worker_fixture *fixture = *state;
    start_long_run(fixture);
    int64_t start_ms = now_mono_ms();
    assert_true(desk_abort(fixture->desk, "acme"));
    worker_wait_state(fixture, "acme", "ABORTED", LIMIT_MS);
    int64_t took_ms = now_mono_ms() - start_ms;
    print_message("aborted after %" PRId64 " ms\n", took_ms);
    assert_in_range(took_ms, 0, SHORT_LEASE_MS);
    assert_silence(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(an_abort_stops_a_run_between_its_calls_in_less_than_a_second, &with_messages),
        WORKER_TEST(an_abort_whose_message_is_lost_comes_with_the_next_beat, &without_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
