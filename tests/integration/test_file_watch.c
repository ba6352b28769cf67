/* Files that are read, and whether they still hold what was read. */
#include "common/file_watch.h"

#include "common/mem.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = 100000 };

struct fixture {
    struct temp_dir *dir;
    char *path;
    struct file_watch watch;
    struct secret content;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_new(1, sizeof *fixture);
    fixture->dir = temp_dir_new();
    fixture->path = temp_dir_join(fixture->dir, "file");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    secret_clear(&fixture->content);
    file_watch_clear(&fixture->watch);
    mem_free(fixture->path);
    temp_dir_free(fixture->dir);
    mem_free(fixture);
    return 0;
}

static bool read_path(struct fixture *fixture, const char *path)
{
    return file_watch_read(&fixture->watch, path, LIMIT, &fixture->content, &fixture->err);
}

static bool has_changed(struct fixture *fixture)
{
    return file_watch_changed(&fixture->watch, 0, 1);
}

static void a_file_is_read_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    char text[70000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    temp_dir_overwrite_file(fixture->dir, "file", text);
    assert_true(read_path(fixture, fixture->path));
    assert_int_equal(fixture->content.size, strlen(text));
    assert_string_equal(fixture->content.value, text);
    assert_false(has_changed(fixture));
}

static void what_is_no_readable_file_is_refused_without_its_name(void **state)
{
    struct fixture *fixture = *state;
    char *fifo = temp_dir_join(fixture->dir, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *const paths[] = {fixture->path, fifo, temp_dir_path(fixture->dir), "/dev/zero", ""};
    static const enum error_code codes[] = {ERROR_NOT_FOUND, ERROR_SYSTEM, ERROR_SYSTEM,
                                            ERROR_SYSTEM, ERROR_NOT_FOUND};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_false(read_path(fixture, paths[i]));
        assert_int_equal(fixture->err.code, codes[i]);
        assert_null(strstr(fixture->err.text, temp_dir_path(fixture->dir)));
        assert_false(secret_is_set(&fixture->content));
    }
    mem_free(fifo);
}

static void a_file_over_the_limit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    temp_dir_overwrite_file(fixture->dir, "file", "12345");
    assert_true(file_watch_read(&fixture->watch, fixture->path, 5, &fixture->content, NULL));
    assert_false(
        file_watch_read(&fixture->watch, fixture->path, 4, &fixture->content, &fixture->err));
    assert_int_equal(fixture->err.code, ERROR_FULL);
}

/* Two writes within one tick of the file system's clock look the same to stat. */
static void a_write_right_after_the_reading_is_seen(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"a", "b"};
    for (int i = 0; i < 500; i++) {
        temp_dir_overwrite_file(fixture->dir, "file", texts[i % 2]);
        assert_true(i == 0 || has_changed(fixture));
        assert_true(read_path(fixture, fixture->path));
    }
}

/* Whoever restores the times of a file cannot restore its time of change. */
static void a_change_with_its_old_time_of_modification_is_seen(void **state)
{
    struct fixture *fixture = *state;
    struct stat before;
    temp_dir_overwrite_file(fixture->dir, "file", "a");
    assert_int_equal(stat(fixture->path, &before), 0);
    assert_true(read_path(fixture, fixture->path));
    temp_dir_overwrite_file(fixture->dir, "file", "b");
    const struct timespec times[] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
    assert_true(has_changed(fixture));
}

static void a_change_is_told_once(void **state)
{
    struct fixture *fixture = *state;
    temp_dir_overwrite_file(fixture->dir, "file", "a");
    assert_true(read_path(fixture, fixture->path));
    temp_dir_overwrite_file(fixture->dir, "file", "b");
    assert_true(has_changed(fixture));
    assert_false(has_changed(fixture));
}

static void going_away_and_coming_back_are_changes(void **state)
{
    struct fixture *fixture = *state;
    assert_false(read_path(fixture, fixture->path));
    assert_false(has_changed(fixture));
    temp_dir_overwrite_file(fixture->dir, "file", "a");
    assert_true(has_changed(fixture));
    assert_int_equal(unlink(fixture->path), 0);
    assert_true(has_changed(fixture));
    assert_false(has_changed(fixture));
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_true(has_changed(fixture));
}

static void only_the_asked_files_are_looked_at(void **state)
{
    struct fixture *fixture = *state;
    char *other = temp_dir_join(fixture->dir, "other");
    temp_dir_overwrite_file(fixture->dir, "file", "a");
    temp_dir_overwrite_file(fixture->dir, "other", "a");
    assert_true(read_path(fixture, fixture->path) && read_path(fixture, other));
    assert_true(read_path(fixture, fixture->path));
    assert_int_equal(fixture->watch.count, 2);
    temp_dir_overwrite_file(fixture->dir, "other", "b");
    assert_false(file_watch_changed(&fixture->watch, 0, 1));
    assert_true(file_watch_changed(&fixture->watch, 1, 100));
    assert_false(file_watch_changed(&fixture->watch, 2, 100));
    mem_free(other);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_file_is_read_as_it_is),
        CASE(what_is_no_readable_file_is_refused_without_its_name),
        CASE(a_file_over_the_limit_is_refused),
        CASE(a_write_right_after_the_reading_is_seen),
        CASE(a_change_with_its_old_time_of_modification_is_seen),
        CASE(a_change_is_told_once),
        CASE(going_away_and_coming_back_are_changes),
        CASE(only_the_asked_files_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
