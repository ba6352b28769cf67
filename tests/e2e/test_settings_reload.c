/* The settings file changes under running programs. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <string.h>

enum { LIMIT_MS = 15000 };

#define URL "https://erp.example.com/hooks/"
#define ONE_WEBHOOK "[{\"event_type\": \"package.created\", \"target_url\": \"" URL "1\"}]"
#define TWO_WEBHOOKS                                                                               \
    "[{\"event_type\": \"package.created\", \"target_url\": \"" URL "1\"},"                        \
    " {\"event_type\": \"package.shipped\", \"target_url\": \"" URL "2\"}]"

static const struct stack_account accounts[] = {
    {.name = "acme", .webhooks = ONE_WEBHOOK},
    {.name = "bolt", .webhooks = ONE_WEBHOOK},
};
static struct stack_options one_of_each = {
    .accounts = accounts,
    .account_count = 2,
    .api_count = 1,
    .worker_count = 1,
};

static bool is_required(void *stack)
{
    return strcmp(stack_is_required(stack, "acme"), "true") == 0;
}

static void a_change_of_the_file_is_seen_within_a_second(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_false(is_required(stack));
    stack_set_webhooks(stack, "acme", TWO_WEBHOOKS);
    assert_becomes_true(is_required, stack, 2000);
}

static void sighup_reads_the_file_again(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    stack_set_webhooks(stack, "acme", TWO_WEBHOOKS);
    process_signal(stack_api(stack, 0), SIGHUP);
    process_signal(stack_worker(stack, 0), SIGHUP);
    assert_becomes_true(is_required, stack, 2000);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_true(sim_has_hook(stack_sim(stack), "acme", "package.shipped", URL "2"));
}

static void an_execute_right_after_the_change_registers_the_new_webhook(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    stack_set_webhooks(stack, "acme", TWO_WEBHOOKS);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_true(sim_has_hook(stack_sim(stack), "acme", "package.shipped", URL "2"));
}

static bool is_broken_shown(void *stack)
{
    struct http_answer *answer = stack_ops_call(stack_api_ops_address(stack, 0), "/readyz");
    bool is_shown = answer->status == 200 && strstr(answer->body, "settings") != NULL &&
                    strstr(answer->body, "target_url") != NULL;
    http_answer_free(answer);
    return is_shown;
}

static void a_broken_file_never_replaces_a_good_one(void **state)
{
    struct stack *stack = *state;
    json_t *webhooks = json_object_get(stack_settings(stack, "acme"), "OMNITRON_WEBHOOKS");
    json_object_set_new(json_array_get(webhooks, 0), "target_url", json_string("ftp://x/"));
    stack_write_settings(stack);
    process_signal(stack_api(stack, 0), SIGHUP);
    process_signal(stack_worker(stack, 0), SIGHUP);
    assert_becomes_true(is_broken_shown, stack, LIMIT_MS);

    /* The last good setting goes on, in both programs. */
    assert_true(is_required(stack));
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_true(sim_has_hook(stack_sim(stack), "acme", "package.created", URL "1"));

    stack_set_webhooks(stack, "acme", TWO_WEBHOOKS);
    assert_becomes_true(is_required, stack, LIMIT_MS);
    assert_false(is_broken_shown(stack));
}

static void half_a_file_is_not_taken_for_a_setting(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    temp_dir_overwrite_file(stack_dir(stack), STACK_SETTINGS, "{\"accounts\": {");
    process_signal(stack_api(stack, 0), SIGHUP);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
}

static int status_of_key(struct stack *stack, const char *account)
{
    struct http_answer *answer = stack_call(stack, account, "GET", "get_async_status/");
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

static bool bolt_is_refused(void *stack)
{
    return status_of_key(stack, "bolt") == 401;
}

static bool bolt_is_known(void *stack)
{
    return status_of_key(stack, "bolt") == 200;
}

static void accounts_come_and_go_without_a_restart(void **state)
{
    struct stack *stack = *state;
    assert_true(bolt_is_known(stack));
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    char *both = file_read_text(path);
    json_t *settings = json_loads(both, 0, NULL);
    assert_int_equal(json_object_del(json_object_get(settings, "accounts"), "bolt"), 0);
    char *acme_alone = json_dumps(settings, 0);
    temp_dir_replace_file(stack_dir(stack), STACK_SETTINGS, acme_alone);
    assert_becomes_true(bolt_is_refused, stack, LIMIT_MS);
    assert_int_equal(status_of_key(stack, "acme"), 200);

    temp_dir_overwrite_file(stack_dir(stack), STACK_SETTINGS, both);
    assert_becomes_true(bolt_is_known, stack, LIMIT_MS);
    json_decref(settings);
    mem_free(acme_alone);
    mem_free(both);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(a_change_of_the_file_is_seen_within_a_second, &one_of_each),
        STACK_TEST(sighup_reads_the_file_again, &one_of_each),
        STACK_TEST(an_execute_right_after_the_change_registers_the_new_webhook, &one_of_each),
        STACK_TEST(a_broken_file_never_replaces_a_good_one, &one_of_each),
        STACK_TEST(half_a_file_is_not_taken_for_a_setting, &one_of_each),
        STACK_TEST(accounts_come_and_go_without_a_restart, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
