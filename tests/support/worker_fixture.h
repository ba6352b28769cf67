/* omnihook-worker with a Redis, a simulator and settings, but without an API: jobs come from the
   test itself, through the job machine's own calls. */
#ifndef OMNIHOOK_TESTS_SUPPORT_WORKER_FIXTURE_H
#define OMNIHOOK_TESTS_SUPPORT_WORKER_FIXTURE_H

#include "tests/support/queue_desk.h"
#include "tests/support/stack.h"

struct worker_fixture {
    struct stack *stack;
    struct queue_desk *desk;
    struct sim *sim;
    struct redis_fixture *redis;
};

/* For cmocka: *state is the struct stack_options before, and the struct worker_fixture in the test.
 */
int worker_fixture_setup(void **state);
int worker_fixture_teardown(void **state);
#define WORKER_TEST(test, options)                                                                 \
    cmocka_unit_test_prestate_setup_teardown(test, worker_fixture_setup, worker_fixture_teardown,  \
                                             options)

/* Enqueues, again and again while Redis is away; the test fails on any other error. */
enum enqueue_result worker_enqueue(struct worker_fixture *fixture, const char *account);

/* Waits for the state; the test fails, with the report, when another ended state comes or after
   limit_ms. */
void worker_wait_state(struct worker_fixture *fixture, const char *account, const char *state,
                       int64_t limit_ms);

/* Enqueues, and waits for the state. */
void worker_run(struct worker_fixture *fixture, const char *account, const char *state,
                int64_t limit_ms);

/* A field of the account's public status; NULL when it is not there. Borrowed for a while. */
const char *worker_status_field(struct worker_fixture *fixture, const char *account,
                                const char *field);

/* Numbers of the report: at its top level, and among its counts. */
int64_t worker_report_number(struct worker_fixture *fixture, const char *account, const char *name);
int64_t worker_report_count(struct worker_fixture *fixture, const char *account, const char *name);

/* The report's error has these words. */
void assert_report_error(struct worker_fixture *fixture, const char *account, const char *words);
/* The report's index-th webhook has this outcome. */
void assert_report_outcome(struct worker_fixture *fixture, const char *account, size_t index,
                           const char *outcome);
/* The report has a warning of that name. */
void assert_report_warns(struct worker_fixture *fixture, const char *account, const char *name);

#endif
