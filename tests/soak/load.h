/* The continuous load: every account tells one story after the other. Its settings change, execute
   is called until it is accepted, sometimes again in mid-run, sometimes an abort comes; then the
   status is asked until it has ended, and what the simulator holds is compared with the settings.
   An account does one thing at a time, so it knows exactly what must come of it:

     - a 204 of execute is followed by WORKING until FINISHED, FAILED or ABORTED, never by READY;
     - the end is later than the call that was accepted last;
     - FINISHED: the simulator has each webhook of the settings as they were at that call;
     - FAILED is only legal as the end of a job whose workers died three times in a row;
     - ABORTED is only legal after an abort that no execute followed. */
#ifndef OMNIHOOK_TESTS_SOAK_LOAD_H
#define OMNIHOOK_TESTS_SOAK_LOAD_H

#include "tests/soak/plant.h"

struct load;

struct load_options {
    size_t accounts;
    uint64_t seed;
    int64_t rest_ms; /* an account's pause between two stories, on average */
};

struct load_counts {
    size_t accepted; /* execute: 204 */
    size_t sent;     /* execute: all, with those that got no answer, or 503 */
    size_t aborts;   /* 204 */
    size_t refused;  /* 503 to any call of the API */
    size_t unanswered;
    size_t stories; /* that have come to an end, by which: */
    size_t finished;
    size_t aborted;
    size_t failed;      /* by deaths of workers */
    size_t checked;     /* against the simulator */
    int64_t longest_ms; /* from the first 204 of a story to its end */
};

/* Accounts are called load_account_name(i); plant is started with them, then load_start. */
struct load *load_new(const struct load_options *options);
void load_free(struct load *load);
const struct stack_account *load_accounts(const struct load *load, size_t *count);

/* Begins; plant is borrowed. dir gets the ledger: a line for every answer to execute and abort, and
   for every end of a story. */
void load_start(struct load *load, struct plant *plant);

/* Moves every account on as far as it can; to be called again and again, with the plant's calls
   pumped in between. */
void load_step(struct load *load);

/* No new story begins; those under way come to their end. */
void load_drain(struct load *load);
bool load_is_quiet(const struct load *load);

/* When quiet: every account changes its settings and executes once more, with no abort; each story
   must end with FINISHED. load_is_quiet tells when that is over. */
void load_last_round(struct load *load);

/* When accounts do not become quiet: a finding for each. */
void load_report_stuck(struct load *load);

/* After the end: every account's status as Redis has it is that of its last story. */
void load_check_statuses(struct load *load);

struct load_counts load_counts(const struct load *load);

#endif
