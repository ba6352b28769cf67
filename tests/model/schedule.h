/* A schedule: steps in a mode. It is made from a seed, played, made shorter, printed and read. */
#ifndef OMNIHOOK_TESTS_MODEL_SCHEDULE_H
#define OMNIHOOK_TESTS_MODEL_SCHEDULE_H

#include "tests/model/model.h"

enum { SCHEDULE_STEPS_MAX = 64 };

struct schedule {
    enum model_mode mode;
    size_t count;
    struct step steps[SCHEDULE_STEPS_MAX];
};

/* The same schedule for the same seed. */
void schedule_make(struct schedule *schedule, uint64_t seed);

/* Plays it on an empty Redis, then waits for all work to end. Returns what it broke; rule NULL =
   nothing. story: gets a transcript that schedule_read can read; may be NULL. */
struct verdict schedule_play(const struct schedule *schedule, struct machine *machine,
                             struct strbuf *story);

/* Leaves out and simplifies steps for as long as the same rule is broken. */
void schedule_shrink(struct schedule *schedule, struct machine *machine, const char *rule);

/* "acme", "0", "now" ...: each line is `verb who what fate`, then maybe a # and words. The first is
   `mode` and the mode's number. False on a line that is none. */
bool schedule_read(struct schedule *schedule, const char *text);

/* Fails the test with the verdict, the shortest schedule that was found, and how to play it again.
   seed_words says where it came from. */
_Noreturn void schedule_fail(const struct schedule *schedule, struct machine *machine,
                             const struct verdict *verdict, const char *seed_words);

#endif
