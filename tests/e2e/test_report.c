/* The report in every state of a job: each member with its type and no other, the history, and
   progress that only grows. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/fail.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/webhooks.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 20000, MANY = 120 };

#define HOOKS "/whisperer/hooks/"
#define WEBHOOK(last)                                                                              \
    "{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/" last "\"}"
#define POSTS_OF(last, action)                                                                     \
    "{\"name\":\"" last "\",\"method\":\"POST\",\"path\":\"" HOOKS                                 \
    "\",\"match\":\"e.example/" last "\",\"times\":-1,\"action\":" action "}"

static const char *const two_attempts[] = {"OMNIHOOK_JOB_ATTEMPTS=2", "OMNIHOOK_GRACE_MS=100",
                                           "OMNIHOOK_RETRY_BASE_MS=10", "OMNIHOOK_RETRY_MAX_MS=20",
                                           NULL};
static const struct stack_account acme = {.name = "acme",
                                          .webhooks = "[" WEBHOOK("a") "," WEBHOOK("b") "]"};
static struct stack_options no_worker = {
    .accounts = &acme, .account_count = 1, .api_count = 1, .env = two_attempts};
static struct stack_options one_worker = {
    .accounts = &acme, .account_count = 1, .api_count = 1, .worker_count = 1, .env = two_attempts};

/* ---- Shapes: what json_typeof gives, as bits ---- */

#define TEXT (1U << JSON_STRING)
#define NUMBER (1U << JSON_INTEGER)
#define BOOLEAN (1U << JSON_TRUE | 1U << JSON_FALSE)
#define ARRAY (1U << JSON_ARRAY)
#define OBJECT (1U << JSON_OBJECT)
#define NOTHING (1U << JSON_NULL)

struct member {
    const char *name;
    unsigned types;
};

static void assert_members(json_t *object, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(object, members[i].name);
        if (value == NULL || (1U << json_typeof(value) & members[i].types) == 0) {
            char *text = json_dumps(object, JSON_COMPACT);
            fail_because("%s is missing, or of another type, in %s", members[i].name, text);
        }
    }
    if (json_object_size(object) != count) {
        char *text = json_dumps(object, JSON_COMPACT);
        fail_because("there is more than expected in %s", text);
    }
}
#define ASSERT_MEMBERS(object, members)                                                            \
    assert_members(object, members, sizeof(members) / sizeof(members)[0])

static void assert_report_shape(json_t *report)
{
    static const struct member members[] = {
        {"account", TEXT},
        {"job", TEXT},
        {"state", TEXT},
        {"phase", TEXT | NOTHING},
        {"attempt", NUMBER},
        {"attempts", NUMBER},
        {"rerun", BOOLEAN},
        {"worker", TEXT | NOTHING},
        {"settings", TEXT | NOTHING},
        {"enqueued_at", TEXT},
        {"started_at", TEXT | NOTHING},
        {"finished_at", TEXT | NOTHING},
        {"next_attempt_at", TEXT | NOTHING},
        {"done", NUMBER},
        {"total", NUMBER},
        {"error", TEXT | NOTHING},
        {"counts", OBJECT},
        {"webhooks", ARRAY},
        {"warnings", ARRAY},
    };
    static const struct member counts[] = {
        {"created", NUMBER}, {"reactivated", NUMBER}, {"updated", NUMBER},
        {"already", NUMBER}, {"drifted", NUMBER},     {"failed", NUMBER},
    };
    static const struct member webhook[] = {
        {"event_type", TEXT},         {"target_url", TEXT},      {"outcome", TEXT},
        {"status", NUMBER | NOTHING}, {"error", TEXT | NOTHING},
    };
    static const struct member warning[] = {
        {"event_type", TEXT | NOTHING},
        {"target_url", TEXT | NOTHING},
        {"warning", TEXT},
        {"detail", TEXT},
    };
    ASSERT_MEMBERS(report, members);
    ASSERT_MEMBERS(json_object_get(report, "counts"), counts);
    size_t i = 0;
    json_t *element = NULL;
    json_array_foreach(json_object_get(report, "webhooks"), i, element)
    {
        ASSERT_MEMBERS(element, webhook);
    }
    json_array_foreach(json_object_get(report, "warnings"), i, element)
    {
        ASSERT_MEMBERS(element, warning);
    }
}

/* The report, whose shape has been checked; to be json_decref'd. */
static json_t *checked_report(struct stack *stack)
{
    json_t *report = stack_report(stack, "acme");
    assert_report_shape(report);
    return report;
}

static void assert_text(json_t *object, const char *name, const char *text)
{
    const char *is = json_string_value(json_object_get(object, name));
    if (is == NULL || strcmp(is, text) != 0) {
        fail_because("%s is %s, not %s", name, is == NULL ? "no text" : is, text);
    }
}

static void assert_number(json_t *object, const char *name, int64_t number)
{
    assert_int_equal(json_integer_value(json_object_get(object, name)), number);
}

static bool is_null(json_t *object, const char *name)
{
    return json_is_null(json_object_get(object, name));
}

/* "2026-01-31T10:20:30.123Z" */
static void assert_time(json_t *object, const char *name)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    const char *time = json_string_value(json_object_get(object, name));
    assert_non_null(time);
    assert_int_equal(strlen(time), strlen(form));
    for (size_t i = 0; form[i] != '\0'; i++) {
        bool is_digit = time[i] >= '0' && time[i] <= '9';
        assert_true(form[i] == 'd' ? is_digit : time[i] == form[i]);
    }
}

static bool is_in_phase(struct stack *stack, const char *phase)
{
    const char *is = redis_text(stack_redis(stack), "HGET {omnihook}:status:acme phase");
    return is != NULL && strcmp(is, phase) == 0;
}

static bool is_retrying(void *stack)
{
    return is_in_phase(stack, "retrying");
}

static bool one_is_done(void *stack)
{
    return redis_int(stack_redis(stack), "HGET {omnihook}:status:acme done") == 1;
}

/* ---- Each state ---- */

static void nothing_remembered_is_404(void **state)
{
    struct stack *stack = *state;
    struct http_answer *answer = stack_call(stack, "acme", "GET", "report/");
    assert_int_equal(answer->status, 404);
    http_answer_free(answer);
}

static void a_job_that_waits_in_the_queue_has_not_started(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(stack_execute(stack, "acme"), 204);
    json_t *report = checked_report(stack);
    assert_text(report, "account", "acme");
    assert_text(report, "state", "WORKING");
    assert_text(report, "phase", "queued");
    assert_number(report, "attempt", 0);
    assert_number(report, "attempts", 2);
    assert_time(report, "enqueued_at");
    assert_true(is_null(report, "worker") && is_null(report, "settings"));
    assert_true(is_null(report, "started_at") && is_null(report, "finished_at"));
    assert_true(is_null(report, "next_attempt_at") && is_null(report, "error"));
    assert_int_equal(json_array_size(json_object_get(report, "webhooks")), 0);
    json_decref(report);
}

static void a_running_job_tells_what_is_done_and_whether_it_runs_again(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack), POSTS_OF("b", "{\"hang\":true}"));
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(one_is_done, stack, LIMIT_MS);
    json_t *report = checked_report(stack);
    assert_text(report, "state", "WORKING");
    assert_text(report, "phase", "running");
    assert_number(report, "attempt", 1);
    assert_number(report, "done", 1);
    assert_number(report, "total", 2);
    assert_number(json_object_get(report, "counts"), "created", 1);
    assert_time(report, "started_at");
    assert_true(is_null(report, "finished_at") && is_null(report, "error"));
    assert_true(json_is_false(json_object_get(report, "rerun")));
    assert_non_null(strstr(json_string_value(json_object_get(report, "worker")), ":"));
    assert_int_equal(json_array_size(json_object_get(report, "webhooks")), 2);
    json_decref(report);

    assert_int_equal(stack_execute(stack, "acme"), 204);
    report = checked_report(stack);
    assert_true(json_is_true(json_object_get(report, "rerun")));
    json_decref(report);
}

static void a_job_that_waits_for_its_next_attempt_says_when_and_why(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack),
              POSTS_OF("b", "{\"status\":429,\"headers\":{\"Retry-After\":\"60\"}}"));
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(is_retrying, stack, LIMIT_MS);
    json_t *report = checked_report(stack);
    assert_text(report, "state", "WORKING");
    assert_text(report, "phase", "retrying");
    assert_time(report, "next_attempt_at");
    assert_true(is_null(report, "worker") && is_null(report, "finished_at"));
    assert_non_null(strstr(json_string_value(json_object_get(report, "error")), "429"));
    json_decref(report);
}

static void a_finished_job_names_every_webhook(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    json_t *report = checked_report(stack);
    assert_text(report, "state", "FINISHED");
    assert_true(is_null(report, "phase") && is_null(report, "error"));
    assert_true(is_null(report, "next_attempt_at"));
    assert_time(report, "enqueued_at");
    assert_time(report, "started_at");
    assert_time(report, "finished_at");
    assert_number(report, "done", 2);
    assert_number(report, "total", 2);
    json_t *webhook = json_array_get(json_object_get(report, "webhooks"), 1);
    assert_text(webhook, "target_url", "https://e.example/b");
    assert_text(webhook, "outcome", "created");
    assert_number(webhook, "status", 201);
    assert_true(is_null(webhook, "error"));
    /* "Nothing was visible": about no single webhook. */
    json_t *warning = json_array_get(json_object_get(report, "warnings"), 0);
    assert_text(warning, "warning", "nothing_visible");
    assert_true(is_null(warning, "event_type") && is_null(warning, "target_url"));

    /* The history has the same document. */
    json_t *kept =
        json_loads(redis_text(stack_redis(stack), "LINDEX {omnihook}:history:acme 0"), 0, NULL);
    assert_true(json_equal(kept, report));
    json_decref(kept);
    json_decref(report);
}

static void a_failed_job_says_which_webhook_and_why(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack),
              POSTS_OF("b", "{\"status\":400,\"json\":{\"event_type\":[\"Unknown.\"]}}"));
    stack_run(stack, "acme", "FAILED", LIMIT_MS);
    json_t *report = checked_report(stack);
    assert_text(report, "state", "FAILED");
    assert_true(is_null(report, "phase"));
    assert_time(report, "finished_at");
    assert_number(json_object_get(report, "counts"), "created", 1);
    assert_number(json_object_get(report, "counts"), "failed", 1);
    assert_number(report, "done", 2);
    json_t *webhook = json_array_get(json_object_get(report, "webhooks"), 1);
    assert_text(webhook, "outcome", "failed");
    assert_number(webhook, "status", 400);
    assert_non_null(strstr(json_string_value(json_object_get(webhook, "error")), "Unknown."));
    assert_non_null(strstr(json_string_value(json_object_get(report, "error")), "Unknown."));
    json_decref(report);
}

static void an_aborted_job_keeps_what_was_done(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack), POSTS_OF("b", "{\"hang\":true}"));
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(one_is_done, stack, LIMIT_MS);
    http_answer_free(stack_call(stack, "acme", "POST", "abort/"));
    stack_wait_status(stack, "acme", "ABORTED", LIMIT_MS);
    json_t *report = checked_report(stack);
    assert_text(report, "state", "ABORTED");
    assert_time(report, "finished_at");
    assert_number(report, "done", 1);
    json_t *webhooks = json_object_get(report, "webhooks");
    assert_text(json_array_get(webhooks, 0), "outcome", "created");
    assert_text(json_array_get(webhooks, 1), "outcome", "pending");
    json_decref(report);
}

static void a_second_attempt_counts_as_one(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack), "{\"method\":\"GET\",\"path\":\"" HOOKS "\",\"times\":3,"
                                "\"action\":{\"status\":503,\"body\":\"<h1>\"}}");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    json_t *report = checked_report(stack);
    assert_number(report, "attempt", 2);
    assert_true(is_null(report, "error") && is_null(report, "next_attempt_at"));
    json_decref(report);
}

/* ---- Progress ---- */

struct watch {
    struct stack *stack;
    int64_t done;
    int64_t rev;
};

/* Looks at the status until the job has ended; done and rev never go back. */
static bool has_ended(void *arg)
{
    struct watch *watch = arg;
    const struct redis_list *fields =
        redis_list(stack_redis(watch->stack), "HMGET {omnihook}:status:acme state done rev");
    int64_t done = strtoll(fields->items[1], NULL, 10);
    int64_t rev = strtoll(fields->items[2], NULL, 10);
    assert_true(done >= watch->done && rev >= watch->rev);
    watch->done = done;
    watch->rev = rev;
    return strcmp(fields->items[0], "WORKING") != 0;
}

static void progress_only_grows_and_is_written_a_few_times_a_second(void **state)
{
    struct stack *stack = *state;
    char *webhooks = webhooks_print("https://e.example/", MANY, "");
    stack_set_webhooks(stack, "acme", webhooks);
    mem_free(webhooks);
    sim_set(stack_sim(stack), "{\"latency_ms\":60}");
    int64_t start_ms = now_mono_ms();
    assert_int_equal(stack_execute(stack, "acme"), 204);
    struct watch watch = {.stack = stack};
    assert_becomes_true(has_ended, &watch, LIMIT_MS);
    int64_t took_ms = now_mono_ms() - start_ms;
    assert_int_equal(watch.done, MANY);
    /* Queued, claimed, the first progress, four a second, the end. */
    assert_in_range(watch.rev, 5, 4 + took_ms / 250);
    assert_string_equal(redis_text(stack_redis(stack), "HGET {omnihook}:status:acme state"),
                        "FINISHED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(nothing_remembered_is_404, &no_worker),
        STACK_TEST(a_job_that_waits_in_the_queue_has_not_started, &no_worker),
        STACK_TEST(a_running_job_tells_what_is_done_and_whether_it_runs_again, &one_worker),
        STACK_TEST(a_job_that_waits_for_its_next_attempt_says_when_and_why, &one_worker),
        STACK_TEST(a_finished_job_names_every_webhook, &one_worker),
        STACK_TEST(a_failed_job_says_which_webhook_and_why, &one_worker),
        STACK_TEST(an_aborted_job_keeps_what_was_done, &one_worker),
        STACK_TEST(a_second_attempt_counts_as_one, &one_worker),
        STACK_TEST(progress_only_grows_and_is_written_a_few_times_a_second, &one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
