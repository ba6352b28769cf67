#include "common/own_pid.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

static pid_t known; /* 0 = this process has not asked yet */

static void forget(void)
{
    known = 0;
}

pid_t own_pid(void)
{
    static bool is_fork_seen;
    if (!is_fork_seen) {
        is_fork_seen = pthread_atfork(NULL, NULL, forget) == 0;
    }
    if (known == 0 || !is_fork_seen) {
        known = getpid();
    }
    return known;
}
