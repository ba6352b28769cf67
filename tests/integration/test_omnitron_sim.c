/* The simulator answers as Omnitron's own software does: authentication, fields, and rows. */
#include "common/mem.h"
#include "tests/support/omnitron_call.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define COUNTDOWN "\"retry_countdown_config\":{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}}"
#define HOOK "{\"event_type\":\"a.b\",\"target_url\":\"https://x/\"," COUNTDOWN "}"
#define HOOK_OTHER "{\"event_type\":\"a.b\",\"target_url\":\"https://y/\"," COUNTDOWN "}"

static const char hooks[] = "/whisperer/hooks/";

static int begin(void **state)
{
    sim_reset(*state);
    sim_add_user(*state, "root", "root-pw", "root-token", true);
    sim_add_user(*state, "ann", "ann-pw", "ann-token", false);
    sim_add_user(*state, "bob", "bob-pw", "bob-token", false);
    return 0;
}

/* With these headers instead of a good token. */
static void expect_with(struct sim *sim, const struct http_call *call, int status,
                        const char *expected)
{
    struct http_call complete = *call;
    complete.address = sim_address(sim);
    struct http_answer *answer = http_call(&complete);
    json_t *wanted = expected == NULL ? NULL : json_loads(expected, 0, NULL);
    assert_int_equal(answer->status, status);
    assert_true(wanted == NULL || json_equal(answer->json, wanted));
    json_decref(wanted);
    http_answer_free(answer);
}

static void expect_header(struct sim *sim, const char *token, const char *request, const char *name,
                          const char *expected)
{
    struct http_answer *answer = omnitron_call(sim, token, request, NULL);
    char *value = http_answer_header(answer, name);
    if (expected == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_string_equal(value, expected);
    }
    mem_free(value);
    http_answer_free(answer);
}

/* Authentication */

static void the_authorization_header_is_read_as_drf_reads_it(void **state)
{
    static const char missing[] = "{\"detail\":\"Authentication credentials were not provided.\"}";
    static const char empty[] = "{\"detail\":\"Invalid token header. No credentials provided.\"}";
    static const char spaced[] =
        "{\"detail\":\"Invalid token header. Token string should not contain spaces.\"}";
    static const char wrong[] = "{\"detail\":\"Invalid token.\"}";
    static const struct {
        const char *header;
        int status;
        const char *body;
    } rows[] = {
        {"Authorization: Token ann-token", 200, NULL},
        {"Authorization: token ann-token", 200, NULL},
        {"Authorization: TOKEN    ann-token", 200, NULL},
        {"X-Nothing: x", 401, missing},
        {"Authorization: Bearer ann-token", 401, missing},
        {"Authorization: Token", 401, empty},
        {"Authorization: Token a b", 401, spaced},
        {"Authorization: Token nobody", 401, wrong},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const headers[] = {rows[i].header, NULL};
        expect_with(*state, &(struct http_call){.method = "GET", .path = hooks, .headers = headers},
                    rows[i].status, rows[i].body);
    }
}

static void an_auth_failure_names_the_scheme_unless_it_is_a_403(void **state)
{
    expect_header(*state, "nobody", "GET /whisperer/hooks/", "WWW-Authenticate", "Token");
    sim_set(*state, "{\"auth_failure_status\":403}");
    omnitron_expect(*state, "nobody", "GET /whisperer/hooks/", NULL, 403,
                    "{\"detail\":\"Invalid token.\"}");
    expect_header(*state, "nobody", "GET /whisperer/hooks/", "WWW-Authenticate", NULL);
}

static void a_login_gives_the_token_there_is(void **state)
{
    static const char log_in[] = "POST /api/v1/auth/login/";
    static const char body[] = "{\"username\":\"ann\",\"password\":\"ann-pw\"}";
    omnitron_expect(*state, NULL, log_in, body, 200, "{\"key\":\"ann-token\"}");
    omnitron_expect(*state, NULL, log_in, body, 200, "{\"key\":\"ann-token\"}");
}

static void a_wrong_login_is_400_and_not_401(void **state)
{
    static const struct {
        const char *body;
        const char *answer;
    } rows[] = {
        {"{\"username\":\"ann\",\"password\":\"x\"}",
         "{\"non_field_errors\":[\"Unable to log in with provided credentials.\"]}"},
        {"{\"username\":\"zoe\",\"password\":\"x\"}",
         "{\"non_field_errors\":[\"Unable to log in with provided credentials.\"]}"},
        {"{\"username\":\"ann\"}", "{\"password\":[\"This field is required.\"]}"},
        {"{\"password\":\"x\"}",
         "{\"non_field_errors\":[\"Must include \\\"username\\\" and \\\"password\\\".\"]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        omnitron_expect(*state, NULL, "POST /api/v1/auth/login/", rows[i].body, 400,
                        rows[i].answer);
    }
}

static void a_logout_ends_the_token_for_everybody_and_a_login_makes_a_new_one(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /api/v1/auth/logout/", NULL, 200, NULL);
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/", NULL, 401,
                    "{\"detail\":\"Invalid token.\"}");
    struct http_answer *login = omnitron_call(*state, NULL, "POST /api/v1/auth/login/",
                                              "{\"username\":\"ann\",\"password\":\"ann-pw\"}");
    const char *key = http_answer_text(login, "key");
    assert_non_null(key);
    assert_int_equal(strlen(key), 40);
    assert_int_equal(strspn(key, "0123456789abcdef"), 40);
    omnitron_expect(*state, key, "GET /whisperer/hooks/", NULL, 200, NULL);
    http_answer_free(login);
}

static void active_user_tells_who_a_token_is(void **state)
{
    omnitron_expect(*state, NULL, "GET /api/v1/active_user/", NULL, 401, NULL);
    json_t *user = omnitron_read(*state, "bob-token", "/api/v1/active_user/");
    assert_string_equal(json_string_value(json_object_get(user, "username")), "bob");
    json_decref(user);
}

/* Paths, methods, media types */

static void a_path_without_its_last_slash_is_redirected_whatever_the_method(void **state)
{
    expect_header(*state, NULL, "POST /whisperer/hooks", "Location", "/whisperer/hooks/");
    expect_header(*state, NULL, "GET /whisperer/hooks?page=2", "Location",
                  "/whisperer/hooks/?page=2");
    expect_header(*state, NULL, "POST /api/v1/auth/login", "Location", "/api/v1/auth/login/");
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks", HOOK, 301, NULL);
    assert_int_equal(sim_hook_count(*state, "ann"), 0);
}

static void an_unknown_path_is_html_and_an_unknown_hook_is_json(void **state)
{
    struct http_answer *answer = omnitron_call(*state, "ann-token", "GET /whisperer/", NULL);
    assert_int_equal(answer->status, 404);
    assert_null(answer->json);
    http_answer_free(answer);
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/7/", NULL, 404,
                    "{\"detail\":\"Not found.\"}");
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/x/", NULL, 404,
                    "{\"detail\":\"Not found.\"}");
}

static void a_method_that_a_path_has_not_is_405_with_allow(void **state)
{
    omnitron_expect(*state, "ann-token", "PUT /whisperer/hooks/", HOOK, 405,
                    "{\"detail\":\"Method \\\"PUT\\\" not allowed.\"}");
    expect_header(*state, "ann-token", "PUT /whisperer/hooks/", "Allow",
                  "GET, POST, HEAD, OPTIONS");
    omnitron_expect(*state, NULL, "GET /api/v1/auth/login/", NULL, 405,
                    "{\"detail\":\"Method \\\"GET\\\" not allowed.\"}");
    omnitron_expect(*state, NULL, "PUT /whisperer/hooks/", HOOK, 401, NULL);
}

static void a_body_that_is_not_json_and_an_answer_that_may_not_be_are_refused(void **state)
{
    const char *const plain[] = {"Authorization: Token ann-token", "Content-Type: text/plain",
                                 NULL};
    const char *const html[] = {"Authorization: Token ann-token", "Accept: text/html", NULL};
    expect_with(
        *state,
        &(struct http_call){.method = "POST", .path = hooks, .headers = plain, .body = HOOK}, 415,
        "{\"detail\":\"Unsupported media type \\\"text/plain\\\" in request.\"}");
    expect_with(*state, &(struct http_call){.method = "GET", .path = hooks, .headers = html}, 406,
                "{\"detail\":\"Could not satisfy the request Accept header.\"}");
    struct http_answer *answer =
        omnitron_call(*state, "ann-token", "POST /whisperer/hooks/", "{\"a\":");
    assert_int_equal(answer->status, 400);
    assert_non_null(strstr(http_answer_text(answer, "detail"), "JSON parse error - "));
    http_answer_free(answer);
}

static void a_form_is_read_as_a_form(void **state)
{
    const char *const form[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    expect_with(*state,
                &(struct http_call){.method = "POST",
                                    .path = "/api/v1/auth/login/",
                                    .headers = form,
                                    .body = "username=ann&password=ann%2Dpw"},
                200, "{\"key\":\"ann-token\"}");
}

/* Rows */

static void a_new_hook_is_201_with_every_field_but_its_owner(void **state)
{
    struct http_answer *answer = omnitron_call(*state, "ann-token", "POST /whisperer/hooks/", HOOK);
    assert_int_equal(answer->status, 201);
    assert_int_equal(json_object_size(answer->json), 11);
    assert_non_null(http_answer_text(answer, "created_date"));
    assert_non_null(http_answer_text(answer, "modified_date"));
    json_object_del(answer->json, "created_date");
    json_object_del(answer->json, "modified_date");
    json_t *expected = json_loads(
        "{\"id\":1,\"event_type\":\"a.b\",\"target_url\":\"https://x/\",\"is_active\":true,"
        "\"secret_key\":null,\"callback\":null,\"additional_headers\":{},\"config\":{}," COUNTDOWN
        "}",
        0, NULL);
    assert_true(json_equal(answer->json, expected));
    json_decref(expected);
    http_answer_free(answer);
}

static void the_secret_key_is_shown_in_clear(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/",
                    "{\"event_type\":\"a\",\"target_url\":\"u\",\"secret_key\":\"hush\"," COUNTDOWN
                    "}",
                    201, NULL);
    struct http_answer *list = omnitron_call(*state, "ann-token", "GET /whisperer/hooks/", NULL);
    assert_non_null(strstr(list->body, "\"secret_key\":\"hush\""));
    http_answer_free(list);
}

static void the_key_is_unique_within_one_user_only(void **state)
{
    static const char already[] =
        "{\"code\":\"webhook_100_2\",\"en\":\"Webhook already registered\"}";
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 406, already);
    omnitron_expect(*state, "bob-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "root-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    assert_int_equal(sim_counter(*state, "duplicate_posts"), 1);
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "A.B", "https://x/"), 201);
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a.b", "https://X/"), 201);
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", " a.b ", " https://x/ "), 406);
}

static void a_delete_is_soft_and_only_a_patch_revives(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "ann-token", "DELETE /whisperer/hooks/1/", NULL, 204, NULL);
    omnitron_expect(*state, "ann-token", "DELETE /whisperer/hooks/1/", NULL, 204, NULL);
    json_t *hook = omnitron_read(*state, "ann-token", "/whisperer/hooks/1/");
    assert_true(json_is_false(json_object_get(hook, "is_active")));
    json_decref(hook);
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 406, NULL);
    omnitron_expect(*state, "ann-token", "PATCH /whisperer/hooks/1/", "{\"is_active\":true}", 200,
                    NULL);
    hook = omnitron_read(*state, "ann-token", "/whisperer/hooks/1/");
    assert_true(json_is_true(json_object_get(hook, "is_active")));
    json_decref(hook);
}

static void a_patch_changes_what_it_names_and_a_put_needs_all(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "ann-token", "PATCH /whisperer/hooks/1/", "{\"callback\":\"a.b\"}", 200,
                    NULL);
    omnitron_expect(*state, "ann-token", "PUT /whisperer/hooks/1/", "{\"callback\":\"c\"}", 400,
                    "{\"retry_countdown_config\":[\"This field is required.\"],"
                    "\"target_url\":[\"This field is required.\"],"
                    "\"event_type\":[\"This field is required.\"]}");
    omnitron_expect(*state, "ann-token", "PUT /whisperer/hooks/1/", HOOK_OTHER, 200, NULL);
    json_t *hook = omnitron_read(*state, "ann-token", "/whisperer/hooks/1/");
    assert_string_equal(json_string_value(json_object_get(hook, "target_url")), "https://y/");
    assert_string_equal(json_string_value(json_object_get(hook, "callback")), "a.b");
    json_decref(hook);
}

static void a_patch_into_another_rows_key_is_406(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK_OTHER, 201, NULL);
    static const char clash[] = "{\"target_url\":\"https://x/\"}";
    struct http_answer *answer =
        omnitron_call(*state, "ann-token", "PATCH /whisperer/hooks/2/", clash);
    assert_int_equal(answer->status, 406);
    assert_string_equal(http_answer_text(answer, "code"), "webhook_100_2");
    http_answer_free(answer);
    omnitron_expect(*state, "ann-token", "PATCH /whisperer/hooks/1/", clash, 200, NULL);
    /* Looked for among the superuser's own rows, the clash is found by the database alone. */
    omnitron_expect(*state, "root-token", "PATCH /whisperer/hooks/2/", clash, 500, NULL);
}

static void a_superusers_patch_does_not_change_the_owner(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "root-token", "PATCH /whisperer/hooks/1/", "{\"is_active\":false}", 200,
                    NULL);
    assert_int_equal(sim_hook_count(*state, "ann"), 1);
    assert_int_equal(sim_hook_count(*state, "root"), 0);
}

static void a_hook_of_another_user_is_not_found(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "bob-token", "GET /whisperer/hooks/1/", NULL, 404, NULL);
    omnitron_expect(*state, "bob-token", "PATCH /whisperer/hooks/1/", "{}", 404, NULL);
    omnitron_expect(*state, "bob-token", "DELETE /whisperer/hooks/1/", NULL, 404, NULL);
    omnitron_expect(*state, "root-token", "GET /whisperer/hooks/1/", NULL, 200, NULL);
}

/* The registry of event types */

static void an_old_version_has_no_registry_and_takes_any_event_type(void **state)
{
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/registry/", NULL, 404,
                    "{\"detail\":\"Not found.\"}");
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "any.thing", "https://x/"), 201);
}

static void a_new_version_knows_its_event_types(void **state)
{
    sim_set(*state, "{\"registry\":[\"a.b\",\"c.d\"],\"restrict_event_types\":true}");
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/registry/", NULL, 200,
                    "[\"a.b\",\"c.d\"]");
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", HOOK, 201, NULL);
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/",
                    "{\"event_type\":\"x\",\"target_url\":\"u\"," COUNTDOWN "}", 400,
                    "{\"event_type\":[\"\\\"x\\\" is not a valid choice.\"]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_authorization_header_is_read_as_drf_reads_it, begin),
        cmocka_unit_test_setup(an_auth_failure_names_the_scheme_unless_it_is_a_403, begin),
        cmocka_unit_test_setup(a_login_gives_the_token_there_is, begin),
        cmocka_unit_test_setup(a_wrong_login_is_400_and_not_401, begin),
        cmocka_unit_test_setup(a_logout_ends_the_token_for_everybody_and_a_login_makes_a_new_one,
                               begin),
        cmocka_unit_test_setup(active_user_tells_who_a_token_is, begin),
        cmocka_unit_test_setup(a_path_without_its_last_slash_is_redirected_whatever_the_method,
                               begin),
        cmocka_unit_test_setup(an_unknown_path_is_html_and_an_unknown_hook_is_json, begin),
        cmocka_unit_test_setup(a_method_that_a_path_has_not_is_405_with_allow, begin),
        cmocka_unit_test_setup(a_body_that_is_not_json_and_an_answer_that_may_not_be_are_refused,
                               begin),
        cmocka_unit_test_setup(a_form_is_read_as_a_form, begin),
        cmocka_unit_test_setup(a_new_hook_is_201_with_every_field_but_its_owner, begin),
        cmocka_unit_test_setup(the_secret_key_is_shown_in_clear, begin),
        cmocka_unit_test_setup(the_key_is_unique_within_one_user_only, begin),
        cmocka_unit_test_setup(a_delete_is_soft_and_only_a_patch_revives, begin),
        cmocka_unit_test_setup(a_patch_changes_what_it_names_and_a_put_needs_all, begin),
        cmocka_unit_test_setup(a_patch_into_another_rows_key_is_406, begin),
        cmocka_unit_test_setup(a_superusers_patch_does_not_change_the_owner, begin),
        cmocka_unit_test_setup(a_hook_of_another_user_is_not_found, begin),
        cmocka_unit_test_setup(an_old_version_has_no_registry_and_takes_any_event_type, begin),
        cmocka_unit_test_setup(a_new_version_knows_its_event_types, begin),
    };
    return cmocka_run_group_tests(tests, sim_group_start, sim_group_stop);
}
