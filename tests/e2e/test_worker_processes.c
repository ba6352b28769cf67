/* Several workers under one supervisor, which answers on the ops listener itself. */
#include "common/mem.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 15000 };

static const struct stack_account accounts[] = {{.name = "acme", .webhooks = "[]"}};
static const char *const two_processes[] = {"OMNIHOOK_PROCESSES=2", NULL};
static struct stack_options two = {
    .accounts = accounts, .account_count = 1, .worker_count = 1, .env = two_processes};

static bool is_ready(void *arg)
{
    struct http_answer *answer = stack_ops_call(stack_worker_ops_address(arg, 0), "/readyz");
    int status = answer->status;
    http_answer_free(answer);
    return status == 200;
}

static pid_t first_child(struct stack *stack)
{
    static const char words[] = "event=process_started child=";
    char *log = process_read(stack_worker(stack, 0), PROCESS_STDERR);
    const char *found = strstr(log, words);
    assert_non_null(found);
    pid_t pid = (pid_t)strtol(found + strlen(words), NULL, 10);
    mem_free(log);
    return pid;
}

static void a_new_process_ends_none_of_the_open_ops_connections(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    struct raw_call *open = raw_call_open(stack_worker_ops_address(stack, 0));
    assert_true(raw_call_send_text(open, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_non_null(strstr(raw_call_receive(open, "\r\n\r\n", LIMIT_MS), "HTTP/1.1 200 "));
    assert_int_equal(kill(first_child(stack), SIGKILL), 0);
    process_skip_output(stack_worker(stack, 0));
    (void)process_wait_line(stack_worker(stack, 0), PROCESS_STDERR, "event=process_started ",
                            LIMIT_MS);
    /* Ready again: the new process has done with what it got of its parent. */
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    assert_true(raw_call_send_text(open, "HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_non_null(strstr(raw_call_receive(open, "HTTP/1.1 404 ", LIMIT_MS), "HTTP/1.1 404 "));
    raw_call_close(open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(a_new_process_ends_none_of_the_open_ops_connections, &two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
