/* How much memory a process takes. */
#ifndef OMNIHOOK_TESTS_SUPPORT_MEMORY_H
#define OMNIHOOK_TESTS_SUPPORT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The most that was resident since its start (VmHWM); pid 0 = this process. The test fails when it
   is gone. */
size_t memory_peak_kib(pid_t pid);

/* A sanitizer keeps what was freed for a while, and much for itself: figures say nothing. */
bool memory_is_sanitized(void);

#endif
