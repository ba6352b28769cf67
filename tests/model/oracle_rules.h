/* What each script must do to the records: for oracle.c only. */
#ifndef OMNIHOOK_TESTS_MODEL_ORACLE_RULES_H
#define OMNIHOOK_TESTS_MODEL_ORACLE_RULES_H

#include "tests/model/oracle.h"

/* What a call must answer and show. */
struct expectation {
    const char *answer;            /* the first word; NULL = not foretold */
    bool is_shown[MODEL_ACCOUNTS]; /* the status is written: rev grows */
    bool is_free[MODEL_ACCOUNTS];  /* what happens to this account is not foretold */
};

/* Changes the records of oracle as the call must change those in Redis. */
void oracle_foretell(struct oracle *oracle, const struct deed *deed, struct expectation *expected,
                     struct verdict *verdict);

/* The account whose current element this is; MODEL_NO_ACCOUNT = none. */
int oracle_account_of(const struct view *view, const char *element);

/* A take_back that moved all that it may: there may be more. */
bool oracle_is_full_piece(const struct deed *deed);

/* The job is over, by whatever end. */
void oracle_job_ended(struct oracle *oracle, struct account_truth *truth);

#endif
