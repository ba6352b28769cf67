/* What must hold for the job machine whatever happens, checked against Redis after every step. It
   knows what was asked for and what the calls answered, and no more of the machine than its public
   keys and its record of each account. */
#ifndef OMNIHOOK_TESTS_SUPPORT_QUEUE_ORACLE_H
#define OMNIHOOK_TESTS_SUPPORT_QUEUE_ORACLE_H

#include "tests/support/queue_desk.h"

struct queue_oracle;

/* Which promises hold. */
enum oracle_mode {
    ORACLE_STRICT,
    ORACLE_FOREIGN, /* elements were added by hand: there may be copies */
    ORACLE_ROLLED,  /* Redis lost its last writes: only "nothing is stuck" */
};

/* accounts: literals. */
struct queue_oracle *queue_oracle_new(struct queue_desk *desk, const char *const *accounts,
                                      size_t count);
void queue_oracle_free(struct queue_oracle *oracle);
void queue_oracle_set_mode(struct queue_oracle *oracle, enum oracle_mode mode);

/* To be told right before an execute, and right after an abort. */
void queue_oracle_enqueue(struct queue_oracle *oracle, const char *account);
void queue_oracle_aborted(struct queue_oracle *oracle, const char *account);

/* To be told of each claim and finish that was answered without an error, before the next check,
   also when the worker does not hear the answer; but not of repeats. */
void queue_oracle_claimed(struct queue_oracle *oracle, const struct job_claim *claim);
void queue_oracle_finished(struct queue_oracle *oracle, const struct job_claim *claim,
                           enum run_outcome outcome, enum job_end end);

/* Looks at Redis. Fails the test when a promise is broken:
   - what was asked for and is neither run to an end nor aborted shows WORKING, without a gap;
   - a run begins only when something is asked for; an ended job never runs or changes again;
   - attempts count failed runs only;
   - rev grows; each unfinished account's element is in exactly one place, which its phase names. */
void queue_oracle_check(struct queue_oracle *oracle);

/* Whether every account has come to an end; then nothing may be left in any list. */
bool queue_oracle_is_at_rest(struct queue_oracle *oracle);

#endif
