/* What an operator sees of the job machine, and does to what has failed. Each answer is one JSON
   document, made by a script in one atomic step; its shape stands in the script's head
   (common/lua/). Rules of the calls: job_queue.h. */
#ifndef OMNIHOOK_COMMON_JOB_QUEUE_VIEW_H
#define OMNIHOOK_COMMON_JOB_QUEUE_VIEW_H

#include "common/job_queue.h"

enum {
    JOB_STATUSES_MAX = 50,  /* accounts in one call */
    JOB_WORKERS_MAX = 1000, /* listed; there may be more */
    JOB_DEAD_MAX = 1000,    /* the dead list has no more */
    JOB_HISTORY_BYTES_MAX = 8 << 20,
};

/* Queue, delayed, dead, active, workers, and the totals: overview.lua. */
void job_queue_get_overview(struct job_queue *queue, job_document_fn *fn, void *arg);

/* The workers whose leases end first: list_workers.lua. */
void job_queue_list_workers(struct job_queue *queue, job_document_fn *fn, void *arg);

/* Up to JOB_STATUSES_MAX accounts, which exist in the settings: list_statuses.lua. */
void job_queue_list_statuses(struct job_queue *queue, const char *const *accounts, size_t count,
                             job_document_fn *fn, void *arg);

/* The dead list, newest first, from the index-th entry on, at most count: list_dead.lua. */
void job_queue_list_dead(struct job_queue *queue, int64_t index, int64_t count, job_document_fn *fn,
                         void *arg);

/* Who has failed: the document is the name of the account of the dead list's entry of job; none
   when there is no such entry. */
void job_queue_find_dead(struct job_queue *queue, const char *job, job_document_fn *fn, void *arg);

/* Accounts whose job has not ended, about count, from cursor on ("0" at first): list_active.lua. */
void job_queue_list_active(struct job_queue *queue, const char *cursor, int64_t count,
                           job_document_fn *fn, void *arg);

/* The last reports of an account, newest first, as many as fit in JOB_HISTORY_BYTES_MAX:
   list_history.lua. */
void job_queue_list_history(struct job_queue *queue, const char *account, job_document_fn *fn,
                            void *arg);

/* Forgets what is remembered of a job that failed; tells how many entries that were. To retry one,
   enqueue its account first. */
void job_queue_drop_dead(struct job_queue *queue, const char *job, job_swept_fn *fn, void *arg);

#endif
