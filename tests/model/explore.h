/* Every schedule of a small world: one account, two workers, some letters, up to a number of steps.
   Two schedules that lead to the same state are followed as one. */
#ifndef OMNIHOOK_TESTS_MODEL_EXPLORE_H
#define OMNIHOOK_TESTS_MODEL_EXPLORE_H

#include "tests/model/schedule.h"

/* Both are up at the start: each schedule begins with their steps. */
enum { EXPLORE_WORKERS = 2 };

struct alphabet {
    const char *name;
    const struct step *letters;
    size_t letter_count;
    size_t depth;
};

struct explored {
    size_t states;
    size_t transitions;
    struct verdict verdict;
    struct schedule schedule; /* that breaks it: there is no shorter one */
};

/* Breadth first. From each state that is new all work must also come to its end. */
void explore(const struct alphabet *alphabet, struct machine *machine, struct explored *explored);

#endif
