/* The job machine over a private Redis, each call made and waited for: what a test reads as
   "enqueue, claim, finish". */
#ifndef OMNIHOOK_TESTS_SUPPORT_QUEUE_DESK_H
#define OMNIHOOK_TESTS_SUPPORT_QUEUE_DESK_H

#include "common/job_queue_view.h"
#include "tests/support/redis_fixture.h"

#include <jansson.h>

struct queue_desk;

enum { DESK_ELEMENT_SIZE = 2048, DESK_ABORTED_MAX = 8 };

/* options NULL = desk_options(). Borrows redis for the desk's life. */
struct queue_desk *queue_desk_new(struct redis_fixture *redis,
                                  const struct job_queue_options *options);
void queue_desk_free(struct queue_desk *desk);

/* For cmocka: one Redis for the group, an empty one and a desk for each test. */
int queue_desk_group_setup(void **state);
int queue_desk_group_setup_cluster(void **state); /* Redis as a cluster of one node */
int queue_desk_group_teardown(void **state);
int queue_desk_setup(void **state);
int queue_desk_teardown(void **state);
#define DESK_TEST(test) cmocka_unit_test_setup_teardown(test, queue_desk_setup, queue_desk_teardown)

struct redis_fixture *queue_desk_redis(struct queue_desk *desk);

/* Namespace t, lease 15 s, 3 attempts, 10 waiting jobs, no backoff to speak of. */
struct job_queue_options desk_options(void);

/* Every answer has the code of its error; ERROR_NONE = none. */
struct enqueue_answer {
    enum error_code code;
    enum enqueue_result result;
    char job[RANDOM_ID_SIZE];
};
struct enqueue_answer desk_enqueue(struct queue_desk *desk, const char *account);

/* "READY" ...; a literal. */
const char *desk_state(struct queue_desk *desk, const char *account);

bool desk_abort(struct queue_desk *desk, const char *account);

/* The report, parsed: to be json_decref'ed; NULL when there is none. */
json_t *desk_report(struct queue_desk *desk, const char *account);

/* job_queue_view.h, parsed as desk_report. get: job_queue_get_overview, job_queue_list_workers ...
 */
typedef void desk_get_fn(struct job_queue *queue, job_document_fn *fn, void *arg);
json_t *desk_document(struct queue_desk *desk, desk_get_fn *get);
json_t *desk_statuses(struct queue_desk *desk, const char *const *accounts, size_t count);
int64_t desk_drop_dead(struct queue_desk *desk, const char *job);

enum error_code desk_register(struct queue_desk *desk, const char *worker);
enum error_code desk_unregister(struct queue_desk *desk, const char *worker);

struct beat_answer {
    enum error_code code;
    size_t aborted_count;
    char aborted[DESK_ABORTED_MAX][JOB_ACCOUNT_SIZE];
};
struct beat_answer desk_beat(struct queue_desk *desk, const char *worker);

struct pop_answer {
    enum error_code code;
    char element[DESK_ELEMENT_SIZE]; /* "" = none came */
};
/* Waits 10 ms at most. */
struct pop_answer desk_pop(struct queue_desk *desk, const char *worker);

struct claim_answer {
    enum error_code code;
    bool is_run; /* claim is filled, but for what it borrows */
    struct job_claim claim;
    char earlier[128]; /* what it borrowed, cut */
};
struct claim_answer desk_claim(struct queue_desk *desk, const char *worker, const char *element,
                               const char *token);
/* Pops and claims with a new token. */
struct claim_answer desk_start(struct queue_desk *desk, const char *worker);

enum error_code desk_progress(struct queue_desk *desk, const struct job_claim *claim,
                              const struct run_counts *counts, const char *details);

struct finish_answer {
    enum error_code code;
    enum job_end end;
};
struct finish_answer desk_finish(struct queue_desk *desk, const struct job_claim *claim,
                                 enum run_outcome outcome);
struct finish_answer desk_finish_with(struct queue_desk *desk, const struct job_claim *claim,
                                      const struct run_result *result);

/* How much was moved; the test fails on an error. */
int64_t desk_promote(struct queue_desk *desk);
int64_t desk_take_back(struct queue_desk *desk);
int64_t desk_take_back_own(struct queue_desk *desk, const char *worker, const char *const *known,
                           size_t known_count);
int64_t desk_audit(struct queue_desk *desk);

/* A script of the machine, as it would be sent: what of the prelude it gets, and body. Owned. */
char *desk_script(const char *body);

/* A field of the public status; "(none)" when it does not exist. Borrowed as from redis_text. */
const char *desk_status(struct queue_desk *desk, const char *account, const char *field);

/* All keys but those that contain except, each with a hash of its value, in order: owned. Two equal
   texts: nothing has changed. except NULL = all keys. */
char *desk_dump(struct queue_desk *desk, const char *except);

/* Begins to collect what is published, and gives all until now, one line each (borrowed). */
void desk_listen(struct queue_desk *desk);
const char *desk_events(struct queue_desk *desk);

/* Makes the lease of the worker have ended ms ago, by Redis's clock. */
void desk_end_lease(struct queue_desk *desk, const char *worker, int64_t ms_ago);

#endif
