/* The world around the job machine, as far as it matters to it: an API that enqueues and aborts,
   three workers that run, die, stall and stop, calls that are lost, doubled or late, time that
   passes, hands that add and remove elements, a Redis that loses its last writes.

   A world is a plain value: a copy of it and machine_save() are all that it takes to come back. */
#ifndef OMNIHOOK_TESTS_MODEL_MODEL_H
#define OMNIHOOK_TESTS_MODEL_MODEL_H

#include "common/strbuf.h"
#include "tests/model/oracle.h"

enum { MODEL_WORKERS = 3, MODEL_RUNS_MAX = 3, MODEL_LATE_MAX = 4 };

/* What may go wrong besides workers and calls. */
enum model_mode {
    MODE_PLAIN,  /* nothing */
    MODE_CLOCK,  /* Redis's clock jumps */
    MODE_HANDS,  /* elements and registrations are added and removed by hand */
    MODE_ROLLED, /* Redis loses its last writes */
    MODEL_MODES
};

/* One thing that happens. Each can be done in every world; where there is nothing to do it does
   nothing, so that any steps may be left out of a schedule. */
enum step_verb {
    STEP_EXECUTE,   /* who: account */
    STEP_ABORT,     /* who: account */
    STEP_PASS,      /* time passes; what: how much */
    STEP_PROMOTE,   /* somebody's housekeeping */
    STEP_TAKE_BACK, /* what: 1 = by one who has not seen Redis's clock before */
    STEP_AUDIT,     /* what: odd = twice, a lease apart */
    STEP_WATCH,     /* what: how many looks; 0 = one, by somebody who has just connected */
    STEP_LATE,      /* what: which late call arrives */
    STEP_POP,       /* who: worker, here and in what follows */
    STEP_WORK,      /* goes on with a run: claims, shows progress, finishes; what: which and how */
    STEP_BEAT,
    STEP_LOOK, /* looks into its own list */
    STEP_DIE,
    STEP_STALL,
    STEP_WAKE,
    STEP_DEAFEN, /* nobody listens on its channel any more, or again somebody does */
    STEP_STOP,
    STEP_JUMP, /* Redis's clock; what: how far */
    STEP_HAND, /* who: account or worker; what: what a hand does */
    STEP_SAVE, /* Redis writes its state to disk */
    STEP_ROLL, /* Redis comes back with what it wrote last */
    STEP_VERBS
};

enum step_fate {
    FATE_NOW,
    FATE_TWICE,   /* sent again at once, as after a lost answer */
    FATE_UNHEARD, /* the answer is lost */
    FATE_LATE,    /* reaches Redis later, whatever its sender is by then */
    STEP_FATES
};

struct step {
    uint8_t verb;
    uint8_t who;
    uint8_t what;
    uint8_t fate;
};

enum run_phase { RUN_CLAIMING, RUN_GOING, RUN_FINISHING };

/* What a worker remembers of one element. */
struct model_run {
    enum run_phase phase;
    int account;
    unsigned token;
    bool must_stop; /* its abort was asked for */
    char element[MODEL_ELEMENT_SIZE];
    struct call finish; /* to be repeated until it is answered */
};

struct model_worker {
    unsigned name;
    bool is_up;
    bool is_stalled;
    bool is_deaf;        /* Redis sees nobody listen on its channel */
    bool was_deaf;       /* so that its lease may have ended before its deadline */
    bool lost_a_reply;   /* must look into its own list before the next pop */
    int64_t deadline_ms; /* by its own clock: past it, it writes nothing under this name */
    size_t run_count;
    struct model_run runs[MODEL_RUNS_MAX];
};

struct model {
    struct machine *machine;
    enum model_mode mode;
    int64_t true_ms;   /* the clock of all workers */
    int64_t offset_ms; /* Redis's clock is ahead by this */
    int64_t swept_true_ms;
    int64_t swept_redis_ms; /* what both showed at the last take_back */
    int64_t connected_at_ms;
    unsigned last_job;
    unsigned last_token;
    unsigned last_worker;
    bool is_saved;
    bool is_rolled;
    struct model_worker workers[MODEL_WORKERS];
    size_t late_count;
    struct call late[MODEL_LATE_MAX];
    struct oracle oracle;
    struct oracle saved;
    struct view view;
    struct script_reply reply; /* of the last call */
    struct verdict verdict;
    struct strbuf *story; /* borrowed: gets what happens, in words; NULL = nobody listens */
};

/* An empty Redis, nobody there. */
void model_init(struct model *model, struct machine *machine, enum model_mode mode);

/* Does the step and looks whether all promises hold: model->verdict. */
void model_step(struct model *model, const struct step *step);

/* What was sent arrives, no more goes wrong, and all work must come to its end. */
void model_come_to_rest(struct model *model);

/* ---- For the parts of the model ---- */

void model_note(struct model *model, const char *format, ...) PRINTF_LIKE(2, 3);

int64_t model_redis_ms(const struct model *model);

/* Sends it; the answer is in model->reply. */
void model_send(struct model *model, const struct call *call);
/* As model_send, and with FATE_TWICE once more, which must change nothing. */
void model_deliver(struct model *model, const struct call *call, enum step_fate fate);
/* Keeps it for later; false when there is no room. */
bool model_delay(struct model *model, const struct call *call);
void model_look_again(struct model *model);

/* is_new: by one who has just come. */
void model_sweep(struct model *model, enum model_script script, bool is_new, enum step_fate fate);
void model_late_arrives(struct model *model, size_t which);

/* model_workers.c */
void worker_step(struct model *model, struct model_worker *worker, const struct step *step);
void worker_wakes(struct model *model, struct model_worker *worker);
/* Beats, or where it is too late for that, comes back under a new name. */
void worker_keeps_its_lease(struct model *model, struct model_worker *worker);
/* Does all that it can do without a mistake, and takes what waits. */
void worker_does_its_best(struct model *model, struct model_worker *worker);
/* An answer came too late for anybody to hear. */
void worker_misses(struct model *model, unsigned name);
void worker_hears(struct model *model, struct model_worker *worker, bool hears);
/* No two workers that trust their lease run the same account. */
void workers_check(struct model *model);
void worker_starts(struct model *model, struct model_worker *worker);

#endif
