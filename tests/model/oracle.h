/* What must hold for the job machine whatever happens. The oracle keeps, for each account, what its
   record has to say by docs/queue.md, works out what each call must change and answer, and
   compares. Beyond that it counts what was asked for: each execute is met by a run that begins
   later, or ended by an abort, and no run begins that nobody asked for. */
#ifndef OMNIHOOK_TESTS_MODEL_ORACLE_H
#define OMNIHOOK_TESTS_MODEL_ORACLE_H

#include "tests/model/machine.h"

enum { ORACLE_JOBS_MAX = 256, VERDICT_TEXT_SIZE = 256 };

/* The first promise that was broken; rule NULL = none was. rule is a literal: two schedules that
   break the same promise have the same. */
struct verdict {
    const char *rule;
    char text[VERDICT_TEXT_SIZE];
};
void verdict_add(struct verdict *verdict, const char *rule, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* What a record has to say. */
struct account_truth {
    enum phase phase;
    unsigned job;
    unsigned claim;
    unsigned worker;
    unsigned next_job; /* of the run that is booked */
    bool is_aborting;
    unsigned tries;
    unsigned deaths;
    bool is_recovered;
    int64_t started_ms;
    int64_t not_before_ms;
    unsigned last_token; /* of the last run that was settled */
    char last_answer[16];
    unsigned version; /* of the settings: each execute follows a change of them */
    unsigned settled; /* the newest version that was run to an end, or aborted */
    unsigned covered; /* the version that the job's last run read */
};

struct oracle {
    bool is_lenient; /* a hand put or removed elements: where they lie is not foretold */
    struct account_truth accounts[MODEL_ACCOUNTS];
    bool has_ended[ORACLE_JOBS_MAX];
    int64_t clock_ms; /* what the last take_back saw */
};

/* A call that was made: what it was, what it answered, the state before and after it. */
struct deed {
    const struct call *call;
    int64_t now_ms;
    const struct script_reply *reply;
    const struct view *before;
    const struct view *after;
};
void oracle_judge(struct oracle *oracle, const struct deed *deed, struct verdict *verdict);

/* Whether by the record this call must change nothing but counters: it is fenced, or a repeat. */
bool oracle_expects_nothing(const struct oracle *oracle, const struct call *call);

#endif
