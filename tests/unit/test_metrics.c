/* Counting, and Prometheus's text. */
#include "common/metrics.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct metrics_block first;
static struct metrics_block second;

static int set_up(void **state)
{
    (void)state;
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    metrics_use(&first);
    return 0;
}

/* What is printed of both blocks; borrowed until the next call. */
static const char *print(enum metrics_program program)
{
    static struct strbuf text;
    const struct metrics_block *const blocks[] = {&first, &second};
    strbuf_clear(&text);
    strbuf_init(&text, 1 << 20);
    metrics_print(program, blocks, 2, &text);
    assert_false(text.is_full);
    return text.bytes;
}

static void assert_line(enum metrics_program program, const char *line)
{
    char whole[256];
    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(print(program), whole) == NULL) {
        print_error("no line %s in:\n%s", line, print(program));
        fail();
    }
}

static void counters_of_several_processes_are_added_up(void **state)
{
    (void)state;
    metrics_count(METRIC_HTTP_REQUESTS, "execute", "204");
    metrics_count(METRIC_HTTP_REQUESTS, "execute", "503");
    metrics_use(&second);
    metrics_add(METRIC_HTTP_REQUESTS, "execute", "204", 41);
    assert_line(METRICS_API, "omnihook_http_requests_total{route=\"execute\",status=\"204\"} 42");
    assert_line(METRICS_API, "omnihook_http_requests_total{route=\"execute\",status=\"503\"} 1");
    assert_null(strstr(print(METRICS_API), "status=\"502\""));
}

static void what_is_not_known_counts_as_other(void **state)
{
    (void)state;
    metrics_count(METRIC_HTTP_REQUESTS, NULL, "299");
    metrics_count(METRIC_HTTP_REQUESTS, "no such route", "404");
    assert_line(METRICS_API, "omnihook_http_requests_total{route=\"other\",status=\"other\"} 1");
    assert_line(METRICS_API, "omnihook_http_requests_total{route=\"other\",status=\"404\"} 1");
    assert_int_equal(metrics_read(METRIC_HTTP_REQUESTS, "other", "404"), 1);
}

static void what_all_look_at_is_not_added_up(void **state)
{
    (void)state;
    metrics_count(METRIC_QUEUE_READS, NULL, NULL);
    metrics_set(METRIC_QUEUE_LENGTH, NULL, 7);
    metrics_set(METRIC_QUEUE_OLDEST_AGE, NULL, 1500);
    metrics_set(METRIC_JOBS, "finished", 12345678901);
    metrics_use(&second);
    metrics_set(METRIC_QUEUE_LENGTH, NULL, 8);
    assert_line(METRICS_WORKER, "omnihook_queue_jobs 8");
    assert_line(METRICS_WORKER, "omnihook_queue_oldest_job_age_seconds 1.5");
    assert_line(METRICS_WORKER, "omnihook_jobs_total{event=\"finished\"} 12345678901");
}

static void the_queue_is_not_shown_before_it_is_known(void **state)
{
    (void)state;
    static const char *const of_queue[] = {"omnihook_queue_jobs",   "omnihook_queue_oldest_job_age",
                                           "omnihook_delayed_jobs", "omnihook_dead_jobs",
                                           "omnihook_active_",      "omnihook_workers",
                                           "omnihook_jobs_total"};
    for (size_t i = 0; i < sizeof of_queue / sizeof of_queue[0]; i++) {
        assert_null(strstr(print(METRICS_API), of_queue[i]));
    }
    metrics_use(&second);
    metrics_count(METRIC_QUEUE_READS, NULL, NULL);
    for (size_t i = 0; i < sizeof of_queue / sizeof of_queue[0]; i++) {
        assert_non_null(strstr(print(METRICS_API), of_queue[i]));
    }
}

static void a_histogram_counts_up_to_each_bound(void **state)
{
    (void)state;
    metrics_observe(METRIC_HTTP_DURATION, "execute", 1000);
    metrics_observe(METRIC_HTTP_DURATION, "execute", 1001);
    metrics_observe(METRIC_HTTP_DURATION, "execute", 700000000);
    const char *const lines[] = {
        "omnihook_http_request_duration_seconds_bucket{route=\"execute\",le=\"0.001\"} 1",
        "omnihook_http_request_duration_seconds_bucket{route=\"execute\",le=\"0.0025\"} 2",
        "omnihook_http_request_duration_seconds_bucket{route=\"execute\",le=\"600\"} 2",
        "omnihook_http_request_duration_seconds_bucket{route=\"execute\",le=\"+Inf\"} 3",
        "omnihook_http_request_duration_seconds_sum{route=\"execute\"} 700.002001",
        "omnihook_http_request_duration_seconds_count{route=\"execute\"} 3",
        "omnihook_http_request_duration_seconds_count{route=\"plan\"} 0",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_line(METRICS_API, lines[i]);
    }
}

static void an_ended_process_leaves_its_counters_and_no_gauges(void **state)
{
    (void)state;
    metrics_count(METRIC_RUNS, "finished", NULL);
    metrics_set(METRIC_RUNS_GOING, NULL, 5);
    metrics_clear_gauges(&first);
    assert_int_equal(metrics_read(METRIC_RUNS, "finished", NULL), 1);
    assert_int_equal(metrics_read(METRIC_RUNS_GOING, NULL, NULL), 0);
}

static void each_program_shows_its_own(void **state)
{
    (void)state;
    assert_null(strstr(print(METRICS_WORKER), "omnihook_http_"));
    assert_null(strstr(print(METRICS_API), "omnihook_runs_total"));
    assert_non_null(strstr(print(METRICS_API), "omnihook_omnitron_requests_total"));
    assert_non_null(strstr(print(METRICS_WORKER), "omnihook_omnitron_requests_total"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counters_of_several_processes_are_added_up, set_up),
        cmocka_unit_test_setup(what_is_not_known_counts_as_other, set_up),
        cmocka_unit_test_setup(what_all_look_at_is_not_added_up, set_up),
        cmocka_unit_test_setup(the_queue_is_not_shown_before_it_is_known, set_up),
        cmocka_unit_test_setup(a_histogram_counts_up_to_each_bound, set_up),
        cmocka_unit_test_setup(an_ended_process_leaves_its_counters_and_no_gauges, set_up),
        cmocka_unit_test_setup(each_program_shows_its_own, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
