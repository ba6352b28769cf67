#include "common/metrics_page.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OK = 200, PROCESSES_MAX = 2 * 256 + 2, STAT_SIZE = 1024, NS_PER_S = 1000000000 };

/* Sums; names and meanings as of https://prometheus.io/docs/instrumenting/writing_clientlibs/. */
struct process_figures {
    double cpu_s;
    int64_t resident_bytes;
    int64_t virtual_bytes;
    int64_t open_descriptors;
    double started_at_s; /* the earliest; since 1970 */
};

/* When the machine was booted, in seconds since 1970. By the clocks, as /proc/stat is hidden from
   services (systemd's ProcSubset=pid); and once only, as to Prometheus a start that moves with the
   clock is another start. */
static double boot_time_s(void)
{
    static double boot_s;
    struct timespec now;
    struct timespec since_boot;
    if (boot_s <= 0 && clock_gettime(CLOCK_REALTIME, &now) == 0 &&
        clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0) {
        boot_s = (double)(now.tv_sec - since_boot.tv_sec) +
                 (double)(now.tv_nsec - since_boot.tv_nsec) / NS_PER_S;
    }
    return boot_s;
}

static int64_t count_descriptors(pid_t pid)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    int64_t count = 0;
    if (folder == NULL) {
        return 0;
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count > 2 ? count - 2 : 0; /* "." and ".." */
}

/* Adds what /proc/<pid>/stat says. Source of the fields: proc(5). */
static void add_process(struct process_figures *figures, pid_t pid)
{
    enum { USER = 14, SYSTEM = 15, START = 22, VIRTUAL = 23, RESIDENT = 24, FIELDS };
    char path[32];
    char stat[STAT_SIZE];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = descriptor < 0 ? -1 : read(descriptor, stat, sizeof stat - 1);
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    if (size <= 0) {
        return; /* it has just ended */
    }
    stat[size] = '\0';
    int64_t fields[FIELDS] = {0};
    const char *at = strrchr(stat, ')'); /* the name before it may hold anything */
    for (size_t field = 3; at != NULL && field < FIELDS; field++) {
        at = strchr(at, ' ');
        if (at != NULL) {
            at++;
            fields[field] = strtoll(at, NULL, 10);
        }
    }
    double ticks = (double)sysconf(_SC_CLK_TCK);
    double started_at_s = boot_time_s() + (double)fields[START] / ticks;
    figures->cpu_s += (double)(fields[USER] + fields[SYSTEM]) / ticks;
    figures->virtual_bytes += fields[VIRTUAL];
    figures->resident_bytes += fields[RESIDENT] * sysconf(_SC_PAGESIZE);
    figures->open_descriptors += count_descriptors(pid);
    if (figures->started_at_s <= 0 || started_at_s < figures->started_at_s) {
        figures->started_at_s = started_at_s;
    }
}

static void print_head(struct strbuf *body, const char *name, const char *type, const char *help)
{
    (void)strbuf_addf(body, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_processes(const struct process_figures *figures, size_t count,
                            struct strbuf *body)
{
    print_head(body, "process_cpu_seconds_total", "counter", "Processor time, user and system.");
    (void)strbuf_addf(body, "process_cpu_seconds_total %.2f\n", figures->cpu_s);
    print_head(body, "process_resident_memory_bytes", "gauge", "Resident memory.");
    (void)strbuf_addf(body, "process_resident_memory_bytes %" PRId64 "\n", figures->resident_bytes);
    print_head(body, "process_virtual_memory_bytes", "gauge", "Virtual memory.");
    (void)strbuf_addf(body, "process_virtual_memory_bytes %" PRId64 "\n", figures->virtual_bytes);
    print_head(body, "process_open_fds", "gauge", "Open file descriptors.");
    (void)strbuf_addf(body, "process_open_fds %" PRId64 "\n", figures->open_descriptors);
    print_head(body, "process_start_time_seconds", "gauge", "When it started, since 1970.");
    (void)strbuf_addf(body, "process_start_time_seconds %.2f\n", figures->started_at_s);
    print_head(body, "omnihook_processes", "gauge", "Processes whose figures are added up here.");
    (void)strbuf_addf(body, "omnihook_processes %zu\n", count);
    print_head(body, "omnihook_build_info", "gauge", "1, with the version as label.");
    (void)strbuf_addf(body, "omnihook_build_info{version=\"%s\"} 1\n", OMNIHOOK_VERSION);
}

static int show(void *arg, struct strbuf *body)
{
    const struct metrics_page *page = arg;
    const struct metrics_block *blocks[PROCESSES_MAX];
    struct process_figures figures = {.cpu_s = 0};
    struct metrics_process process;
    size_t block_count = 0;
    size_t running = 0;
    for (size_t i = 0; i < PROCESSES_MAX && page->get_process(page->arg, i, &process); i++) {
        if (process.block != NULL) {
            blocks[block_count++] = process.block;
        }
        if (process.pid != 0) {
            add_process(&figures, process.pid);
            running++;
        }
    }
    metrics_print(page->program, blocks, block_count, body);
    print_processes(&figures, running, body);
    return OK;
}

void metrics_page_add(struct ops_pages *pages, const struct metrics_page *page)
{
    /* The page is only read. */
    ops_pages_add(pages, "/metrics", "text/plain; version=0.0.4; charset=utf-8", show,
                  (void *)(uintptr_t)page);
}

bool metrics_get_own_process(void *arg, size_t index, struct metrics_process *process)
{
    (void)arg;
    *process = (struct metrics_process){.block = metrics_block(), .pid = getpid()};
    return index == 0;
}
