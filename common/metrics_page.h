/* The page /metrics of an ops listener: the figures of one process or of several, and what the
   kernel says of them. */
#ifndef OMNIHOOK_COMMON_METRICS_PAGE_H
#define OMNIHOOK_COMMON_METRICS_PAGE_H

#include "common/metrics.h"
#include "common/ops_pages.h"

#include <sys/types.h>

/* One process whose figures are part of the page. */
struct metrics_process {
    const struct metrics_block *block; /* NULL: it counts nothing, as a supervisor */
    pid_t pid;                         /* 0 = it does not run: what it has counted stays */
};

struct metrics_page {
    enum metrics_program program;
    /* Gives the index-th process; false when there are no more. */
    bool (*get_process)(void *arg, size_t index, struct metrics_process *process);
    void *arg;
};

/* Adds the page; page is borrowed for their life. pages may be NULL. */
void metrics_page_add(struct ops_pages *pages, const struct metrics_page *page);

/* The get_process of a program with one process: this one. arg is not used. */
bool metrics_get_own_process(void *arg, size_t index, struct metrics_process *process);

#endif
