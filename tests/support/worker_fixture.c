#include "tests/support/worker_fixture.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <string.h>

enum { ENQUEUE_LIMIT_MS = 10000 };

int worker_fixture_setup(void **state)
{
    struct worker_fixture *fixture = mem_new(1, sizeof *fixture);
    fixture->stack = stack_new(*state);
    fixture->redis = stack_redis(fixture->stack);
    fixture->sim = stack_sim(fixture->stack);
    struct job_queue_options options = desk_options();
    options.namespace_name = "omnihook";
    fixture->desk = queue_desk_new(fixture->redis, &options);
    *state = fixture;
    return 0;
}

int worker_fixture_teardown(void **state)
{
    struct worker_fixture *fixture = *state;
    queue_desk_free(fixture->desk);
    stack_free(fixture->stack);
    mem_free(fixture);
    return 0;
}

enum enqueue_result worker_enqueue(struct worker_fixture *fixture, const char *account)
{
    struct enqueue_answer answer = desk_enqueue(fixture->desk, account);
    int64_t end_ms = now_mono_ms() + ENQUEUE_LIMIT_MS;
    while (answer.code == ERROR_UNAVAILABLE && now_mono_ms() < end_ms) {
        wait_a_little();
        answer = desk_enqueue(fixture->desk, account);
    }
    assert_int_equal(answer.code, ERROR_NONE);
    return answer.result;
}

static json_t *report_of(struct worker_fixture *fixture, const char *account)
{
    json_t *report = desk_report(fixture->desk, account);
    if (report == NULL) {
        fail_because("there is no report of %s", account);
    }
    return report;
}

static void fail_with_report(struct worker_fixture *fixture, const char *account,
                             const char *wanted)
{
    json_t *report = report_of(fixture, account);
    char *text = json_dumps(report, JSON_COMPACT);
    json_decref(report);
    stack_print_logs(fixture->stack);
    fail_because("%s is not %s: %s", account, wanted, text);
}

void worker_wait_state(struct worker_fixture *fixture, const char *account, const char *state,
                       int64_t limit_ms)
{
    int64_t end_ms = now_mono_ms() + limit_ms;
    for (;;) {
        const char *now = desk_state(fixture->desk, account);
        if (strcmp(now, state) == 0) {
            return;
        }
        if (strcmp(now, "WORKING") != 0 || now_mono_ms() > end_ms) {
            fail_with_report(fixture, account, state);
        }
        wait_a_little();
    }
}

void worker_run(struct worker_fixture *fixture, const char *account, const char *state,
                int64_t limit_ms)
{
    (void)worker_enqueue(fixture, account);
    worker_wait_state(fixture, account, state, limit_ms);
}

const char *worker_status_field(struct worker_fixture *fixture, const char *account,
                                const char *field)
{
    return redis_text(fixture->redis, "HGET {omnihook}:status:%s %s", account, field);
}

int64_t worker_report_number(struct worker_fixture *fixture, const char *account, const char *name)
{
    json_t *report = report_of(fixture, account);
    int64_t number = json_integer_value(json_object_get(report, name));
    json_decref(report);
    return number;
}

int64_t worker_report_count(struct worker_fixture *fixture, const char *account, const char *name)
{
    json_t *report = report_of(fixture, account);
    json_t *count = json_object_get(json_object_get(report, "counts"), name);
    assert_true(json_is_integer(count));
    int64_t number = json_integer_value(count);
    json_decref(report);
    return number;
}

void assert_report_error(struct worker_fixture *fixture, const char *account, const char *words)
{
    json_t *report = report_of(fixture, account);
    const char *error = json_string_value(json_object_get(report, "error"));
    if (error == NULL || strstr(error, words) == NULL) {
        fail_because("the error is %s", error == NULL ? "null" : error);
    }
    json_decref(report);
}

void assert_report_outcome(struct worker_fixture *fixture, const char *account, size_t index,
                           const char *outcome)
{
    json_t *report = report_of(fixture, account);
    json_t *webhook = json_array_get(json_object_get(report, "webhooks"), index);
    const char *is = json_string_value(json_object_get(webhook, "outcome"));
    assert_non_null(is);
    assert_string_equal(is, outcome);
    json_decref(report);
}

void assert_report_warns(struct worker_fixture *fixture, const char *account, const char *name)
{
    json_t *report = report_of(fixture, account);
    bool is_found = false;
    size_t i = 0;
    json_t *warning = NULL;
    json_array_foreach(json_object_get(report, "warnings"), i, warning)
    {
        const char *is = json_string_value(json_object_get(warning, "warning"));
        is_found = is_found || (is != NULL && strcmp(is, name) == 0);
    }
    json_decref(report);
    assert_true(is_found);
}
