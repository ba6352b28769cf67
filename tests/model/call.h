/* One call of a script, as data: it can be sent now, twice, later or never. */
#ifndef OMNIHOOK_TESTS_MODEL_CALL_H
#define OMNIHOOK_TESTS_MODEL_CALL_H

#include "common/error.h"
#include "tests/model/script_texts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names are numbers here, so that a schedule is the same each time: account 0 is "acme", worker 7
   is "w7"; jobs and tokens are their numbers in hex, behind some scattered digits in a token. 0 =
   none, but for accounts. */
enum { MODEL_ACCOUNTS = 3, MODEL_NO_ACCOUNT = -1, MODEL_ELEMENT_SIZE = 160 };

const char *model_account_name(int account);
unsigned model_job_number(const char *name);
unsigned model_token_number(const char *name);
unsigned model_worker_number(const char *name);

/* What the model's machine is set to. */
enum {
    MODEL_LEASE_MS = 15000,
    MODEL_GRACE_MS = 3000,
    MODEL_QUEUE_MAX = 4,
    MODEL_ATTEMPTS = 3,
    MODEL_DEATHS_MAX = 3, /* as in prelude_rest.lua */
    MODEL_MAX_AGE_MS = 120000,
    MODEL_DEATH_BACKOFF_MS = 12000,
    MODEL_RESULT_TTL_S = 86400,
    MODEL_PIECE = 100,    /* what one sweep moves at most */
    MODEL_TAKE_PIECE = 2, /* and a take_back */
};

enum model_outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_RETRY, OUTCOME_PARKED, OUTCOME_RELEASED };
const char *model_outcome_name(enum model_outcome outcome);

enum { CALL_KNOWN_MAX = 4 };

struct call {
    enum model_script script;
    int account;  /* of enqueue, abort, progress, finish */
    unsigned job; /* of enqueue: the id for a new job */
    unsigned worker;
    unsigned token;                   /* of claim, progress, finish */
    char element[MODEL_ELEMENT_SIZE]; /* of claim */
    enum model_outcome outcome;       /* of finish, with its delays */
    int64_t delay_ms;
    int64_t backoff_ms;
    int64_t connected_ms;           /* of watch: for how long the caller has been connected */
    unsigned known[CALL_KNOWN_MAX]; /* of take_back_own: tokens */
    bool has_expected;              /* of take_back: the caller has seen Redis's clock before */
    int64_t expected_ms;
};

/* The arguments of a command, with their texts. Begins as {0}. */
enum { CALL_ARGS_MAX = 24, CALL_BYTES = 1024 };
struct call_args {
    size_t count;
    const char *args[CALL_ARGS_MAX];
    size_t used;
    char bytes[CALL_BYTES];
};
void call_args_add(struct call_args *args, const char *text);
void call_args_addf(struct call_args *args, const char *format, ...) PRINTF_LIKE(2, 3);

/* Adds the script's ARGV. */
void call_add_args(const struct call *call, struct call_args *args);

#endif
