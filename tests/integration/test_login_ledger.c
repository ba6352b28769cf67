/* The logins of several processes with one account: counted and shared through Redis. */
#include "common/login_ledger.h"

#include "common/mem.h"
#include "common/omnitron.h"
#include "tests/support/loop_until.h"
#include "tests/support/omnitron_desk.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { PROCESSES = 3, LIMIT_MS = 20000 };

#define SETTING "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/0\"}]"
#define LOGIN_PATH "/api/v1/auth/login/"
#define RECORD "{ns}:login:acme"

/* What a process of ours has, all on one loop. */
struct process_parts {
    struct redis_client *client;
    struct login_ledger *ledger;
    struct http_client *http;
    struct omnitron_pool *pool;
    struct omnitron *omnitron;

    unsigned done_count;
    bool has_failed;
    struct omnitron_failure failure;
};

struct scene {
    struct redis_fixture *redis;
    struct redis_address address;
    struct loop *loop;
    struct settings *settings;
    struct account account; /* of settings, perhaps changed */
    struct process_parts parts[PROCESSES];
};

static bool all_are_up(void *arg)
{
    struct scene *scene = arg;
    bool are_up = true;
    for (size_t i = 0; i < PROCESSES; i++) {
        are_up = are_up && redis_client_is_up(scene->parts[i].client);
    }
    return are_up;
}

static void start_parts(struct scene *scene, struct process_parts *parts)
{
    parts->client = redis_client_new(
        scene->loop,
        &(struct redis_options){.address = &scene->address, .name = "test", .timeout_ms = 2000});
    parts->ledger = login_ledger_new(parts->client, "ns");
    parts->http = http_client_new(scene->loop, 16);
    struct omnitron_pool_options options = omnitron_desk_options;
    options.ledger = parts->ledger;
    parts->pool = omnitron_pool_new(scene->loop, parts->http, &options);
    parts->omnitron = omnitron_new(parts->pool, scene->settings, &scene->account);
}

static int setup(void **state)
{
    sim_reset(desk_sim);
    sim_add_user(desk_sim, "acme", "pw", "t0ken", true);
    struct scene *scene = mem_new(1, sizeof *scene);
    struct error err;
    scene->redis = redis_fixture_new(NULL);
    assert_true(redis_address_parse(&scene->address, redis_fixture_url(scene->redis), &err));
    scene->loop = loop_new();
    scene->settings = omnitron_desk_settings(desk_sim, SETTING, DESK_LOGIN);
    scene->account = *settings_find_account(scene->settings, "acme");
    for (size_t i = 0; i < PROCESSES; i++) {
        start_parts(scene, &scene->parts[i]);
    }
    assert_loop_reaches(scene->loop, all_are_up, scene, LIMIT_MS);
    *state = scene;
    return 0;
}

static void stop_parts(struct process_parts *parts)
{
    login_ledger_stop(parts->ledger);
    redis_client_free(parts->client);
    omnitron_free(parts->omnitron);
    omnitron_pool_free(parts->pool);
    login_ledger_free(parts->ledger);
    http_client_free(parts->http);
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < PROCESSES; i++) {
        stop_parts(&scene->parts[i]);
    }
    settings_unref(scene->settings);
    loop_free(scene->loop);
    redis_address_clear(&scene->address);
    redis_fixture_free(scene->redis);
    mem_free(scene);
    return 0;
}

/* Other settings of the account for one of the processes. */
static void use_account(struct scene *scene, size_t index, struct settings *settings,
                        const struct account *account)
{
    (void)scene;
    struct process_parts *parts = &scene->parts[index];
    omnitron_free(parts->omnitron);
    parts->omnitron = omnitron_new(parts->pool, settings, account);
}

static void on_list(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    struct process_parts *parts = arg;
    hook_list_free(list);
    parts->done_count++;
    parts->has_failed = failure != NULL;
    if (failure != NULL) {
        parts->failure = *failure;
    }
}

static bool all_are_done(void *arg)
{
    struct scene *scene = arg;
    bool are_done = true;
    for (size_t i = 0; i < PROCESSES; i++) {
        are_done = are_done && scene->parts[i].done_count > 0;
    }
    return are_done;
}

/* Reads the list in the first count processes at once, and waits for all. */
static void list_in(struct scene *scene, size_t count)
{
    for (size_t i = 0; i < PROCESSES; i++) {
        scene->parts[i].done_count = i >= count;
        if (i < count) {
            (void)omnitron_list(scene->parts[i].omnitron, on_list, &scene->parts[i]);
        }
    }
    assert_loop_reaches(scene->loop, all_are_done, scene, LIMIT_MS);
}

static void list_as(struct scene *scene, size_t index)
{
    for (size_t i = 0; i < PROCESSES; i++) {
        scene->parts[i].done_count = i != index;
    }
    (void)omnitron_list(scene->parts[index].omnitron, on_list, &scene->parts[index]);
    assert_loop_reaches(scene->loop, all_are_done, scene, LIMIT_MS);
}

static void expect_success(const struct scene *scene, size_t index)
{
    if (scene->parts[index].has_failed) {
        fail_because("%s", scene->parts[index].failure.error.text);
    }
}

static void expect_failure(const struct scene *scene, size_t index, enum omnitron_failure_kind kind)
{
    assert_true(scene->parts[index].has_failed);
    assert_string_equal(omnitron_failure_name(scene->parts[index].failure.kind),
                        omnitron_failure_name(kind));
}

static int64_t login_requests(void)
{
    return sim_route_count(desk_sim, "POST " LOGIN_PATH, 0);
}

/* ---- One login for all ---- */

static void processes_that_start_one_after_the_other_share_one_login(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < PROCESSES; i++) {
        list_as(scene, i);
        expect_success(scene, i);
    }
    assert_int_equal(login_requests(), 1);
    assert_int_equal(sim_counter(desk_sim, "tokens_seen_wrong"), 0);
}

static void processes_that_start_at_once_make_one_login(void **state)
{
    struct scene *scene = *state;
    sim_fault(desk_sim, "{\"path\":\"" LOGIN_PATH "\",\"times\":-1,\"action\":{\"delay_ms\":250}}");
    list_in(scene, PROCESSES);
    for (size_t i = 0; i < PROCESSES; i++) {
        expect_success(scene, i);
    }
    assert_int_equal(login_requests(), 1);
}

static void a_token_that_was_logged_out_is_renewed_once_for_all_processes(void **state)
{
    struct scene *scene = *state;
    list_in(scene, PROCESSES);
    sim_expire_token(desk_sim, "acme");
    list_in(scene, PROCESSES);
    for (size_t i = 0; i < PROCESSES; i++) {
        expect_success(scene, i);
    }
    assert_int_equal(login_requests(), 2);
}

static void a_shared_token_that_is_dead_already_is_renewed(void **state)
{
    struct scene *scene = *state;
    list_as(scene, 0);
    sim_expire_token(desk_sim, "acme");
    /* The second process finds the dead one in Redis. */
    list_as(scene, 1);
    expect_success(scene, 1);
    sim_expire_token(desk_sim, "acme");
    /* The first one's is dead, and so is what it finds then. */
    list_as(scene, 0);
    expect_success(scene, 0);
    assert_int_equal(login_requests(), 3);
}

/* ---- The budget ---- */

static void all_processes_together_make_no_more_than_three_logins_in_a_while(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 3; i++) {
        list_as(scene, i);
        expect_success(scene, i);
        sim_expire_token(desk_sim, "acme");
    }
    list_in(scene, PROCESSES);
    for (size_t i = 0; i < PROCESSES; i++) {
        expect_failure(scene, i, OMNITRON_THROTTLED);
        assert_in_range(scene->parts[i].failure.retry_after_ms, 1, LOGINS_WINDOW_MS);
        assert_non_null(strstr(scene->parts[i].failure.error.text, "3 logins"));
    }
    assert_int_equal(login_requests(), 3);
    assert_in_range(redis_int(scene->redis, "PTTL " RECORD), 1, 24 * 3600 * 1000);
}

static void a_true_403_stays_one_when_no_login_is_left(void **state)
{
    struct scene *scene = *state;
    list_as(scene, 0);
    expect_success(scene, 0);
    for (size_t i = 0; i < 2; i++) {
        sim_expire_token(desk_sim, "acme");
        list_as(scene, 0);
    }
    sim_fault(desk_sim, "{\"path\":\"/whisperer/\",\"times\":-1,"
                        "\"action\":{\"status\":403,\"json\":{\"detail\":\"No permission.\"}}}");
    list_as(scene, 1);
    expect_failure(scene, 1, OMNITRON_FORBIDDEN);
    assert_non_null(strstr(scene->parts[1].failure.error.text, "No permission."));
    assert_int_equal(login_requests(), 3);
}

static bool no_login_is_counted(void *arg)
{
    struct scene *scene = arg;
    const char *times = redis_text(scene->redis, "HGET " RECORD " times");
    return times != NULL && times[0] == '\0';
}

static void logins_that_got_no_answer_use_up_nothing(void **state)
{
    struct scene *scene = *state;
    sim_fault(desk_sim, "{\"path\":\"" LOGIN_PATH "\",\"times\":12,\"action\":{\"status\":502}}");
    for (size_t i = 0; i < 4; i++) {
        list_as(scene, i % PROCESSES);
        expect_failure(scene, i % PROCESSES, OMNITRON_UNREACHABLE);
        assert_loop_reaches(scene->loop, no_login_is_counted, scene, LIMIT_MS);
    }
    list_as(scene, 0);
    expect_success(scene, 0);
}

static void the_logins_of_a_while_ago_do_not_count(void **state)
{
    struct scene *scene = *state;
    redis_do(scene->redis, "HSET " RECORD " times %s", "1000 2000 3000");
    list_as(scene, 0);
    expect_success(scene, 0);
}

static void a_clock_that_was_set_back_blocks_logins_for_one_window_at_most(void **state)
{
    struct scene *scene = *state;
    redis_do(scene->redis, "HSET " RECORD " times %s holder x hold_until %s",
             "9000000000000 9000000000000 9000000000000", "9000000000000");
    list_as(scene, 0);
    expect_failure(scene, 0, OMNITRON_THROTTLED);
    assert_in_range(scene->parts[0].failure.retry_after_ms, 1, LOGINS_WINDOW_MS);
}

static void a_process_that_died_in_mid_login_holds_up_the_others_for_a_login_at_most(void **state)
{
    struct scene *scene = *state;
    redis_do(scene->redis, "EVAL %s 0 " RECORD,
             "local t = redis.call('TIME') "
             "redis.call('HSET', ARGV[1], 'holder', 'gone', 'hold_until', "
             "string.format('%.0f', t[1] * 1000 + 700))");
    list_in(scene, PROCESSES);
    for (size_t i = 0; i < PROCESSES; i++) {
        expect_success(scene, i);
    }
    assert_int_equal(login_requests(), 1);
}

/* ---- Refusals ---- */

static void a_refused_login_is_not_tried_again_by_any_process(void **state)
{
    struct scene *scene = *state;
    sim_fault(desk_sim, "{\"path\":\"" LOGIN_PATH "\",\"times\":-1,\"action\":{\"status\":400,"
                        "\"json\":{\"non_field_errors\":[\"Unable to log in.\"]}}}");
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < PROCESSES; i++) {
            list_as(scene, i);
            expect_failure(scene, i, OMNITRON_CREDENTIALS);
            assert_non_null(strstr(scene->parts[i].failure.error.text, "Unable to log in."));
        }
    }
    assert_int_equal(login_requests(), 1);
    assert_int_equal(sim_counter(desk_sim, "requests"), 1);
}

static void corrected_credentials_are_tried_at_once(void **state)
{
    struct scene *scene = *state;
    struct settings *wrong =
        omnitron_desk_settings(desk_sim, SETTING, "\"username\":\"acme\",\"password\":\"wrong\"");
    for (size_t i = 0; i < 2; i++) {
        use_account(scene, i, wrong, settings_find_account(wrong, "acme"));
        list_as(scene, i);
        expect_failure(scene, i, OMNITRON_CREDENTIALS);
    }
    use_account(scene, 0, scene->settings, &scene->account);
    for (size_t i = 0; i < PROCESSES; i += 2) {
        list_as(scene, i);
        expect_success(scene, i);
    }
    assert_int_equal(login_requests(), 2);
    use_account(scene, 1, scene->settings, &scene->account);
    settings_unref(wrong);
}

/* ---- What Redis holds, and when it is away ---- */

static bool holds(const struct redis_list *list, const char *text)
{
    bool is_found = false;
    for (size_t i = 0; i < list->size; i++) {
        is_found = is_found || strstr(list->items[i], text) != NULL;
    }
    return is_found;
}

static void redis_never_holds_token_or_password(void **state)
{
    struct scene *scene = *state;
    list_in(scene, PROCESSES);
    const struct redis_list *keys = redis_list(scene->redis, "KEYS *");
    assert_int_equal(keys->size, 1);
    assert_string_equal(keys->items[0], RECORD);
    const struct redis_list *record = redis_list(scene->redis, "HGETALL " RECORD);
    assert_true(holds(record, "seal"));
    assert_false(holds(record, "t0ken"));
    assert_false(holds(record, "pw"));
}

static void an_account_without_api_keys_shares_the_budget_but_no_token(void **state)
{
    struct scene *scene = *state;
    struct account alone = scene->account;
    alone.api_key_count = 0;
    for (size_t i = 0; i < PROCESSES; i++) {
        use_account(scene, i, scene->settings, &alone);
        list_as(scene, i);
        expect_success(scene, i);
    }
    assert_int_equal(login_requests(), 3);
    assert_null(redis_text(scene->redis, "HGET " RECORD " seal"));
    sim_expire_token(desk_sim, "acme");
    list_as(scene, 0);
    expect_failure(scene, 0, OMNITRON_THROTTLED);
    for (size_t i = 0; i < PROCESSES; i++) {
        use_account(scene, i, scene->settings, &scene->account);
    }
}

static void without_redis_each_process_logs_in_and_counts_for_itself(void **state)
{
    struct scene *scene = *state;
    redis_fixture_kill(scene->redis);
    for (size_t round = 0; round < 3; round++) {
        list_in(scene, 2);
        expect_success(scene, 0);
        expect_success(scene, 1);
        sim_expire_token(desk_sim, "acme");
    }
    list_as(scene, 0);
    expect_failure(scene, 0, OMNITRON_THROTTLED);
    redis_fixture_start(scene->redis);
}

static void a_process_that_stops_in_mid_login_frees_it_for_the_others(void **state)
{
    struct scene *scene = *state;
    sim_fault(desk_sim, "{\"path\":\"" LOGIN_PATH "\",\"times\":1,\"action\":{\"hang\":true}}");
    (void)omnitron_list(scene->parts[0].omnitron, on_list, &scene->parts[0]);
    (void)omnitron_list(scene->parts[1].omnitron, on_list, &scene->parts[1]);
    while (login_requests() == 0) {
        loop_turn(scene->loop);
    }
    omnitron_free(scene->parts[0].omnitron);
    scene->parts[0].omnitron = NULL;
    list_as(scene, 2);
    expect_success(scene, 2);
    assert_int_equal(login_requests(), 2);
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(processes_that_start_one_after_the_other_share_one_login),
        SCENE(processes_that_start_at_once_make_one_login),
        SCENE(a_token_that_was_logged_out_is_renewed_once_for_all_processes),
        SCENE(a_shared_token_that_is_dead_already_is_renewed),
        SCENE(all_processes_together_make_no_more_than_three_logins_in_a_while),
        SCENE(a_true_403_stays_one_when_no_login_is_left),
        SCENE(logins_that_got_no_answer_use_up_nothing),
        SCENE(the_logins_of_a_while_ago_do_not_count),
        SCENE(a_clock_that_was_set_back_blocks_logins_for_one_window_at_most),
        SCENE(a_process_that_died_in_mid_login_holds_up_the_others_for_a_login_at_most),
        SCENE(a_refused_login_is_not_tried_again_by_any_process),
        SCENE(corrected_credentials_are_tried_at_once),
        SCENE(redis_never_holds_token_or_password),
        SCENE(an_account_without_api_keys_shares_the_budget_but_no_token),
        SCENE(without_redis_each_process_logs_in_and_counts_for_itself),
        SCENE(a_process_that_stops_in_mid_login_frees_it_for_the_others),
    };
    return cmocka_run_group_tests(tests, omnitron_desk_start_sim, omnitron_desk_stop_sim);
}
