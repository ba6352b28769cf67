#include "worker/progress.h"

#include "common/mem.h"
#include "common/now.h"

/* Most runs are over within some milliseconds: nobody needs to see how far they are. */
enum { FIRST_MS = 100, PERIOD_MS = 250, DETAILS_PERIOD_MS = 1000 };

/* A write under way: outlives a progress that is freed before the answer. */
struct write {
    struct progress *progress; /* NULL: nobody waits for the answer any more */
};

struct progress {
    struct progress_options options;
    struct event *timer;
    struct write *write;   /* NULL = none under way */
    int64_t done;          /* as written: it never goes back, also when something was undone */
    int64_t due_ms;        /* mono; no write before, except to verify */
    int64_t details_at_ms; /* mono; of the newest write with details; 0 = there was none */
    bool has_moved;        /* since the newest write was sent */
    bool must_verify;      /* another write is to follow at once */
};

static void write_when_due(struct progress *progress);

static void on_answered(void *arg, const struct error *why_not)
{
    struct write *write = arg;
    struct progress *progress = write->progress;
    mem_free(write);
    if (progress == NULL) {
        return;
    }
    progress->write = NULL;
    if (why_not != NULL && why_not->code != ERROR_LOST) {
        progress->has_moved = true; /* unknown whether it was written: later again */
    }
    if (progress->has_moved || progress->must_verify) {
        write_when_due(progress);
    }
    progress->options.on_written(progress->options.arg, why_not);
}

static void write_now(struct progress *progress)
{
    const struct progress_options *options = &progress->options;
    int64_t now_ms = now_mono_ms();
    bool is_first = progress->details_at_ms == 0;
    bool has_details = is_first || now_ms - progress->details_at_ms >= DETAILS_PERIOD_MS;
    char *details = has_details ? run_report_print(options->report) : NULL;
    struct run_counts counts = run_report_counts(options->report);
    progress->done = counts.done > progress->done ? counts.done : progress->done;
    counts.done = progress->done;

    progress->write = mem_new(1, sizeof *progress->write);
    progress->write->progress = progress;
    progress->due_ms = now_ms + PERIOD_MS;
    progress->details_at_ms = has_details ? now_ms : progress->details_at_ms;
    progress->has_moved = false;
    progress->must_verify = false;
    job_queue_progress(options->queue, options->claim, &counts, details, on_answered,
                       progress->write);
    mem_free(details);
}

static void on_due(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct progress *progress = arg;
    if (progress->write == NULL) {
        write_now(progress);
    }
}

static void write_when_due(struct progress *progress)
{
    if (progress->write != NULL) {
        return;
    }
    int64_t wait_ms = progress->due_ms - now_mono_ms();
    loop_timer_start(progress->timer, progress->must_verify || wait_ms < 0 ? 0 : wait_ms);
}

struct progress *progress_new(struct loop *loop, const struct progress_options *options)
{
    struct progress *progress = mem_new(1, sizeof *progress);
    progress->options = *options;
    progress->timer = loop_timer_new(loop, on_due, progress);
    progress->due_ms = now_mono_ms() + FIRST_MS;
    write_when_due(progress);
    return progress;
}

void progress_free(struct progress *progress)
{
    if (progress == NULL) {
        return;
    }
    if (progress->write != NULL) {
        progress->write->progress = NULL;
    }
    event_free(progress->timer);
    mem_free(progress);
}

void progress_moved(struct progress *progress)
{
    if (!progress->has_moved) {
        progress->has_moved = true;
        write_when_due(progress);
    }
}

void progress_verify(struct progress *progress)
{
    progress->must_verify = true;
    write_when_due(progress);
}
