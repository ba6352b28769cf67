/* getpid() without a system call, for what is done with every request. */
#ifndef OMNIHOOK_COMMON_OWN_PID_H
#define OMNIHOOK_COMMON_OWN_PID_H

#include <sys/types.h>

/* Also right in a child that fork() has made. */
pid_t own_pid(void);

#endif
