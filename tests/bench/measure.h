/* What a process has used, from /proc. */
#ifndef OMNIHOOK_TESTS_BENCH_MEASURE_H
#define OMNIHOOK_TESTS_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* User and system time in seconds since its start. */
double measure_cpu_s(pid_t pid);

/* The same of this process, without its children. */
double measure_own_cpu_s(void);

/* Resident memory in MiB, now and at its highest. */
double measure_rss_mib(pid_t pid);
double measure_peak_rss_mib(pid_t pid);

/* The machine does other things too: single rounds may be far off. Of at most MEASURE_ROUNDS_MAX.
 */
enum { MEASURE_ROUNDS_MAX = 256 };
double measure_median(const double *values, size_t count);
double measure_mean(const double *values, size_t count);
/* Of what was measured in the same round: the machine's pace changes between them. */
double measure_median_ratio(const double *above, const double *below, size_t count);

/* Monotonic microseconds. */
int64_t measure_now_us(void);

#endif
