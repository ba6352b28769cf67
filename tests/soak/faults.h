/* The schedule of faults. Which faults come, against what, how long and in which order follows from
   the seed alone; at what moment of the work they hit does not, since real processes are not
   deterministic. */
#ifndef OMNIHOOK_TESTS_SOAK_FAULTS_H
#define OMNIHOOK_TESTS_SOAK_FAULTS_H

#include "tests/soak/dice.h"
#include "tests/soak/plant.h"
#include "tests/soak/recovery.h"

/* What a fault is done to. Two faults are never done to the same thing at once. */
enum fault_target {
    TARGET_WORKER,     /* any worker */
    TARGET_SOLO,       /* a worker of one process */
    TARGET_SUPERVISED, /* the worker of two */
    TARGET_API,
    TARGET_SUPERVISED_API,
    TARGET_REDIS,
    TARGET_OMNITRON,
};

struct fault;

/* The steps of a kind. begin does the harm. heal is called from the end of its hold on, again and
   again, until it says true: then nothing is in the way any more. is_recovered is asked from the
   moment on that the time is measured from, until it says true. */
struct fault_kind {
    const char *name;
    const char *recovery; /* what is_recovered waits for */
    enum fault_target target;
    unsigned weight; /* 0: only when late_percent asks for it */
    int64_t hold_min_ms;
    int64_t hold_max_ms;
    bool is_measured_from_begin; /* else from the end of the hold */
    void (*begin)(struct fault *fault);
    bool (*heal)(struct fault *fault);
    bool (*is_recovered)(struct fault *fault);
};

const struct fault_kind *fault_kinds(size_t *count);

/* One fault, as planned and as it goes. */
struct fault {
    const struct fault_kind *kind;
    struct plant *plant;
    struct plant_program *program; /* NULL: the target is Redis or Omnitron */
    int64_t hold_ms;
    size_t flavour; /* any number: which of a kind's variants */
    bool is_active;
    bool is_alone; /* no other fault was active while it recovered */
    bool is_healed;
    bool is_recovered;
    bool is_counted;  /* false: it found nothing to disturb (a killed worker that held no job) */
    bool is_given_up; /* reported as stuck */
    int64_t begun_ms; /* mono */
    int64_t held_until_ms;
    int64_t from_ms; /* what the recovery is measured from; 0 = not yet */
    struct held_jobs held;
    int64_t ended_before; /* ended_jobs when it was healed; -1 = not asked yet */
    bool has_signalled;   /* its second signal was sent */
    bool is_probing;      /* a call is under way */
    bool has_answered;
};

struct faults_options {
    uint64_t seed;
    int64_t gap_max_ms;    /* from the start of one fault to that of the next, at least 0 .. this */
    unsigned calm_percent; /* of the faults wait until those before are over */
    unsigned late_percent; /* of the faults are old connections that arrive late */
};

struct faults;

/* plant is borrowed. log_path gets a line for each step of each fault. */
struct faults *faults_new(struct plant *plant, const struct faults_options *options);
void faults_free(struct faults *faults);

/* Begins, heals and measures what is due; to be called again and again. */
void faults_step(struct faults *faults);

/* No new fault begins; what is in force is healed at once. */
void faults_stop(struct faults *faults);
bool faults_are_over(const struct faults *faults);

/* The recovery times of a kind. */
struct fault_times {
    size_t injected;
    size_t unmeasured; /* nothing was disturbed */
    int64_t *alone_ms; /* owned by faults; recovered while no other fault was active */
    size_t alone_count;
    int64_t *together_ms; /* the others */
    size_t together_count;
};
struct fault_times *faults_times(struct faults *faults, size_t kind);
/* Every kind has come at least once. */
bool faults_are_complete(const struct faults *faults);
size_t faults_injected(const struct faults *faults);

#endif
