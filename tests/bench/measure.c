#include "tests/bench/measure.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double measure_cpu_s(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "r");
    char line[1024] = "";
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    (void)fclose(file);
    /* The name in parentheses may hold spaces; utime and stime are the 12th and 13th field after.
     */
    char *save = NULL;
    char *field = strtok_r(strrchr(line, ')') + 1, " ", &save);
    double ticks = 0;
    for (int i = 1; field != NULL && i <= 13; i++, field = strtok_r(NULL, " ", &save)) {
        if (i >= 12) {
            ticks += strtod(field, NULL);
        }
    }
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

double measure_own_cpu_s(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double status_mib(pid_t pid, const char *name)
{
    char path[64];
    char line[256];
    double kib = -1024;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtod(line + strlen(name), NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib / 1024;
}

double measure_rss_mib(pid_t pid)
{
    return status_mib(pid, "VmRSS:");
}

double measure_peak_rss_mib(pid_t pid)
{
    return status_mib(pid, "VmHWM:");
}

int64_t measure_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

double measure_median(const double *values, size_t count)
{
    double sorted[MEASURE_ROUNDS_MAX];
    assert(count > 0 && count <= MEASURE_ROUNDS_MAX);
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    return sorted[count / 2];
}

double measure_mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / (double)count;
}

double measure_median_ratio(const double *above, const double *below, size_t count)
{
    double ratios[MEASURE_ROUNDS_MAX];
    assert(count <= MEASURE_ROUNDS_MAX);
    for (size_t i = 0; i < count; i++) {
        ratios[i] = above[i] / below[i];
    }
    return measure_median(ratios, count);
}
