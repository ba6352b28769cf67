/* Log lines, read back from stderr. */
#include "common/log.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 2000 };

static char line[16384];

/* Sends stderr into a pipe while one line is written, and keeps the line. */
static void capture(void (*write_line)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    write_line();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)close(ends[1]);
    ssize_t size = read(ends[0], line, sizeof line - 1);
    (void)close(ends[0]);
    line[size < 0 ? 0 : size] = '\0';
}

static void write_fields(void)
{
    log_warn("job_retry", log_text("job", "j1"), log_int("delay_ms", -5), log_bool("last", true));
}

static void a_line_has_the_event_and_its_fields_in_order(void **state)
{
    (void)state;
    log_setup("test", LOG_INFO, LOG_LOGFMT);
    capture(write_fields);
    assert_non_null(strstr(line, " level=warn program=test pid="));
    assert_non_null(strstr(line, " event=job_retry job=j1 delay_ms=-5 last=true\n"));
}

static void json_lines_have_the_same_fields(void **state)
{
    (void)state;
    log_setup("test", LOG_INFO, LOG_JSON);
    capture(write_fields);
    assert_int_equal(line[0], '{');
    assert_non_null(
        strstr(line, "\"event\":\"job_retry\",\"job\":\"j1\",\"delay_ms\":-5,\"last\":true}\n"));
}

static void write_two_levels(void)
{
    log_warn("first", log_nothing());
    log_error("second", log_nothing());
}

static void lines_of_one_moment_have_each_its_own_level(void **state)
{
    (void)state;
    log_setup("test", LOG_INFO, LOG_LOGFMT);
    for (int i = 0; i < 100; i++) { /* some of them are written within one millisecond */
        capture(write_two_levels);
        assert_non_null(strstr(line, " level=warn program=test pid="));
        assert_non_null(strstr(line, "\ntime="));
        assert_non_null(strstr(line, " level=error program=test pid="));
    }
}

static void write_hostile(void)
{
    log_warn("seen", log_text("text", "a\nlevel=error event=\"forged\"\x1b[31m"));
}

static void what_an_outsider_writes_stays_one_field_of_one_line(void **state)
{
    (void)state;
    log_setup("test", LOG_INFO, LOG_LOGFMT);
    capture(write_hostile);
    assert_non_null(
        strstr(line, " text=\"a\\u000alevel=error event=\\\"forged\\\"\\u001b[31m\"\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void write_huge(void)
{
    static char huge[5000];
    memset(huge, '"', sizeof huge - 1);
    log_warn("huge", log_text("one", huge), log_text("two", huge), log_text("three", huge),
             log_int("last", 1));
}

static void a_line_has_a_ceiling_and_stays_whole(void **state)
{
    (void)state;
    log_setup("test", LOG_INFO, LOG_JSON);
    capture(write_huge);
    assert_true(strlen(line) <= 8192 + 2);
    assert_non_null(strstr(line, "...\""));
    assert_string_equal(line + strlen(line) - 2, "}\n");
}

static void write_debug(void)
{
    log_debug("detail", log_nothing());
    log_info("shown", log_text("absent", NULL));
}

static void lines_below_the_level_and_absent_fields_are_left_out(void **state)
{
    (void)state;
    log_setup("test", LOG_INFO, LOG_LOGFMT);
    capture(write_debug);
    assert_null(strstr(line, "detail"));
    assert_non_null(strstr(line, " event=shown\n"));
}

static void write_held(void)
{
    log_info("first", log_nothing());
    log_info("second", log_nothing());
}

static void write_held_and_an_error(void)
{
    write_held();
    log_error("third", log_nothing());
}

static void lines_that_are_held_come_in_one_write_and_none_is_late_behind_an_error(void **state)
{
    (void)state;
    log_setup("test", LOG_INFO, LOG_LOGFMT);
    log_hold();
    capture(write_held);
    assert_string_equal(line, "");
    capture(log_flush);
    const char *first = strstr(line, "event=first");
    assert_non_null(first);
    assert_non_null(strstr(first, "event=second"));
    capture(log_flush);
    assert_string_equal(line, "");

    capture(write_held_and_an_error);
    const char *second = strstr(line, "event=second");
    assert_non_null(second);
    assert_non_null(strstr(second, "event=third"));
    log_release();
    capture(write_held);
    assert_non_null(strstr(line, "event=second"));
}

static void write_very_many(void)
{
    for (int i = 0; i < MANY; i++) {
        log_info("one_of_many", log_int("number", i));
    }
    log_release();
}

static void no_line_is_lost_when_more_is_held_than_there_is_room(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    log_setup("test", LOG_INFO, LOG_LOGFMT);
    FILE *file = tmpfile();
    assert_non_null(file);
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    log_hold();
    write_very_many();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    int count = 0;
    while (getline(&text, &size, file) > 0) {
        char number[32];
        (void)snprintf(number, sizeof number, " number=%d\n", count++);
        assert_non_null(strstr(text, number));
    }
    assert_int_equal(count, MANY);
    free(text);
    (void)fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_the_event_and_its_fields_in_order),
        cmocka_unit_test(json_lines_have_the_same_fields),
        cmocka_unit_test(lines_of_one_moment_have_each_its_own_level),
        cmocka_unit_test(what_an_outsider_writes_stays_one_field_of_one_line),
        cmocka_unit_test(a_line_has_a_ceiling_and_stays_whole),
        cmocka_unit_test(lines_that_are_held_come_in_one_write_and_none_is_late_behind_an_error),
        cmocka_unit_test(no_line_is_lost_when_more_is_held_than_there_is_room),
        cmocka_unit_test(lines_below_the_level_and_absent_fields_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
