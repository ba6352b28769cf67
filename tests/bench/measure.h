/* What a process has used, from /proc. */
#ifndef OMNIHOOK_TESTS_BENCH_MEASURE_H
#define OMNIHOOK_TESTS_BENCH_MEASURE_H

#include <stdint.h>
#include <sys/types.h>

/* User and system time in seconds since its start. */
double measure_cpu_s(pid_t pid);

/* The same of this process, without its children. */
double measure_own_cpu_s(void);

/* Resident memory in MiB, now and at its highest. */
double measure_rss_mib(pid_t pid);
double measure_peak_rss_mib(pid_t pid);

/* Monotonic microseconds. */
int64_t measure_now_us(void);

#endif
