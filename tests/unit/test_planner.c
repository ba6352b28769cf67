/* What a setting and a list make necessary under each policy. */
#include "common/mem.h"
#include "common/planner.h"
#include "common/random_id.h"
#include "tests/support/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Building ---- */

static void parse_webhook(struct webhook *webhook, json_t *entry)
{
    struct faults faults = {0};
    if (!webhook_parse(webhook, entry, "webhook", &faults)) {
        fail_msg("%s", faults.lines[0]);
    }
    faults_clear(&faults);
}

static struct account make_account_of(const json_t *webhooks)
{
    struct account account = {.name = mem_copy_text("acme")};
    account.webhook_count = json_array_size(webhooks);
    account.webhooks = mem_new(account.webhook_count, sizeof *account.webhooks);
    for (size_t i = 0; i < account.webhook_count; i++) {
        parse_webhook(&account.webhooks[i], json_array_get(webhooks, i));
    }
    return account;
}

static struct account make_account(const char *webhooks)
{
    json_t *array = json_loads(webhooks, 0, NULL);
    assert_non_null(array);
    struct account account = make_account_of(array);
    json_decref(array);
    return account;
}

static void clear_account(struct account *account)
{
    for (size_t i = 0; i < account->webhook_count; i++) {
        webhook_clear(&account->webhooks[i]);
    }
    mem_free(account->webhooks);
    mem_free(account->name);
}

/* The list that an Omnitron with these rows gives. */
static struct hook_list *make_list(const json_t *rows)
{
    struct hook_list *list = mem_new(1, sizeof *list);
    list->hooks = mem_new(json_array_size(rows), sizeof *list->hooks);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        char *text = json_dumps(json_array_get(rows, i), JSON_COMPACT);
        struct json_slice row;
        assert_true(json_slice_init(&row, text, strlen(text)));
        assert_true(registered_hook_parse(&list->hooks[i], &row, NULL));
        free(text);
        list->count++;
    }
    return list;
}

static void free_list(struct hook_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        registered_hook_clear(&list->hooks[i]);
    }
    mem_free(list->hooks);
    mem_free(list);
}

struct fixture {
    struct account account;
    struct hook_list *list;
    struct plan *plan;
};

static void tear_down(struct fixture *f)
{
    plan_free(f->plan);
    free_list(f->list);
    clear_account(&f->account);
}

static struct fixture make_plan(const char *webhooks, const char *rows,
                                enum inactive_policy inactive, enum drift_policy drift)
{
    struct fixture f = {.account = make_account(webhooks)};
    f.account.inactive = inactive;
    f.account.drift = drift;
    json_t *array = json_loads(rows, 0, NULL);
    assert_non_null(array);
    f.list = make_list(array);
    json_decref(array);
    f.plan = plan_make(&f.account, f.list);
    assert_int_equal(f.plan->count, f.account.webhook_count);
    return f;
}

static const struct plan_warning *find_warning(const struct plan *plan, enum plan_warning_kind kind)
{
    for (size_t i = 0; i < plan->warning_count; i++) {
        if (plan->warnings[i].kind == kind) {
            return &plan->warnings[i];
        }
    }
    return NULL;
}

#define HOOK(more) "{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h\"" more "}"
#define ROW(id, more)                                                                              \
    "{\"id\":" id ",\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h\"" more "}"

/* Plans one webhook, expects one action. */
static void expect(const char *webhook, const char *rows, enum inactive_policy inactive,
                   enum drift_policy drift, struct plan_action expected)
{
    struct fixture f = make_plan(webhook, rows, inactive, drift);
    const struct plan_action *action = &f.plan->actions[0];
    assert_int_equal(action->kind, expected.kind);
    assert_int_equal(action->id, expected.id);
    assert_int_equal(action->fields, expected.fields);
    assert_int_equal(action->is_kept_inactive, expected.is_kept_inactive);
    assert_ptr_equal(action->webhook, &f.account.webhooks[0]);
    assert_int_equal(f.plan->counts[expected.kind], 1);
    assert_int_equal(plan_is_required(f.plan), expected.kind == PLAN_CREATE ||
                                                   expected.kind == PLAN_REACTIVATE ||
                                                   expected.kind == PLAN_UPDATE);
    tear_down(&f);
}

#define ACTION(...) ((struct plan_action){__VA_ARGS__})

/* ---- Registered or not ---- */

static void what_is_not_registered_is_created(void **state)
{
    (void)state;
    expect("[" HOOK("") "]", "[]", INACTIVE_REACTIVATE, DRIFT_REPORT, ACTION(.kind = PLAN_CREATE));
    expect("[" HOOK(",\"is_active\":false") "]", "[]", INACTIVE_KEEP, DRIFT_IGNORE,
           ACTION(.kind = PLAN_CREATE));
}

static void what_is_registered_needs_nothing(void **state)
{
    (void)state;
    expect("[" HOOK("") "]", "[" ROW("7", ",\"is_active\":true") "]", INACTIVE_REACTIVATE,
           DRIFT_UPDATE, ACTION(.kind = PLAN_REGISTERED, .id = 7));
    /* A row that does not say counts as active. */
    expect("[" HOOK("") "]", "[" ROW("7", "") "]", INACTIVE_REACTIVATE, DRIFT_UPDATE,
           ACTION(.kind = PLAN_REGISTERED, .id = 7));
}

static void only_the_same_bytes_are_the_same_webhook(void **state)
{
    (void)state;
    static const char *const others[] = {
        "[{\"id\":1,\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h/\"}]",
        "[{\"id\":1,\"event_type\":\"a.b\",\"target_url\":\"https://X.example/h\"}]",
        "[{\"id\":1,\"event_type\":\"a.b\",\"target_url\":\"https://x.example/H\"}]",
        "[{\"id\":1,\"event_type\":\"A.b\",\"target_url\":\"https://x.example/h\"}]",
        "[{\"id\":1,\"event_type\":\"a-b\",\"target_url\":\"https://x.example/h\"}]",
        "[{\"id\":1,\"event_type\":\"a.b.c\",\"target_url\":\"https://x.example/h\"}]",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        expect("[" HOOK("") "]", others[i], INACTIVE_REACTIVATE, DRIFT_UPDATE,
               ACTION(.kind = PLAN_CREATE));
    }
}

static void an_empty_setting_needs_nothing(void **state)
{
    (void)state;
    struct fixture f = make_plan("[]", "[" ROW("1", "") "]", INACTIVE_REACTIVATE, DRIFT_UPDATE);
    assert_int_equal(f.plan->count, 0);
    assert_false(plan_is_required(f.plan));
    assert_int_equal(f.plan->warning_count, 0);
    tear_down(&f);
}

/* ---- Inactive ---- */

static void an_inactive_row_is_reactivated_or_kept_as_the_policy_says(void **state)
{
    (void)state;
    static const char row[] = "[" ROW("7", ",\"is_active\":false") "]";
    expect("[" HOOK("") "]", row, INACTIVE_REACTIVATE, DRIFT_IGNORE,
           ACTION(.kind = PLAN_REACTIVATE, .id = 7, .fields = WEBHOOK_IS_ACTIVE));
    expect("[" HOOK(",\"is_active\":true") "]", row, INACTIVE_REACTIVATE, DRIFT_REPORT,
           ACTION(.kind = PLAN_REACTIVATE, .id = 7, .fields = WEBHOOK_IS_ACTIVE));
    expect("[" HOOK("") "]", row, INACTIVE_KEEP, DRIFT_UPDATE,
           ACTION(.kind = PLAN_REGISTERED, .id = 7, .is_kept_inactive = true));
    struct fixture f = make_plan("[" HOOK("") "]", row, INACTIVE_KEEP, DRIFT_REPORT);
    assert_non_null(find_warning(f.plan, PLAN_INACTIVE));
    tear_down(&f);
}

static void a_paused_webhook_must_be_there_and_paused(void **state)
{
    (void)state;
    static const char paused[] = "[" HOOK(",\"is_active\":false") "]";
    static const char active_row[] = "[" ROW("7", ",\"is_active\":true") "]";
    expect(paused, "[" ROW("7", ",\"is_active\":false") "]", INACTIVE_REACTIVATE, DRIFT_UPDATE,
           ACTION(.kind = PLAN_REGISTERED, .id = 7));
    expect(paused, active_row, INACTIVE_REACTIVATE, DRIFT_UPDATE,
           ACTION(.kind = PLAN_UPDATE, .id = 7, .fields = WEBHOOK_IS_ACTIVE));
    expect(paused, active_row, INACTIVE_REACTIVATE, DRIFT_REPORT,
           ACTION(.kind = PLAN_DRIFTED, .id = 7, .fields = WEBHOOK_IS_ACTIVE));
    expect(paused, active_row, INACTIVE_REACTIVATE, DRIFT_IGNORE,
           ACTION(.kind = PLAN_REGISTERED, .id = 7));
}

/* ---- Drift ---- */

static void drift_is_updated_reported_or_ignored_as_the_policy_says(void **state)
{
    (void)state;
    static const char webhook[] = "[" HOOK(",\"secret_key\":\"new\",\"config\":{\"a\":1}") "]";
    static const char row[] = "[" ROW("7", ",\"secret_key\":\"old\",\"config\":{\"a\":2},"
                                           "\"callback\":\"not.named\"") "]";
    unsigned fields = WEBHOOK_SECRET_KEY | WEBHOOK_CONFIG;
    expect(webhook, row, INACTIVE_KEEP, DRIFT_UPDATE,
           ACTION(.kind = PLAN_UPDATE, .id = 7, .fields = fields));
    expect(webhook, row, INACTIVE_KEEP, DRIFT_REPORT,
           ACTION(.kind = PLAN_DRIFTED, .id = 7, .fields = fields));
    expect(webhook, row, INACTIVE_KEEP, DRIFT_IGNORE, ACTION(.kind = PLAN_REGISTERED, .id = 7));
}

static void a_reactivation_sets_drifting_fields_too_when_they_are_to_be_updated(void **state)
{
    (void)state;
    static const char webhook[] = "[" HOOK(",\"secret_key\":\"new\"") "]";
    static const char row[] = "[" ROW("7", ",\"secret_key\":\"old\",\"is_active\":false") "]";
    expect(
        webhook, row, INACTIVE_REACTIVATE, DRIFT_UPDATE,
        ACTION(.kind = PLAN_REACTIVATE, .id = 7, .fields = WEBHOOK_IS_ACTIVE | WEBHOOK_SECRET_KEY));
    expect(webhook, row, INACTIVE_REACTIVATE, DRIFT_REPORT,
           ACTION(.kind = PLAN_REACTIVATE, .id = 7, .fields = WEBHOOK_IS_ACTIVE));
    expect(webhook, row, INACTIVE_KEEP, DRIFT_UPDATE,
           ACTION(.kind = PLAN_UPDATE, .id = 7, .fields = WEBHOOK_SECRET_KEY,
                  .is_kept_inactive = true));
}

/* ---- Two rows, near misses, warnings ---- */

static void of_two_rows_an_active_one_counts_and_the_double_is_told(void **state)
{
    (void)state;
    static const char rows[] = "[" ROW("1", ",\"is_active\":false") "," ROW(
        "2", ",\"is_active\":true") "," ROW("3", ",\"is_active\":true") "]";
    expect("[" HOOK("") "]", rows, INACTIVE_REACTIVATE, DRIFT_REPORT,
           ACTION(.kind = PLAN_REGISTERED, .id = 2));
    struct fixture f = make_plan("[" HOOK("") "]", rows, INACTIVE_REACTIVATE, DRIFT_REPORT);
    assert_non_null(find_warning(f.plan, PLAN_DOUBLE));
    assert_int_equal(f.plan->warning_count, 1);
    tear_down(&f);
}

static void of_two_inactive_rows_one_is_reactivated(void **state)
{
    (void)state;
    expect("[" HOOK("") "]",
           "[" ROW("1", ",\"is_active\":false") "," ROW("2", ",\"is_active\":false") "]",
           INACTIVE_REACTIVATE, DRIFT_REPORT,
           ACTION(.kind = PLAN_REACTIVATE, .id = 1, .fields = WEBHOOK_IS_ACTIVE));
}

static bool is_near_miss(const char *target_url)
{
    json_t *rows =
        json_pack("[{s:i, s:s, s:s}]", "id", 1, "event_type", "a.b", "target_url", target_url);
    char *text = json_dumps(rows, 0);
    json_decref(rows);
    struct fixture f =
        make_plan("[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h%2Fi?q=1\"}]", text,
                  INACTIVE_REACTIVATE, DRIFT_REPORT);
    free(text);
    const struct plan_warning *warning = find_warning(f.plan, PLAN_NEAR_MISS);
    bool is_told = warning != NULL;
    if (is_told) {
        assert_non_null(strstr(warning->detail, target_url));
    }
    assert_int_equal(f.plan->actions[0].kind, PLAN_CREATE);
    tear_down(&f);
    return is_told;
}

static void a_row_that_differs_only_in_what_people_overlook_is_a_near_miss(void **state)
{
    (void)state;
    assert_true(is_near_miss("https://x.example/h%2Fi/?q=1"));
    assert_true(is_near_miss("http://x.example/h%2Fi?q=1"));
    assert_true(is_near_miss("HTTPS://X.Example/h%2Fi?q=1"));
    assert_true(is_near_miss("https://x.example:443/h%2Fi?q=1"));
    assert_true(is_near_miss("http://x.example:80/h%2Fi?q=1"));
    assert_true(is_near_miss("https://x.example/h%2fi?q=1"));
    assert_false(is_near_miss("https://x.example:80/h%2Fi?q=1"));
    assert_false(is_near_miss("https://x.example/H%2Fi?q=1"));
    assert_false(is_near_miss("https://x.example/h%2Fi?q=2"));
    assert_false(is_near_miss("https://x.example/h%2Fi"));
    assert_false(is_near_miss("https://y.example/h%2Fi?q=1"));
    assert_false(is_near_miss("no url at all"));
    assert_false(is_near_miss(""));
}

static void a_row_of_the_setting_is_no_near_miss_of_another_webhook(void **state)
{
    (void)state;
    struct fixture f =
        make_plan("[" HOOK("") ",{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h/\"}]",
                  "[" ROW("1", "") "]", INACTIVE_REACTIVATE, DRIFT_REPORT);
    assert_int_equal(f.plan->counts[PLAN_CREATE], 1);
    assert_null(find_warning(f.plan, PLAN_NEAR_MISS));
    tear_down(&f);
}

static void a_list_that_is_unstable_or_shows_nothing_is_told(void **state)
{
    (void)state;
    struct fixture f = make_plan("[" HOOK("") "]", "[]", INACTIVE_REACTIVATE, DRIFT_REPORT);
    assert_non_null(find_warning(f.plan, PLAN_NOTHING_VISIBLE));
    assert_null(find_warning(f.plan, PLAN_LIST_UNSTABLE));
    plan_free(f.plan);
    f.list->is_unstable = true;
    f.plan = plan_make(&f.account, f.list);
    assert_non_null(find_warning(f.plan, PLAN_LIST_UNSTABLE));
    tear_down(&f);
}

static void warnings_have_a_limit(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    json_t *webhooks = json_array();
    json_t *rows = json_array();
    for (int i = 0; i < COUNT; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "https://x.example/%d", i);
        json_array_append_new(webhooks,
                              json_pack("{s:s, s:s}", "event_type", "a.b", "target_url", url));
        (void)snprintf(url, sizeof url, "https://x.example/%d/", i);
        json_array_append_new(
            rows, json_pack("{s:i, s:s, s:s}", "id", i, "event_type", "a.b", "target_url", url));
    }
    char *webhooks_text = json_dumps(webhooks, 0);
    char *rows_text = json_dumps(rows, 0);
    struct fixture f = make_plan(webhooks_text, rows_text, INACTIVE_REACTIVATE, DRIFT_REPORT);
    assert_int_equal(f.plan->counts[PLAN_CREATE], COUNT);
    assert_int_equal(f.plan->warning_count, 1000);
    tear_down(&f);
    free(webhooks_text);
    free(rows_text);
    json_decref(webhooks);
    json_decref(rows);
}

/* ---- The document ---- */

static void the_document_has_the_published_shape_and_no_secret(void **state)
{
    (void)state;
    struct fixture f =
        make_plan("[" HOOK(",\"secret_key\":\"s3cret\"") ",{\"event_type\":\"a.c\",\"target_url\":"
                                                         "\"https://x.example/h\"}]",
                  "[" ROW("1", ",\"secret_key\":\"0ther\"") "]", INACTIVE_REACTIVATE, DRIFT_UPDATE);
    json_t *document = plan_to_json(f.plan, &f.account);
    json_t *expected = json_loads(
        "{\"account\":\"acme\",\"required\":true,"
        "\"counts\":{\"create\":1,\"reactivate\":0,\"update\":1,\"drifted\":0,\"registered\":0},"
        "\"webhooks\":[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/h\","
        "\"action\":\"update\",\"fields\":[\"secret_key\"]},"
        "{\"event_type\":\"a.c\",\"target_url\":\"https://x.example/h\",\"action\":\"create\","
        "\"fields\":[]}],\"warnings\":[]}",
        0, NULL);
    assert_true(json_equal(document, expected));
    json_decref(document);
    json_decref(expected);
    tear_down(&f);
}

static void a_warning_about_the_whole_names_no_webhook(void **state)
{
    (void)state;
    struct fixture f = make_plan("[" HOOK("") "]", "[]", INACTIVE_REACTIVATE, DRIFT_REPORT);
    json_t *document = plan_to_json(f.plan, &f.account);
    json_t *warning = json_array_get(json_object_get(document, "warnings"), 0);
    assert_true(json_is_null(json_object_get(warning, "event_type")));
    assert_string_equal(json_string_value(json_object_get(warning, "warning")), "nothing_visible");
    json_decref(document);
    tear_down(&f);
}

/* ---- Random settings, lists and policies ---- */

static struct chance chance;

static unsigned pick(unsigned count)
{
    return (unsigned)chance_pick(&chance, count);
}

static void maybe_set(json_t *object, const char *key, const char *const *values, unsigned count)
{
    unsigned choice = pick(count + 1);
    if (choice < count) {
        json_object_set_new(object, key, json_loads(values[choice], JSON_DECODE_ANY, NULL));
    }
}

/* A webhook or a row of few keys and few values, so that all cases meet. */
static json_t *random_hook(unsigned url, unsigned event)
{
    static const char *const urls[] = {"https://x.example/h", "https://x.example/h/",
                                       "http://x.example/h"};
    static const char *const events[] = {"a.b", "a.c"};
    static const char *const booleans[] = {"true", "false"};
    static const char *const secrets[] = {"\"one\"", "\"two\""};
    static const char *const configs[] = {"{}", "{\"channel\":1}"};
    static const char *const callbacks[] = {"\"a.b\"", "null"};
    static const char *const headers[] = {"{\"A\":\"b\"}", "{\"A\":\"c\"}"};
    static const char *const countdowns[] = {
        "{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}}",
        "{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":\"60\"}}",
        "{\"choice\":\"linear\",\"kwargs\":{\"base\":2,\"limit\":9}}"};
    json_t *hook = json_pack("{s:s, s:s}", "event_type", events[event], "target_url", urls[url]);
    maybe_set(hook, "is_active", booleans, 2);
    maybe_set(hook, "secret_key", secrets, 2);
    maybe_set(hook, "config", configs, 2);
    maybe_set(hook, "callback", callbacks, 2);
    maybe_set(hook, "additional_headers", headers, 2);
    maybe_set(hook, "retry_countdown_config", countdowns, 3);
    return hook;
}

static json_t *find_row(const json_t *rows, int64_t id)
{
    size_t i = 0;
    while (json_integer_value(json_object_get(json_array_get(rows, i), "id")) != id) {
        i++;
        assert_true(i < json_array_size(rows));
    }
    return json_array_get(rows, i);
}

static void apply_action(const struct plan_action *action, json_t *rows)
{
    if (action->kind == PLAN_CREATE) {
        json_t *row = webhook_create_body(action->webhook);
        json_object_set_new(row, "id", json_integer(1000 + (json_int_t)json_array_size(rows)));
        json_array_append_new(rows, row);
    } else if (action->kind == PLAN_REACTIVATE || action->kind == PLAN_UPDATE) {
        json_t *patch = webhook_patch_body(action->webhook, action->fields);
        json_object_update(find_row(rows, action->id), patch);
        json_decref(patch);
    }
}

/* Does what the plan says; true when a row changed or came. */
static bool apply(const struct plan *plan, json_t *rows)
{
    json_t *before = json_deep_copy(rows);
    for (size_t i = 0; i < plan->count; i++) {
        apply_action(&plan->actions[i], rows);
    }
    bool is_changed = !json_equal(before, rows);
    json_decref(before);
    return is_changed;
}

/* Plans and executes once; whether it was required. */
static bool execute(const struct account *account, json_t *rows)
{
    struct hook_list *list = make_list(rows);
    struct plan *plan = plan_make(account, list);
    bool is_required = plan_is_required(plan);
    assert_int_equal(is_required, apply(plan, rows));
    plan_free(plan);
    free_list(list);
    return is_required;
}

/* Each of six keys may be in the setting, and none to three times in the list. */
static void fill_at_random(json_t *webhooks, json_t *rows)
{
    for (unsigned key = 0; key < 6; key++) {
        if (pick(2) == 0) {
            json_array_append_new(webhooks, random_hook(key % 3, key / 3));
        }
        for (unsigned copies = pick(4); copies > 0; copies--) {
            json_t *row = random_hook(key % 3, key / 3);
            json_object_set_new(row, "id", json_integer((json_int_t)json_array_size(rows) + 1));
            json_array_append_new(rows, row);
        }
    }
}

/* PLANNER_SEED has the cases of a run again. */
static uint64_t choose_seed(void)
{
    const char *given = getenv("PLANNER_SEED");
    uint64_t seed = given == NULL ? random_bits() : strtoull(given, NULL, 10);
    print_message("PLANNER_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void execute_is_required_exactly_when_it_changes_something(void **state)
{
    (void)state;
    enum { CASES = 6000 };
    uint64_t seed = choose_seed();
    unsigned required_count = 0;
    for (unsigned i = 0; i < CASES; i++) {
        chance = chance_start(seed, i);
        json_t *webhooks = json_array();
        json_t *rows = json_array();
        fill_at_random(webhooks, rows);
        struct account account = make_account_of(webhooks);
        account.inactive = (enum inactive_policy)pick(2);
        account.drift = (enum drift_policy)pick(3);
        /* A paused webhook with three active rows takes one execute for each of them. */
        unsigned rounds = 0;
        while (execute(&account, rows)) {
            rounds++;
            assert_true(rounds <= 3);
        }
        required_count += rounds > 0;
        clear_account(&account);
        json_decref(webhooks);
        json_decref(rows);
    }
    /* Both answers have been met often. */
    assert_in_range(required_count, CASES / 10, CASES * 9 / 10 + CASES / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_registered_is_created),
        cmocka_unit_test(what_is_registered_needs_nothing),
        cmocka_unit_test(only_the_same_bytes_are_the_same_webhook),
        cmocka_unit_test(an_empty_setting_needs_nothing),
        cmocka_unit_test(an_inactive_row_is_reactivated_or_kept_as_the_policy_says),
        cmocka_unit_test(a_paused_webhook_must_be_there_and_paused),
        cmocka_unit_test(drift_is_updated_reported_or_ignored_as_the_policy_says),
        cmocka_unit_test(a_reactivation_sets_drifting_fields_too_when_they_are_to_be_updated),
        cmocka_unit_test(of_two_rows_an_active_one_counts_and_the_double_is_told),
        cmocka_unit_test(of_two_inactive_rows_one_is_reactivated),
        cmocka_unit_test(a_row_that_differs_only_in_what_people_overlook_is_a_near_miss),
        cmocka_unit_test(a_row_of_the_setting_is_no_near_miss_of_another_webhook),
        cmocka_unit_test(a_list_that_is_unstable_or_shows_nothing_is_told),
        cmocka_unit_test(warnings_have_a_limit),
        cmocka_unit_test(the_document_has_the_published_shape_and_no_secret),
        cmocka_unit_test(a_warning_about_the_whole_names_no_webhook),
        cmocka_unit_test(execute_is_required_exactly_when_it_changes_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
