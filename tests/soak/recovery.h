/* How long it takes until things go on after a fault: the jobs that a worker held, and the service
   as a whole. */
#ifndef OMNIHOOK_TESTS_SOAK_RECOVERY_H
#define OMNIHOOK_TESTS_SOAK_RECOVERY_H

#include "tests/soak/plant.h"

#include <sys/types.h>

enum { HELD_MAX = 64 };

/* One job in a worker's list. */
struct held_job {
    char account[64];
    char job[36];
    char claim[36];      /* of the run that ran it there; "" = it was popped and not claimed yet */
    char last_claim[36]; /* of the run before */
    bool is_recovered;
};

struct held_jobs {
    struct held_job jobs[HELD_MAX];
    size_t count;
};

/* What the workers of that process hold now; Redis must be up. */
void held_jobs_find(struct held_jobs *held, struct redis_fixture *redis, pid_t pid);

/* True when each of them runs again somewhere, or its run has ended. */
bool held_jobs_are_recovered(struct held_jobs *held, struct redis_fixture *redis);

/* How many jobs have ended since ever. */
int64_t ended_jobs(struct redis_fixture *redis);

#endif
