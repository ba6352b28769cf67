/* The job machine in queue words: enqueue, claim, beat, progress, finish ... Each is one Lua script
   (common/lua/), so one atomic step in Redis; docs/queue.md tells the states and invariants.

   Every call is answered exactly once, after it has returned. Calls and what they were given may be
   forgotten as soon as the call returns. Errors are those of redis_client.h; on ERROR_TIMEOUT and
   ERROR_UNAVAILABLE the step may have been taken, and every call may be sent again: twice is once.
 */
#ifndef OMNIHOOK_COMMON_JOB_QUEUE_H
#define OMNIHOOK_COMMON_JOB_QUEUE_H

#include "common/backoff.h"
#include "common/queue_keys.h"
#include "common/random_id.h"
#include "common/redis_client.h"

#include <jansson.h>

enum { JOB_ACCOUNT_SIZE = 64, JOB_WORKER_SIZE = 320 };

struct job_queue;

struct job_queue_options {
    const char *namespace_name; /* copied */
    int64_t lease_ms;
    int64_t queue_max;
    int64_t result_ttl_s;
    int64_t job_attempts;
    int64_t job_max_age_ms;
    struct backoff retry; /* between attempts of a job */
    struct loop *loop;    /* borrowed; NULL = each enqueue is a script of its own, else those of one
                             turn of the loop share one */
    /* An enqueue is confirmed only when so many replicas have it too; 0 = they are not asked. Each
       time is up to wait_ms, for which Redis serves nobody else on the same connection: so
       confirming is a client given for nothing else (borrowed, freed as client is); NULL = client.
     */
    int64_t wait_replicas;
    int64_t wait_ms;
    struct redis_client *confirming;
};

/* client is borrowed for the queue's life; free the client first (it fails what waits; what is not
   sent yet, job_queue_free does). */
struct job_queue *job_queue_new(struct redis_client *client,
                                const struct job_queue_options *options);
void job_queue_free(struct job_queue *queue);

/* ---- For the API and the command line ---- */

enum enqueue_result {
    ENQUEUE_NEW,       /* a new job waits */
    ENQUEUE_COALESCED, /* the waiting job covers this call */
    ENQUEUE_RERUN,     /* the account runs: one more run is booked */
    ENQUEUE_NOW,       /* the job waited for its next attempt: it starts now */
};
/* why_not: ERROR_FULL also when the queue has queue_max jobs, ERROR_UNAVAILABLE also when too few
   replicas have it. job is the id of the job that will
   see the settings as they are now. */
typedef void job_enqueued_fn(void *arg, enum enqueue_result result, const char *job,
                             const struct error *why_not);
void job_queue_enqueue(struct job_queue *queue, const char *account, job_enqueued_fn *fn,
                       void *arg);

/* state is "READY", "WORKING", "FINISHED", "FAILED" or "ABORTED". */
typedef void job_state_fn(void *arg, const char *state, const struct error *why_not);
void job_queue_get_state(struct job_queue *queue, const char *account, job_state_fn *fn, void *arg);

/* found is false when nothing was there to end. A running job ends within a second or its lease. */
typedef void job_aborted_fn(void *arg, bool found, const struct error *why_not);
void job_queue_abort(struct job_queue *queue, const char *account, job_aborted_fn *fn, void *arg);

/* document is JSON text, borrowed until fn returns; NULL without an error when there is none. */
typedef void job_document_fn(void *arg, const char *document, size_t size,
                             const struct error *why_not);
/* The report document of the HTTP API: of the current job, else the last; none = not remembered. */
void job_queue_get_report(struct job_queue *queue, const char *account, job_document_fn *fn,
                          void *arg);

/* ---- For the worker ---- */

/* The right to one run of one job. Every write of the run carries it, and is refused (ERROR_LOST)
   when it is not the newest: the fencing token. */
struct job_claim {
    char account[JOB_ACCOUNT_SIZE];
    char job[RANDOM_ID_SIZE];
    char token[RANDOM_ID_SIZE];
    int64_t attempt;   /* 1 = the first */
    bool is_recovered; /* an earlier run of this job may have left requests on their way */
    int64_t age_ms;    /* since it was enqueued */
    /* The details (job_queue_progress) that the job's run before has told last; not 0-terminated,
       and borrowed until the callback that gives the claim returns; size 0 = none. */
    const char *earlier;
    size_t earlier_size;
};

/* Takes the next element into worker's own list, waiting up to wait_ms (0 = not at all), on a
   client of its own: blocking is a client given for nothing else. Several may be under way at once;
   one that waits holds up those behind it. element (with size) is NULL when none came.
   ERROR_FULL: Redis's memory is full and the queue is empty; wait before asking again, since a full
   Redis answers at once. */
typedef void job_popped_fn(void *arg, const char *element, size_t size,
                           const struct error *why_not);
void job_queue_pop(struct job_queue *queue, struct redis_client *blocking, const char *worker,
                   int64_t wait_ms, job_popped_fn *fn, void *arg);

/* Starts the run of a popped element: everything asked until now is covered by this run, so read
   the settings after the answer. token is the caller's (random_id_make), so that a repeat is
   recognised. claim is NULL without error when the element was no job to run (stale, a double,
   foreign: it has been put where it belongs). ERROR_LOST: the worker's own lease has ended, as with
   job_queue_beat. */
typedef void job_claimed_fn(void *arg, const struct job_claim *claim, const struct error *why_not);
void job_queue_claim(struct job_queue *queue, const char *worker, const char *element, size_t size,
                     const char *token, job_claimed_fn *fn, void *arg);

struct worker_info {
    const char *name; /* host:pid:random, never used again */
    const char *host;
    int64_t pid;
    int64_t started_at_ms; /* wall */
    int64_t concurrency;
    int64_t running;
    int64_t done;
    int64_t failed;
};
/* Registers the worker: its lease starts now. */
typedef void job_done_fn(void *arg, const struct error *why_not);
void job_queue_register(struct job_queue *queue, const struct worker_info *info, job_done_fn *fn,
                        void *arg);

/* Prolongs the lease of the worker and all its runs. ERROR_LOST: it had ended and others take its
   jobs; drop all runs, write nothing, come back under a new name. aborted: accounts among the
   worker's runs whose abort is asked for (borrowed). */
typedef void job_beaten_fn(void *arg, const char *const *aborted, size_t aborted_count,
                           const struct error *why_not);
void job_queue_beat(struct job_queue *queue, const struct worker_info *info, job_beaten_fn *fn,
                    void *arg);

struct run_counts {
    int64_t done;
    int64_t total;
    int64_t created;
    int64_t reactivated;
    int64_t updated;
    int64_t already;
    int64_t drifted;
    int64_t failed;
};

/* Writes how far the run is. details (may be NULL = unchanged) is the report's part
   `"settings":"...","webhooks":[...],"warnings":[...]` as JSON text without braces. */
void job_queue_progress(struct job_queue *queue, const struct job_claim *claim,
                        const struct run_counts *counts, const char *details, job_done_fn *fn,
                        void *arg);

enum run_outcome {
    RUN_OK,       /* every webhook is as the setting wants it */
    RUN_FAILED,   /* not, and trying again would not help */
    RUN_RETRY,    /* not, and another attempt may help: counted as an attempt */
    RUN_PARKED,   /* has to wait delay_ms: goes on then, no attempt counted */
    RUN_RELEASED, /* handed back unfinished, to the head of the queue, no attempt counted */
};

struct run_result {
    enum run_outcome outcome;
    int64_t delay_ms;  /* RUN_PARKED: the wait. RUN_RETRY: at least this (0 = backoff alone) */
    const char *error; /* the reason in a sentence, without a secret; NULL with RUN_OK */
    struct run_counts counts;
    const char *details; /* as in job_queue_progress; may be NULL */
};

enum job_end {
    JOB_FINISHED,
    JOB_FAILED,
    JOB_ABORTED,
    JOB_RETRYING, /* waits for its next attempt */
    JOB_REQUEUED, /* one more run was booked, or it was released */
};
/* The run is over, whatever the answer: ERROR_LOST = somebody else has the job. */
typedef void job_finished_fn(void *arg, enum job_end end, const struct error *why_not);
void job_queue_finish(struct job_queue *queue, const struct job_claim *claim,
                      const struct run_result *result, job_finished_fn *fn, void *arg);

/* Housekeeping, by every worker, in any order and at any time; each does a bounded piece of work
   and tells how much it did. */
typedef void job_swept_fn(void *arg, int64_t moved, const struct error *why_not);
/* Puts retries that are due back on the queue. */
void job_queue_promote(struct job_queue *queue, job_swept_fn *fn, void *arg);
/* Takes back the jobs of workers whose lease has ended. */
void job_queue_take_back(struct job_queue *queue, job_swept_fn *fn, void *arg);
/* The same for workers that died, although their lease still holds: their connections are gone. */
void job_queue_watch(struct job_queue *queue, job_swept_fn *fn, void *arg);
/* Takes back what lies in the worker's own list, but belongs to none of its known_count runs: the
   reply to a pop was lost. known: the tokens of all claims that were sent and whose run is not
   over, answered or not. Call only while no pop is under way, and no popped element waits for its
   claim to be sent. */
void job_queue_take_back_own(struct job_queue *queue, const char *worker, const char *const *known,
                             size_t known_count, job_swept_fn *fn, void *arg);
/* Mends accounts that are active, but in no list (seen twice in a row). */
void job_queue_audit(struct job_queue *queue, job_swept_fn *fn, void *arg);
/* Ends the registration of a worker that stops. If it still has jobs its lease ends now, so that
   the next job_queue_take_back takes them: also for a worker that is known to be dead. */
void job_queue_unregister(struct job_queue *queue, const char *worker, job_done_fn *fn, void *arg);
/* Counts runs that a worker has given up with its lease, in `fenced`. May get lost. */
void job_queue_count_fenced(struct job_queue *queue, int64_t runs);

/* The channel of every change of state and progress, as JSON lines. */
const char *job_queue_events_channel(const struct job_queue *queue);
/* The channel that the worker listens on, on a connection of its own, for as long as it is there:
   who listens no more is taken for dead (job_queue_watch). Each message is an account whose running
   job is to end. Only a hint: the answer to a beat is what counts. Returns channel. */
char *job_queue_hints_channel(const struct job_queue *queue, const char *worker,
                              char channel[QUEUE_KEY_SIZE]);

#endif
