/* Creating and patching webhooks on Omnitron, and what its answers mean. */
#include "tests/support/omnitron_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define SETTING                                                                                    \
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/"                                 \
    "0\",\"secret_key\":\"s3cr3t!key\","                                                           \
    "\"additional_headers\":{\"Authorization\":\"Token headersecret\"}},"                          \
    "{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/1\"}]"

static struct sim *sim;

static int start_sim(void **state)
{
    (void)state;
    sim = sim_start();
    return 0;
}

static int stop_sim(void **state)
{
    (void)state;
    sim_stop(sim);
    return 0;
}

static int set_up(void **state)
{
    sim_reset(sim);
    *state = omnitron_desk_new(sim, &omnitron_desk_options, SETTING, DESK_TOKEN);
    return 0;
}

static int tear_down(void **state)
{
    omnitron_desk_free(*state);
    return 0;
}

static void expect_written(const struct omnitron_desk *desk, enum omnitron_written written,
                           int status)
{
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->written, written);
    assert_int_equal(desk->status, status);
}

/* ---- What goes well ---- */

static void a_missing_webhook_is_created(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_create(desk, 0);
    expect_written(desk, OMNITRON_CREATED, 201);
    assert_true(sim_has_hook(sim, "acme", "a.b", "https://x.example/0"));
    assert_int_equal(sim_hook_count(sim, "acme"), 1);
    omnitron_desk_find(desk, 0);
    assert_int_equal(webhook_drift(&desk->account->webhooks[0], &desk->list->hooks[0]), 0);
}

static void a_registered_webhook_is_already_there(void **state)
{
    struct omnitron_desk *desk = *state;
    omnitron_desk_create(desk, 0);
    omnitron_desk_create(desk, 0);
    expect_written(desk, OMNITRON_ALREADY, 406);
    assert_int_equal(sim_hook_count(sim, "acme"), 1);
}

static void an_inactive_webhook_is_switched_on_by_a_patch(void **state)
{
    struct omnitron_desk *desk = *state;
    sim_seed(sim, "{\"username\":\"acme\",\"event_type\":\"a.b\","
                  "\"target_url\":\"https://x.example/1\",\"is_active\":false}");
    omnitron_desk_list(desk);
    omnitron_desk_patch(desk, desk->list->hooks[0].id, 1, WEBHOOK_IS_ACTIVE);
    expect_written(desk, OMNITRON_PATCHED, 200);
    omnitron_desk_list(desk);
    assert_true(desk->list->hooks[0].is_active);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_webhook_is_created),
        TEST(a_registered_webhook_is_already_there),
        TEST(an_inactive_webhook_is_switched_on_by_a_patch),
    };

    return cmocka_run_group_tests(tests, start_sim, stop_sim);
}
