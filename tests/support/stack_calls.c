/* The part of stack.h that speaks HTTP with the API. */
#include "common/now.h"
#include "tests/support/fail.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 512 };

struct http_answer *stack_call(struct stack *stack, const char *account, const char *method,
                               const char *path)
{
    char full_path[PATH_SIZE];
    char authorization[128] = "Accept: */*";
    (void)snprintf(full_path, sizeof full_path, "/api/v1/oms/setup/webhooks/%s", path);
    if (account != NULL) {
        (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s",
                       stack_key(stack, account));
    }
    const char *const headers[] = {authorization, NULL};
    struct http_call call = {.method = method,
                             .address = stack_api_address(stack, 0),
                             .path = full_path,
                             .headers = headers};
    return http_call(&call);
}

int stack_execute(struct stack *stack, const char *account)
{
    struct http_answer *answer = stack_call(stack, account, "POST", "execute/");
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

/* What stack_status and stack_is_required give out. */
static char last_result[32];

/* The result of a GET that must be answered with 200. */
static const char *read_result(struct stack *stack, const char *account, const char *path)
{
    struct http_answer *answer = stack_call(stack, account, "GET", path);
    const char *result = http_answer_text(answer, "result");
    if (answer->status != 200 || result == NULL) {
        stack_print_logs(stack);
        fail_because("GET %s: %d %s%s", path, answer->status, answer->body, answer->error);
    }
    (void)snprintf(last_result, sizeof last_result, "%s", result);
    http_answer_free(answer);
    return last_result;
}

const char *stack_status(struct stack *stack, const char *account)
{
    return read_result(stack, account, "get_async_status/");
}

const char *stack_is_required(struct stack *stack, const char *account)
{
    return read_result(stack, account, "is_required/");
}

struct http_answer *stack_ops_call(const char *ops_address, const char *path)
{
    struct http_call call = {.address = ops_address, .path = path};
    return http_call(&call);
}

json_t *stack_report(struct stack *stack, const char *account)
{
    struct http_answer *answer = stack_call(stack, account, "GET", "report/");
    if (answer->status != 200 || answer->json == NULL) {
        fail_because("GET report/: %d %s%s", answer->status, answer->body, answer->error);
    }
    json_t *report = json_incref(answer->json);
    http_answer_free(answer);
    return report;
}

void stack_wait_status(struct stack *stack, const char *account, const char *status,
                       int64_t limit_ms)
{
    int64_t end_ms = now_mono_ms() + limit_ms;
    for (;;) {
        const char *found = stack_status(stack, account);
        if (strcmp(found, status) == 0) {
            return;
        }
        bool has_ended = strcmp(found, "READY") != 0 && strcmp(found, "WORKING") != 0;
        if (has_ended || now_mono_ms() >= end_ms) {
            struct http_answer *report = stack_call(stack, account, "GET", "report/");
            stack_print_logs(stack);
            print_error("the report: %.900s\n", report->body);
            http_answer_free(report);
            fail_because("%s is %s, not %s", account, found, status);
        }
        wait_a_little();
    }
}

void stack_run(struct stack *stack, const char *account, const char *status, int64_t limit_ms)
{
    assert_int_equal(stack_execute(stack, account), 204);
    stack_wait_status(stack, account, status, limit_ms);
}

/* ---- While Redis fails over ---- */

struct patient_call {
    struct stack *stack;
    const char *account;
    unsigned refused;
};

static bool is_accepted(void *arg)
{
    struct patient_call *call = arg;
    int status = stack_execute(call->stack, call->account);
    if (status != 204 && status != 503) {
        fail_because("%s: status %d", call->account, status);
    }
    call->refused += status == 503;
    return status == 204;
}

unsigned stack_execute_patiently(struct stack *stack, const char *account, int64_t limit_ms)
{
    struct patient_call call = {.stack = stack, .account = account};
    if (!wait_until(is_accepted, &call, limit_ms)) {
        stack_print_logs(stack);
        fail_because("execute of %s was refused %u times", account, call.refused);
    }
    return call.refused;
}

static bool has_finished(void *arg)
{
    const struct patient_call *call = arg;
    struct http_answer *answer = stack_call(call->stack, call->account, "GET", "get_async_status/");
    const char *result = http_answer_text(answer, "result");
    bool is_finished = result != NULL && strcmp(result, "FINISHED") == 0;
    if (answer->status != 503 && !is_finished &&
        (result == NULL || strcmp(result, "WORKING") != 0)) {
        fail_because("%s: %d %s", call->account, answer->status, answer->body);
    }
    http_answer_free(answer);
    return is_finished;
}

void stack_wait_finished_patiently(struct stack *stack, const char *account, int64_t limit_ms)
{
    struct patient_call call = {.stack = stack, .account = account};
    if (!wait_until(has_finished, &call, limit_ms)) {
        stack_print_logs(stack);
        fail_because("%s is not FINISHED", account);
    }
}
