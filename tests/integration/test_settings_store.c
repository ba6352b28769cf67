/* The settings while their files change: what is good is taken, what is broken is told. */
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/settings.h"
#include "tests/support/environment.h"
#include "tests/support/loop_until.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ONE_ACCOUNT(name)                                                                          \
    "{\"accounts\":{\"" name "\":{\"api_keys\":[\"" KEY "\"],\"OMNITRON_WEBHOOKS\":[],"            \
    "\"omnitron\":{\"url\":\"https://a.example/\",\"token_file\":\"%s/token\"}}}}"

/* The contract says one second; a busy machine may be late. */
enum { SOON_MS = 10000 };

struct fixture {
    struct temp_dir *dir;
    struct loop *loop;
    char *path;
    struct service_config config;
    char **environment;
    struct settings_store *store;
    int changes;
    int64_t failures; /* that a test waits for */
};

static void on_change(void *arg)
{
    struct fixture *fixture = arg;
    fixture->changes++;
}

/* Writes the file with account name, in its place (the inode stays). */
static void write_account(struct fixture *fixture, const char *name)
{
    char text[1024];
    (void)snprintf(text, sizeof text, ONE_ACCOUNT("%s"), name, temp_dir_path(fixture->dir));
    temp_dir_overwrite_file(fixture->dir, "settings.json", text);
}

static int set_up(void **state)
{
    static struct metrics_block figures;
    memset(&figures, 0, sizeof figures);
    metrics_use(&figures);
    struct fixture *fixture = mem_new(1, sizeof *fixture);
    *state = fixture;
    fixture->dir = temp_dir_new();
    fixture->loop = loop_new();
    fixture->path = temp_dir_join(fixture->dir, "settings.json");
    fixture->config.settings_path = fixture->path;
    fixture->environment = make_environment((const char *const[]){NULL});
    temp_dir_overwrite_file(fixture->dir, "token", "t1");
    write_account(fixture, "one");
    struct faults faults = {0};
    struct settings *settings = settings_load(&fixture->config, fixture->environment, &faults);
    assert_non_null(settings);
    faults_clear(&faults);
    fixture->store = settings_store_new(fixture->loop, &fixture->config, fixture->environment,
                                        settings, on_change, fixture);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    settings_store_free(fixture->store);
    loop_free(fixture->loop);
    free_environment(fixture->environment);
    mem_free(fixture->path);
    temp_dir_free(fixture->dir);
    mem_free(fixture);
    return 0;
}

static bool has_account(struct fixture *fixture, const char *name)
{
    return settings_find_account(settings_store_current(fixture->store), name) != NULL;
}

static bool has_account_two(void *arg)
{
    return has_account(arg, "two");
}

static bool has_new_token(void *arg)
{
    struct fixture *fixture = arg;
    const struct account *account = settings_account_at(settings_store_current(fixture->store), 0);
    return strcmp(account->omnitron.token.value, "t2") == 0;
}

static int64_t failures(void)
{
    return metrics_read(METRIC_SETTINGS_FAULTS, NULL, NULL);
}

static bool has_failed(void *arg)
{
    struct fixture *fixture = arg;
    return failures() >= fixture->failures;
}

static bool is_good_again(void *arg)
{
    struct fixture *fixture = arg;
    return settings_store_fault(fixture->store) == NULL;
}

static void a_file_that_was_written_anew_is_taken(void **state)
{
    struct fixture *fixture = *state;
    write_account(fixture, "two");
    assert_loop_reaches(fixture->loop, has_account_two, fixture, SOON_MS);
    assert_false(has_account(fixture, "one"));
    assert_int_equal(failures(), 0);
}

static void a_file_that_was_renamed_into_its_place_is_taken(void **state)
{
    struct fixture *fixture = *state;
    char text[1024];
    (void)snprintf(text, sizeof text, ONE_ACCOUNT("two"), temp_dir_path(fixture->dir));
    temp_dir_replace_file(fixture->dir, "settings.json", text);
    assert_loop_reaches(fixture->loop, has_account_two, fixture, SOON_MS);
}

static void a_secret_that_changes_in_its_own_file_is_taken(void **state)
{
    struct fixture *fixture = *state;
    temp_dir_overwrite_file(fixture->dir, "token", "t2");
    assert_loop_reaches(fixture->loop, has_new_token, fixture, SOON_MS);
}

static void a_swap_is_told_once_and_on_a_later_turn(void **state)
{
    struct fixture *fixture = *state;
    write_account(fixture, "two");
    (void)settings_store_refresh(fixture->store);
    assert_int_equal(fixture->changes, 0);
    for (int turn = 0; turn < 10; turn++) {
        loop_turn(fixture->loop);
    }
    assert_int_equal(fixture->changes, 1);
}

static void a_refresh_sees_a_change_at_once(void **state)
{
    struct fixture *fixture = *state;
    write_account(fixture, "two");
    assert_non_null(settings_find_account(settings_store_refresh(fixture->store), "two"));
}

/* Writes within one tick of the file system's clock leave the same size and the same times. */
static void a_change_that_stat_cannot_show_is_seen(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"two", "six", "ten"};
    for (int i = 0; i < 60; i++) {
        const char *name = names[i % 3];
        write_account(fixture, name);
        assert_non_null(settings_find_account(settings_store_refresh(fixture->store), name));
    }
}

static void the_same_content_is_no_change(void **state)
{
    struct fixture *fixture = *state;
    const struct settings *before = settings_store_current(fixture->store);
    write_account(fixture, "one");
    assert_ptr_equal(settings_store_refresh(fixture->store), before);
    char text[1024];
    (void)snprintf(text, sizeof text, ONE_ACCOUNT("one"), temp_dir_path(fixture->dir));
    temp_dir_replace_file(fixture->dir, "settings.json", text);
    assert_ptr_equal(settings_store_refresh(fixture->store), before);
}

static void a_reload_that_was_asked_for_reads_in_any_case(void **state)
{
    struct fixture *fixture = *state;
    struct settings *before = settings_ref(settings_store_current(fixture->store));
    settings_store_reload(fixture->store);
    assert_ptr_not_equal(settings_store_current(fixture->store), before);
    settings_unref(before);
}

static void a_broken_file_leaves_the_last_good_version(void **state)
{
    struct fixture *fixture = *state;
    fixture->failures = 1;
    assert_null(settings_store_fault(fixture->store));
    temp_dir_overwrite_file(fixture->dir, "settings.json", "{\"accounts\": s3cret");
    assert_loop_reaches(fixture->loop, has_failed, fixture, SOON_MS);
    assert_true(has_account(fixture, "one"));
    assert_string_equal(settings_store_fault(fixture->store),
                        "OMNIHOOK_SETTINGS: line 1, column 14: must be valid JSON, in accounts");
    write_account(fixture, "two");
    assert_loop_reaches(fixture->loop, has_account_two, fixture, SOON_MS);
    assert_null(settings_store_fault(fixture->store));
}

static void a_file_that_went_away_and_came_back_is_taken(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(unlink(fixture->path), 0);
    assert_non_null(settings_store_refresh(fixture->store));
    assert_string_equal(settings_store_fault(fixture->store),
                        "OMNIHOOK_SETTINGS: cannot be read: No such file or directory");
    assert_true(has_account(fixture, "one"));
    write_account(fixture, "one");
    assert_loop_reaches(fixture->loop, is_good_again, fixture, SOON_MS);
}

static void a_secret_that_went_away_leaves_the_last_good_version(void **state)
{
    struct fixture *fixture = *state;
    char *token = temp_dir_join(fixture->dir, "token");
    assert_int_equal(unlink(token), 0);
    mem_free(token);
    (void)settings_store_refresh(fixture->store);
    assert_string_equal(settings_store_fault(fixture->store),
                        "accounts.one.omnitron.token_file: cannot be read: No such file or "
                        "directory");
    temp_dir_overwrite_file(fixture->dir, "token", "t2");
    assert_loop_reaches(fixture->loop, has_new_token, fixture, SOON_MS);
}

/* The lines of what is written to stderr while fn runs that hold text. */
static int count_lines(struct fixture *fixture, const char *text, void (*fn)(struct fixture *))
{
    char *path = temp_dir_join(fixture->dir, "log");
    int log = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
    int saved = dup(STDERR_FILENO);
    assert_true(log >= 0 && saved >= 0);
    assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
    fn(fixture);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(log) + close(saved), 0);
    char *written = file_read_text(path);
    int lines = 0;
    for (const char *at = written; (at = strstr(at, text)) != NULL; at++) {
        lines++;
    }
    mem_free(written);
    mem_free(path);
    return lines;
}

static void break_it_twice_in_the_same_way(struct fixture *fixture)
{
    temp_dir_overwrite_file(fixture->dir, "settings.json", "{ ");
    (void)settings_store_refresh(fixture->store);
    (void)settings_store_refresh(fixture->store);
    temp_dir_overwrite_file(fixture->dir, "settings.json", "{ }  ");
    (void)settings_store_refresh(fixture->store);
    temp_dir_overwrite_file(fixture->dir, "settings.json", "{ }");
    (void)settings_store_refresh(fixture->store);
}

static void each_distinct_fault_is_logged_once(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        count_lines(fixture, "event=settings_reload_failed", break_it_twice_in_the_same_way), 2);
    assert_int_equal(failures(), 3);
}

static void a_running_job_keeps_its_version(void **state)
{
    struct fixture *fixture = *state;
    struct settings *kept = settings_ref(settings_store_current(fixture->store));
    write_account(fixture, "two");
    (void)settings_store_refresh(fixture->store);
    assert_non_null(settings_find_account(kept, "one"));
    assert_null(settings_find_account(settings_store_current(fixture->store), "one"));
    settings_unref(kept);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_file_that_was_written_anew_is_taken),
        CASE(a_file_that_was_renamed_into_its_place_is_taken),
        CASE(a_secret_that_changes_in_its_own_file_is_taken),
        CASE(a_swap_is_told_once_and_on_a_later_turn),
        CASE(a_refresh_sees_a_change_at_once),
        CASE(a_change_that_stat_cannot_show_is_seen),
        CASE(the_same_content_is_no_change),
        CASE(a_reload_that_was_asked_for_reads_in_any_case),
        CASE(a_broken_file_leaves_the_last_good_version),
        CASE(a_file_that_went_away_and_came_back_is_taken),
        CASE(a_secret_that_went_away_leaves_the_last_good_version),
        CASE(each_distinct_fault_is_logged_once),
        CASE(a_running_job_keeps_its_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
