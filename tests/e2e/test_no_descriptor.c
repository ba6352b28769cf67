/* Listeners of a program that has no descriptor left for another connection. */
#include "tests/support/api_text.h"
#include "tests/support/ops_call.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIMIT_MS = 10000 };

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" END

static const struct stack_account accounts[] = {{.name = "acme", .webhooks = "[]"}};
static const char *const environment[] = {"OMNIHOOK_GRACE_MS=60000", NULL};
static struct stack_options one_api = {
    .accounts = accounts, .account_count = 1, .api_count = 1, .env = environment};
static struct stack_options one_worker = {
    .accounts = accounts, .account_count = 1, .worker_count = 1, .env = environment};

/* How many descriptors the program may have; gives how many it might have before. (prlimit() is
   declared for GNU sources only.) */
static rlim_t limit_descriptors(struct process *program, rlim_t count)
{
    struct rlimit limit;
    pid_t pid = process_pid(program);
    assert_int_equal(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = count;
    assert_int_equal(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, NULL), 0);
    return before;
}

/* When the next line of a failed accept was written: ms of its minute. */
static int64_t wait_failed_accept(struct process *program)
{
    const char *line = process_wait_line(program, PROCESS_STDERR, "event=accept_failed", LIMIT_MS);
    int64_t ms = strtoll(line + strlen("time=2026-01-31T10:00:"), NULL, 10) * 1000 +
                 strtoll(line + strlen("time=2026-01-31T10:00:00."), NULL, 10);
    process_skip_output(program);
    return ms;
}

/* It tries once a second, and not in each turn of its loop. */
static void assert_rests(struct process *program)
{
    int64_t first_ms = wait_failed_accept(program);
    int64_t rested_ms = (wait_failed_accept(program) + 60000 - first_ms) % 60000;
    assert_true(rested_ms >= 900);
    assert_false(process_has_line(program, PROCESS_STDERR, "event=libevent"));
}

static struct raw_call *call_of(const char *address, const char *request)
{
    struct raw_call *call = raw_call_open(address);
    assert_true(raw_call_send_text(call, request));
    return call;
}

static void assert_answered(struct raw_call *call, const char *status)
{
    assert_non_null(strstr(raw_call_receive(call, "\r\n\r\n", LIMIT_MS), status));
    raw_call_close(call);
}

static void new_callers_wait_until_there_is_one(void **state)
{
    struct stack *stack = *state;
    struct process *api = stack_api(stack, 0);
    struct raw_call *known = call_of(stack_api_address(stack, 0), CALL("GET", "nothing") END);
    (void)raw_call_receive(known, "Not found.\"}", LIMIT_MS);
    rlim_t before = limit_descriptors(api, 0);
    struct raw_call *caller = call_of(stack_api_address(stack, 0), CALL("GET", "nothing") END);
    assert_rests(api);
    assert_true(raw_call_send_text(known, CALL("GET", "plan/") END));
    (void)raw_call_receive(known, "Authentication credentials", LIMIT_MS);
    (void)limit_descriptors(api, before);
    assert_answered(caller, " 404 ");
    raw_call_close(known);
}

static void the_listener_for_operators_rests_likewise(void **state)
{
    struct stack *stack = *state;
    struct process *api = stack_api(stack, 0);
    const char *address = ops_address(stack);
    rlim_t before = limit_descriptors(api, 0);
    struct raw_call *caller = call_of(address, HEALTH);
    assert_rests(api);
    (void)limit_descriptors(api, before);
    assert_answered(caller, " 200 ");
}

static void a_worker_s_listener_rests_likewise(void **state)
{
    struct stack *stack = *state;
    struct process *worker = stack_worker(stack, 0);
    char address[256];
    (void)process_line_value(
        process_wait_line(worker, PROCESS_STDERR, "event=ops_listening", LIMIT_MS), "address",
        address, sizeof address);
    rlim_t before = limit_descriptors(worker, 0);
    struct raw_call *caller = call_of(address, HEALTH);
    assert_rests(worker);
    (void)limit_descriptors(worker, before);
    assert_answered(caller, " 200 ");
}

/* A request that does not end keeps the API from ending. */
static void the_listener_for_operators_rests_and_goes_on_while_the_api_stops(void **state)
{
    struct stack *stack = *state;
    struct process *api = stack_api(stack, 0);
    const char *address = ops_address(stack);
    struct raw_call *unfinished = call_of(stack_api_address(stack, 0), "GET / HTTP/1.1\r\nHo");
    struct raw_call *settled = call_of(address, HEALTH); /* the one before is accepted by now */
    assert_answered(settled, " 200 ");
    rlim_t before = limit_descriptors(api, 0);
    struct raw_call *caller = call_of(address, HEALTH);
    (void)wait_failed_accept(api);
    process_signal(api, SIGTERM);
    (void)process_wait_line(api, PROCESS_STDERR, "event=stopping", LIMIT_MS);
    assert_rests(api);
    (void)limit_descriptors(api, before);
    assert_answered(caller, " 200 ");
    raw_call_close(unfinished);
    assert_int_equal(process_wait_exit(api, LIMIT_MS), 0);
}

/* The rest is over at once: the system would reset who waits in the backlog. */
static void who_waits_when_the_api_stops_is_still_answered(void **state)
{
    struct stack *stack = *state;
    struct process *api = stack_api(stack, 0);
    rlim_t before = limit_descriptors(api, 0);
    struct raw_call *caller = call_of(stack_api_address(stack, 0), CALL("GET", "nothing") END);
    (void)wait_failed_accept(api);
    (void)limit_descriptors(api, before);
    process_signal(api, SIGTERM);
    assert_answered(caller, " 404 ");
    assert_int_equal(process_wait_exit(api, LIMIT_MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(new_callers_wait_until_there_is_one, &one_api),
        STACK_TEST(the_listener_for_operators_rests_likewise, &one_api),
        STACK_TEST(a_worker_s_listener_rests_likewise, &one_worker),
        STACK_TEST(the_listener_for_operators_rests_and_goes_on_while_the_api_stops, &one_api),
        STACK_TEST(who_waits_when_the_api_stops_is_still_answered, &one_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
