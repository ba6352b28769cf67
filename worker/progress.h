/* Writes to Redis how far a run is, as it moves: the first time when it has lasted a tenth of a
   second, then at most four times a second, the long part of the report at most once a second. */
#ifndef OMNIHOOK_WORKER_PROGRESS_H
#define OMNIHOOK_WORKER_PROGRESS_H

#include "common/job_queue.h"
#include "common/loop.h"
#include "common/run_report.h"

struct progress;

/* All borrowed for the progress's life. */
struct progress_options {
    struct job_queue *queue;
    const struct job_claim *claim;
    const struct run_report *report;
    /* A write was answered: NULL = the claim is still the newest; ERROR_LOST: it is not, the run
       has to end; else nobody knows, and it is written once more. */
    void (*on_written)(void *arg, const struct error *why_not);
    void *arg;
};

struct progress *progress_new(struct loop *loop, const struct progress_options *options);
/* on_written will not fire any more. NULL is legal. */
void progress_free(struct progress *progress);

/* The report has changed. */
void progress_moved(struct progress *progress);

/* Writes now, whatever the pace, so that on_written tells whether the claim still holds. */
void progress_verify(struct progress *progress);

#endif
