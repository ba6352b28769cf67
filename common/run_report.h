/* What one run did to each webhook of its setting: outcomes, counts and warnings, and their JSON
   form as the report shows it. Holds no secret: target_url and event_type are not, and errors are
   given without. */
#ifndef OMNIHOOK_COMMON_RUN_REPORT_H
#define OMNIHOOK_COMMON_RUN_REPORT_H

#include "common/job_queue.h"
#include "common/settings.h"

enum webhook_outcome {
    OUTCOME_PENDING, /* nothing said yet; also: the run ended before its turn came */
    OUTCOME_CREATED,
    OUTCOME_REACTIVATED,
    OUTCOME_UPDATED,
    OUTCOME_ALREADY, /* registered before this job, or by a run of it that could not tell */
    OUTCOME_DRIFTED, /* registered, but differs; only reported */
    OUTCOME_FAILED,
};
enum { OUTCOME_COUNT = 7 };

const char *webhook_outcome_name(enum webhook_outcome outcome); /* "pending" ...; static */

struct run_report;

/* All webhooks pending. Borrows account for the report's life. */
struct run_report *run_report_new(const struct account *account);
void run_report_free(struct run_report *report);

/* Takes note of what a run before of the same job did: details as run_report_print made them, and
   of use only when it had the same settings. */
void run_report_recall(struct run_report *report, const char *details, size_t size);
/* What that run did to the index-th webhook, and the status of the answer; pending when nothing is
   known. */
enum webhook_outcome run_report_earlier(const struct run_report *report, size_t index, int *status);
/* Makes that what became of the webhook. */
void run_report_keep_earlier(struct run_report *report, size_t index);
bool run_report_is_earlier(const struct run_report *report, size_t index);
/* The same for all that are still pending: at the end of a run that learned no more of them. */
void run_report_keep_all_earlier(struct run_report *report);

/* Sets what became of the index-th webhook, in place of what was set before. status: HTTP status of
   the last answer, 0 = none of its own. error (copied; NULL = none): a sentence. */
void run_report_set(struct run_report *report, size_t index, enum webhook_outcome outcome,
                    int status, const char *error);
enum webhook_outcome run_report_outcome(const struct run_report *report, size_t index);

/* Adds a warning about one webhook (NULL: about the whole); name is a literal, detail is copied.
   Past 1,000 warnings they are dropped. */
void run_report_warn(struct run_report *report, const struct webhook *webhook, const char *name,
                     const char *detail);

struct run_counts run_report_counts(const struct run_report *report);

/* `"settings":"<digest>","webhooks":[...],"warnings":[...]`: the details of job_queue_progress and
   job_queue_finish. Valid UTF-8 whatever the texts are. Past 16 MiB the arrays end early. Owned. */
char *run_report_print(const struct run_report *report);

/* Fills err with the sentence of a run that left webhooks failed, naming the first:
   "2 of 5 webhooks could not be registered; first: package.created -> https://...: 400 ...". The
   URL is shown without its query, and cut. */
void run_report_failure(const struct run_report *report, struct error *err);

#endif
