#include "tests/omnitron_sim/sim.h"

#include "tests/omnitron_sim/exchange.h"

static void add_users(struct sim *sim)
{
    for (size_t i = 0; i < sim->options->user_count; i++) {
        (void)users_put(sim->users, &sim->options->users[i]);
    }
}

void sim_init(struct sim *sim, struct event_base *base, const struct options *options)
{
    *sim = (struct sim){
        .base = base,
        .options = options,
        .users = users_new(),
        .hooks = hooks_new(),
        .faults = faults_new(),
        .counters = counters_new(),
        .journal = journal_new(),
    };
    settings_copy(&sim->settings, &options->settings);
    add_users(sim);
}

void sim_clear(struct sim *sim)
{
    exchange_close_all(sim);
    hooks_free(sim->hooks);
    users_free(sim->users);
    faults_free(sim->faults);
    counters_free(sim->counters);
    journal_free(sim->journal);
    settings_clear(&sim->settings);
}

void sim_reset(struct sim *sim)
{
    faults_remove_all(sim->faults);
    exchange_close_hanging(sim);
    hooks_reset(sim->hooks);
    users_remove_all(sim->users);
    add_users(sim);
    counters_reset(sim->counters);
    journal_reset(sim->journal);
    settings_clear(&sim->settings);
    settings_copy(&sim->settings, &sim->options->settings);
    sim->unordered_reads = 0;
}
