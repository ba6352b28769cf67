/* The scripts of the job machine, loaded into a real Redis, with the clock of the model; and what
   the oracle sees of the state that they leave. */
#ifndef OMNIHOOK_TESTS_MODEL_MACHINE_H
#define OMNIHOOK_TESTS_MODEL_MACHINE_H

#include "tests/model/call.h"

#include <stdbool.h>

struct machine;

enum { VIEW_WORKERS_MAX = 64, VIEW_WRONG_SIZE = 96, VIEW_DIGEST_SIZE = 41, REPLY_WORDS = 8 };

enum phase { PHASE_NONE, PHASE_QUEUED, PHASE_RUNNING, PHASE_RETRYING };

/* An account's keys, in numbers. */
struct account_view {
    char wrong[VIEW_WRONG_SIZE]; /* what contradicts itself; "" = nothing */
    char state[12];              /* READY when there is none */
    enum phase phase;
    unsigned job;
    int64_t rev;
    unsigned claim;
    unsigned worker;
    unsigned next_job;
    bool is_aborting;
    unsigned tries;
    unsigned deaths;
    bool is_recovered;
    int64_t due_ms;        /* 0 = not in delayed */
    int64_t not_before_ms; /* 0 = none */
    unsigned queued;       /* copies of the element in the queue, and in workers' lists */
    unsigned held;
    unsigned holder; /* one of those workers */
    char element[MODEL_ELEMENT_SIZE];
};

struct worker_view {
    unsigned worker;
    int64_t lease_end_ms;
    bool is_listening;
};

struct view {
    struct account_view accounts[MODEL_ACCOUNTS];
    size_t queue_length;
    char head[MODEL_ELEMENT_SIZE]; /* taken next */
    char digest[VIEW_DIGEST_SIZE]; /* "" unless asked for */
    size_t worker_count;
    struct worker_view workers[VIEW_WORKERS_MAX];
};

/* NULL = not registered. */
const struct worker_view *view_worker(const struct view *view, unsigned worker);

/* A script's answer as words; a number is its digits, nil has no word. */
struct script_reply {
    bool is_error; /* words[0] is Redis's text */
    size_t count;
    char words[REPLY_WORDS][MODEL_ELEMENT_SIZE];
};

/* Connects to the Redis at address ("unix:/path"). The test fails on whatever is not expected here.
 */
struct machine *machine_new(const char *address);
void machine_free(struct machine *machine);

/* Loads all scripts, with the fault if there is one. False when its old text is not in its file
   exactly once; the scripts are then the old ones. */
bool machine_load(struct machine *machine, const struct script_edit *fault);

/* Empties Redis. */
void machine_reset(struct machine *machine);

/* How the state is looked at: may a hand have put or removed elements, is a digest wanted. */
struct look {
    bool is_lenient;
    bool wants_digest;
};

/* Runs the script at this time of the clock and looks at the state after it. */
void machine_call(struct machine *machine, const struct call *call, int64_t now_ms,
                  struct look look, struct script_reply *reply, struct view *view);
void machine_look(struct machine *machine, struct look look, struct view *view);

/* Who listens on its channel. */
void machine_listen(struct machine *machine, unsigned worker, bool is_listening);

/* Keeps a copy of the whole state, in place of an older one; goes back to it. */
void machine_save(struct machine *machine);
void machine_restore(struct machine *machine);

/* How often the script gave this answer so far: its first word; "none" for nil, "some" for an
   element and for a number above 0. */
unsigned long machine_answers(const struct machine *machine, enum model_script script,
                              const char *answer);

/* One command, for its effect, as in redis_fixture.h. */
void machine_do(struct machine *machine, const char *format, ...) PRINTF_LIKE(2, 3);
/* Its answer as text, owned by the caller; NULL for nil. */
char *machine_text(struct machine *machine, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
