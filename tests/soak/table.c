#include "tests/soak/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEDIAN_BAR_MS = 2000, MAX_BAR_MS = PLANT_LEASE_MS + 5000 };

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

struct summary {
    size_t count;
    int64_t median_ms;
    int64_t max_ms;
};

static struct summary summarize(int64_t *times_ms, size_t count)
{
    if (count == 0) {
        return (struct summary){0};
    }
    qsort(times_ms, count, sizeof *times_ms, by_size);
    return (struct summary){
        .count = count, .median_ms = times_ms[count / 2], .max_ms = times_ms[count - 1]};
}

static void print_summary(int64_t *times_ms, size_t count)
{
    struct summary summary = summarize(times_ms, count);
    if (count == 0) {
        (void)printf(" %5s %8s %8s", "-", "", "");
        return;
    }
    (void)printf(" %5zu %8.2f %8.2f", summary.count, (double)summary.median_ms / 1000,
                 (double)summary.max_ms / 1000);
}

void table_print(struct faults *faults)
{
    size_t count = 0;
    const struct fault_kind *kinds = fault_kinds(&count);
    (void)printf("\n%-38s %6s | %-23s | %-23s | %s\n", "", "", "recovery alone, s",
                 "with other faults, s", "");
    (void)printf("%-38s %6s | %5s %8s %8s | %5s %8s %8s | %s\n", "fault", "faults", "times",
                 "median", "max", "times", "median", "max", "recovered when");
    for (size_t i = 0; i < count; i++) {
        struct fault_times *times = faults_times(faults, i);
        (void)printf("%-38s %6zu |", kinds[i].name, times->injected);
        print_summary(times->alone_ms, times->alone_count);
        (void)printf(" |");
        print_summary(times->together_ms, times->together_count);
        (void)printf(" | %s\n", kinds[i].recovery);
    }
    (void)printf("%-38s %6zu\n\n", "all", faults_injected(faults));
}

bool table_judge(struct faults *faults)
{
    size_t count = 0;
    const struct fault_kind *kinds = fault_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kinds[i].name, "worker: SIGKILL") == 0) {
            struct fault_times *times = faults_times(faults, i);
            struct summary summary = summarize(times->alone_ms, times->alone_count);
            bool holds = summary.count > 0 && summary.median_ms < MEDIAN_BAR_MS &&
                         summary.max_ms <= MAX_BAR_MS;
            (void)printf(
                "bar: SIGKILL of a worker: median %.2f s (< %.0f s), max %.2f s (<= %.0f s):"
                " %s\n",
                (double)summary.median_ms / 1000, MEDIAN_BAR_MS / 1000.0,
                (double)summary.max_ms / 1000, MAX_BAR_MS / 1000.0, holds ? "met" : "NOT met");
            return holds;
        }
    }
    return false;
}
