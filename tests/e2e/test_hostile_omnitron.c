/* The real programs against an Omnitron that means harm: every job ends, every call is answered, no
   process dies or grows, nobody else is asked, and no secret is written anywhere. */
#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/hostile.h"
#include "tests/support/memory.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>

enum { ACCOUNTS = 24, ROUNDS = 3, LIMIT_MS = 120000, PEAK_MAX_KIB = 128 * 1024 };

static const char webhooks[] =
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/1\",\"secret_key\":\"s3cret\"},"
    "{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/99\"},"
    "{\"event_type\":\"a.c\",\"target_url\":\"https://x.example/2\"}]";

/* Short tries and waits, so that a job ends soon. */
static const char *const env[] = {"OMNIHOOK_RETRY_BASE_MS=10",         "OMNIHOOK_RETRY_MAX_MS=50",
                                  "OMNIHOOK_RETRY_AFTER_MAX_MS=20",    "OMNIHOOK_JOB_ATTEMPTS=3",
                                  "OMNIHOOK_REQUEST_TIMEOUT_MS=20000", NULL};

struct scene {
    struct hostile *hostile;
    struct stack *stack;
    char names[ACCOUNTS][16];
    struct stack_account accounts[ACCOUNTS];
};

/* Whether its user logs in. After three logins within six minutes such a job waits for the next. */
static bool logs_in(unsigned account)
{
    return account % 4 == 0;
}

static char *print_extra(const struct hostile *hostile, unsigned number)
{
    struct strbuf text;
    strbuf_init(&text, SIZE_MAX / 2);
    strbuf_addf(&text,
                "{\"drift\":\"update\",\"omnitron\":{\"url\":\"%s/%u/\",\"hooks_path\":\"hooks/\","
                "\"login_path\":\"login/\",\"user_path\":\"user/\",\"ca_file\":\"%s\","
                "\"connect_timeout_ms\":400,\"timeout_ms\":400",
                hostile_url(hostile, number % 2 == 0), number, hostile_ca_file(hostile));
    if (logs_in(number)) {
        strbuf_add_text(
            &text, ",\"token\":null,\"username\":\"acme\",\"password\":\"" STACK_PASSWORD "\"");
    }
    strbuf_add_text(&text, "}}");
    return strbuf_take(&text);
}

static struct scene *scene_new(void)
{
    struct scene *scene = mem_new(1, sizeof *scene);
    scene->hostile = hostile_start(hostile_seed());
    char *extras[ACCOUNTS];
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        (void)snprintf(scene->names[i], sizeof scene->names[i], "a%u", i);
        extras[i] = print_extra(scene->hostile, i);
        scene->accounts[i] = (struct stack_account){
            .name = scene->names[i], .webhooks = webhooks, .extra = extras[i]};
    }
    const struct stack_options options = {.accounts = scene->accounts,
                                          .account_count = ACCOUNTS,
                                          .api_count = 1,
                                          .worker_count = 2,
                                          .env = env};
    scene->stack = stack_new(&options);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        mem_free(extras[i]);
    }
    return scene;
}

static bool is_at_work(const struct scene *scene, unsigned account)
{
    return strcmp(stack_status(scene->stack, scene->names[account]), "WORKING") == 0;
}

static bool has_no_job_but_of_logins(void *arg)
{
    unsigned i = 0;
    while (i < ACCOUNTS && (logs_in(i) || !is_at_work(arg, i))) {
        i++;
    }
    return i == ACCOUNTS;
}

static bool has_no_job(void *arg)
{
    unsigned i = 0;
    while (i < ACCOUNTS && !is_at_work(arg, i)) {
        i++;
    }
    return i == ACCOUNTS;
}

static void end_all_jobs(struct scene *scene)
{
    assert_becomes_true(has_no_job_but_of_logins, scene, LIMIT_MS);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        if (logs_in(i)) {
            struct http_answer *answer =
                stack_call(scene->stack, scene->names[i], "POST", "abort/");
            assert_int_equal(answer->status, 204);
            http_answer_free(answer);
        }
    }
    assert_becomes_true(has_no_job, scene, LIMIT_MS);
}

/* Answered, and not as if nothing had been there to ask. */
static void check_call(struct scene *scene, unsigned account, const char *path)
{
    struct http_answer *answer = stack_call(scene->stack, scene->names[account], "GET", path);
    bool is_told = answer->status == 200 || answer->status == 502 || answer->status == 503 ||
                   answer->status == 504;
    if (!is_told || answer->json == NULL) {
        fail_msg("%s: %d %s %s", path, answer->status, answer->error, answer->body);
    }
    assert_null(strstr(answer->body, stack_token(scene->stack, scene->names[account])));
    assert_null(strstr(answer->body, STACK_PASSWORD));
    http_answer_free(answer);
}

static void check_process(struct process *process)
{
    assert_true(process_is_running(process));
    if (!memory_is_sanitized()) {
        assert_in_range(memory_peak_kib(process_pid(process)), 1, PEAK_MAX_KIB);
    }
}

static void every_job_ends_and_every_call_is_answered(void **state)
{
    (void)state;
    struct scene *scene = scene_new();
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            assert_int_equal(stack_execute(scene->stack, scene->names[i]), 204);
        }
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            check_call(scene, i, "is_required/");
        }
        end_all_jobs(scene);
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            check_call(scene, i, "plan/");
            check_call(scene, i, "report/");
        }
    }
    check_process(stack_api(scene->stack, 0));
    check_process(stack_worker(scene->stack, 0));
    check_process(stack_worker(scene->stack, 1));
    stack_free(scene->stack);
    struct hostile_end end = hostile_stop(scene->hostile);
    print_message("%u requests on %u connections\n", end.requests, end.connections);
    assert_true(end.requests > ACCOUNTS * ROUNDS);
    assert_int_equal(end.faults, 0);
    assert_int_equal(end.visits, 0);
    mem_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_ends_and_every_call_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
