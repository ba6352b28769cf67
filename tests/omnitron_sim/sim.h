/* The parts of the simulator, put together in main.c. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_SIM_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_SIM_H

#include "tests/omnitron_sim/counters.h"
#include "tests/omnitron_sim/faults.h"
#include "tests/omnitron_sim/hooks.h"
#include "tests/omnitron_sim/journal.h"
#include "tests/omnitron_sim/options.h"
#include "tests/omnitron_sim/settings.h"
#include "tests/omnitron_sim/users.h"

struct event_base;
struct exchange;

struct sim {
    struct event_base *base;
    const struct options *options;
    struct settings settings;
    struct users *users;
    struct hooks *hooks;
    struct faults *faults;
    struct counters *counters;
    struct journal *journal;
    struct exchange *exchanges; /* not answered yet; kept by exchange.c */
    size_t unordered_reads;     /* turns the rows a little further at each */
};

void sim_init(struct sim *sim, struct event_base *base, const struct options *options);
void sim_clear(struct sim *sim);

/* Forgets hooks, users, faults, counters and settings for those of the command line. */
void sim_reset(struct sim *sim);

#endif
