/* What an operator sees of the job machine: figures, workers, statuses, the dead list. */
#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"

#include <string.h>

/* A number deep inside: the test fails when it is not there. */
static int64_t number_at(const json_t *document, const char *first, const char *second)
{
    const json_t *value = json_object_get(document, first);
    value = second == NULL ? value : json_object_get(value, second);
    if (!json_is_integer(value)) {
        fail_because("no number at %s.%s", first, second == NULL ? "" : second);
    }
    return json_integer_value(value);
}

static const char *text_at(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? "" : text;
}

static void get_dead(struct job_queue *queue, job_document_fn *fn, void *arg)
{
    job_queue_list_dead(queue, 0, JOB_DEAD_MAX, fn, arg);
}

/* The entries of the dead list, to be released. */
static json_t *list_dead(struct queue_desk *desk)
{
    json_t *page = desk_document(desk, get_dead);
    json_t *entries = json_incref(json_object_get(page, "dead"));
    assert_true(json_is_array(entries));
    assert_int_equal(number_at(page, "total", NULL), json_array_size(entries));
    assert_true(json_is_null(json_object_get(page, "next")));
    json_decref(page);
    return entries;
}

/* acme's job failed for good; w1 is registered. */
static struct job_claim fail_acme(struct queue_desk *desk)
{
    assert_int_equal(desk_enqueue(desk, "acme").code, ERROR_NONE);
    assert_int_equal(desk_register(desk, "w1"), ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    assert_int_equal(desk_finish(desk, &run.claim, RUN_FAILED).end, JOB_FAILED);
    return run.claim;
}

static void an_empty_namespace_has_figures_too(void **state)
{
    json_t *overview = desk_document(*state, job_queue_get_overview);
    assert_int_equal(number_at(overview, "queue", "length"), 0);
    assert_int_equal(number_at(overview, "totals", "enqueued"), 0);
    const json_t *queue = json_object_get(overview, "queue");
    assert_true(json_is_null(json_object_get(queue, "oldest_age_ms")));
    assert_true(json_is_null(json_object_get(queue, "next_due_ms")));
    json_decref(overview);

    json_t *workers = desk_document(*state, job_queue_list_workers);
    assert_true(json_is_array(workers));
    assert_int_equal(json_array_size(workers), 0);
    json_decref(workers);

    json_t *dead = list_dead(*state);
    assert_int_equal(json_array_size(dead), 0);
    json_decref(dead);
}

static void the_overview_counts_what_waits_and_what_failed(void **state)
{
    struct queue_desk *desk = *state;
    (void)fail_acme(desk);
    assert_int_equal(desk_enqueue(desk, "beta").code, ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_int_equal(desk_finish(desk, &run.claim, RUN_RETRY).end, JOB_RETRYING);
    assert_int_equal(desk_enqueue(desk, "corp").code, ERROR_NONE);
    assert_int_equal(desk_enqueue(desk, "dune").code, ERROR_NONE);

    json_t *overview = desk_document(desk, job_queue_get_overview);
    assert_int_equal(number_at(overview, "queue", "length"), 2);
    assert_int_equal(number_at(overview, "queue", "delayed"), 1);
    assert_int_equal(number_at(overview, "queue", "dead"), 1);
    assert_int_equal(number_at(overview, "queue", "active"), 3);
    assert_int_equal(number_at(overview, "workers", NULL), 1);
    assert_int_equal(number_at(overview, "totals", "enqueued"), 4);
    assert_int_equal(number_at(overview, "totals", "failed"), 1);
    assert_true(number_at(overview, "queue", "next_due_ms") <= 10);
    json_decref(overview);
}

static void the_oldest_age_is_that_of_the_job_taken_next(void **state)
{
    struct queue_desk *desk = *state;
    assert_int_equal(desk_enqueue(desk, "acme").code, ERROR_NONE);
    assert_int_equal(desk_enqueue(desk, "beta").code, ERROR_NONE);
    redis_do(queue_desk_redis(desk), "HINCRBY {t}:ctl:acme enqueued_ms -60000");
    json_t *overview = desk_document(desk, job_queue_get_overview);
    assert_true(number_at(overview, "queue", "oldest_age_ms") >= 60000);
    json_decref(overview);

    /* What a hand has pushed there has no age. */
    redis_do(queue_desk_redis(desk), "RPUSH {t}:queue junk");
    overview = desk_document(desk, job_queue_get_overview);
    assert_true(json_is_null(json_object_get(json_object_get(overview, "queue"), "oldest_age_ms")));
    json_decref(overview);
}

static void a_worker_is_listed_with_what_it_holds_and_its_lease(void **state)
{
    struct queue_desk *desk = *state;
    assert_int_equal(desk_enqueue(desk, "acme").code, ERROR_NONE);
    assert_int_equal(desk_register(desk, "w1"), ERROR_NONE);
    assert_true(desk_start(desk, "w1").is_run);
    assert_int_equal(desk_register(desk, "w2"), ERROR_NONE);
    desk_end_lease(desk, "w2", 5000);

    json_t *workers = desk_document(desk, job_queue_list_workers);
    assert_int_equal(json_array_size(workers), 2);
    const json_t *silent = json_array_get(workers, 0); /* whose lease ends first */
    const json_t *busy = json_array_get(workers, 1);
    assert_string_equal(text_at(silent, "worker"), "w2");
    assert_true(number_at(silent, "lease_ms", NULL) <= -5000);
    assert_string_equal(text_at(busy, "worker"), "w1");
    assert_int_equal(number_at(busy, "held", NULL), 1);
    assert_true(number_at(busy, "lease_ms", NULL) > 0);
    assert_string_equal(text_at(busy, "version"), OMNIHOOK_VERSION);
    json_decref(workers);
}

static void statuses_come_in_the_order_asked_for(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = fail_acme(desk);
    assert_int_equal(desk_enqueue(desk, "beta").code, ERROR_NONE);
    const char *const accounts[] = {"beta", "nobody", "acme"};
    json_t *statuses = desk_statuses(desk, accounts, 3);
    assert_int_equal(json_array_size(statuses), 3);
    assert_string_equal(text_at(json_array_get(statuses, 0), "state"), "WORKING");
    assert_string_equal(text_at(json_array_get(statuses, 0), "phase"), "queued");
    assert_string_equal(text_at(json_array_get(statuses, 1), "account"), "nobody");
    assert_string_equal(text_at(json_array_get(statuses, 1), "state"), "READY");
    assert_string_equal(text_at(json_array_get(statuses, 2), "state"), "FAILED");
    assert_string_equal(text_at(json_array_get(statuses, 2), "job"), run.job);
    assert_string_equal(text_at(json_array_get(statuses, 2), "error"), "it did not work");
    json_decref(statuses);
}

static void a_dead_job_is_listed_until_it_is_dropped(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = fail_acme(desk);
    redis_do(queue_desk_redis(desk), "LPUSH {t}:dead %s", "\x01 not json");
    redis_do(queue_desk_redis(desk), "LPUSH {t}:dead %s", "[1]");

    json_t *dead = list_dead(desk);
    assert_int_equal(json_array_size(dead), 3);
    assert_string_equal(text_at(json_array_get(dead, 0), "element"), "[1]");
    assert_string_equal(text_at(json_array_get(dead, 1), "element"), "? not json");
    assert_string_equal(text_at(json_array_get(dead, 2), "id"), run.job);
    json_decref(dead);

    assert_int_equal(desk_drop_dead(desk, "nobody's"), 0);
    assert_int_equal(desk_drop_dead(desk, run.job), 1);
    assert_int_equal(desk_drop_dead(desk, run.job), 0);
    assert_int_equal(redis_int(queue_desk_redis(desk), "LLEN {t}:dead"), 2);
}

static void looking_changes_nothing(void **state)
{
    struct queue_desk *desk = *state;
    (void)fail_acme(desk);
    assert_int_equal(desk_enqueue(desk, "beta").code, ERROR_NONE);
    char *before = desk_dump(desk, NULL);
    json_decref(desk_document(desk, job_queue_get_overview));
    json_decref(desk_document(desk, job_queue_list_workers));
    json_decref(list_dead(desk));
    const char *const accounts[] = {"acme", "beta"};
    json_decref(desk_statuses(desk, accounts, 2));
    char *after = desk_dump(desk, NULL);
    assert_string_equal(before, after);
    mem_free(before);
    mem_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(an_empty_namespace_has_figures_too),
        DESK_TEST(the_overview_counts_what_waits_and_what_failed),
        DESK_TEST(the_oldest_age_is_that_of_the_job_taken_next),
        DESK_TEST(a_worker_is_listed_with_what_it_holds_and_its_lease),
        DESK_TEST(statuses_come_in_the_order_asked_for),
        DESK_TEST(a_dead_job_is_listed_until_it_is_dropped),
        DESK_TEST(looking_changes_nothing),
    };
    return cmocka_run_group_tests(tests, queue_desk_group_setup, queue_desk_group_teardown);
}
