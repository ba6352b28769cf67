#include "tests/support/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { INHERITED_FD_MAX = 1024 };

void child_begin(pid_t parent, int keep, int keep_too)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    for (int fd = STDERR_FILENO + 1; fd < INHERITED_FD_MAX; fd++) {
        if (fd != keep && fd != keep_too) {
            (void)close(fd);
        }
    }
}
