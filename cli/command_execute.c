/* omnihook execute ACCOUNT [--wait], report ACCOUNT, abort ACCOUNT. */
#include "cli/report.h"
#include "cli/statuses.h"
#include "cli/terminal.h"

#include "common/job_queue_view.h"

#include <stdio.h>
#include <string.h>

enum { POLL_US = 200000 };

static void on_poll(evutil_socket_t unused, short events, void *arg);

static void poll_soon(struct cli *cli)
{
    const struct timeval pause = {.tv_usec = POLL_US};
    (void)event_base_once(loop_base(cli->loop), -1, EV_TIMEOUT, on_poll, cli, &pause);
}

/* The job is accepted, and Redis being away for a moment does not change that. */
static void poll_again(struct cli *cli, const struct error *why_not)
{
    if (cli_may_read_again(cli, why_not, false)) {
        poll_soon(cli);
        return;
    }
    (void)fprintf(stderr,
                  "omnihook: the status cannot be read: %s\nThe job goes on: 'omnihook status %s' "
                  "tells how it stands.\n",
                  why_not->text, cli->account_name);
    cli_end(cli, CLI_FAILED);
}

/* ---- Report ---- */

/* The exit code of a command that has shown a job: of execute --wait only FINISHED is a success. */
static int exit_code_of(const struct cli *cli, const json_t *report)
{
    bool is_failure =
        (cli->options & CLI_WAIT) != 0 && strcmp(cli_text_of(report, "state"), "FINISHED") != 0;
    return is_failure ? CLI_FAILED : CLI_OK;
}

static void on_report(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct cli *cli = arg;
    if (why_not != NULL && (cli->options & CLI_WAIT) != 0) {
        poll_again(cli, why_not);
        return;
    }
    if (why_not != NULL) {
        cli_fail(cli, "the report cannot be read", why_not);
        return;
    }
    if (document == NULL) {
        (void)fprintf(stderr, "omnihook: no job of %s is remembered\n", cli->account_name);
        cli_end(cli, CLI_FAILED);
        return;
    }
    json_t *report = json_loadb(document, size, 0, NULL);
    if (cli->is_json) {
        (void)fwrite(document, 1, size, stdout);
        (void)putchar('\n');
    } else {
        report_print(report);
    }
    cli_end(cli, exit_code_of(cli, report));
    json_decref(report);
}

void command_report(struct cli *cli)
{
    job_queue_get_report(cli->queue, cli->account->name, on_report, cli);
}

/* ---- Abort ---- */

static void on_aborted(void *arg, bool found, const struct error *why_not)
{
    struct cli *cli = arg;
    if (why_not != NULL) {
        cli_fail(cli, "the job may still run", why_not);
        return;
    }
    if (cli->is_json) {
        (void)printf("{\"account\":\"%s\",\"aborted\":%s}\n", cli->account_name,
                     found ? "true" : "false");
    } else {
        (void)puts(found ? "abort is asked for" : "nothing was running");
    }
    cli_end(cli, CLI_OK);
}

void command_abort(struct cli *cli)
{
    job_queue_abort(cli->queue, cli->account->name, on_aborted, cli);
}

/* ---- Execute ---- */

/* The bar is drawn over the one before it, and at the end a line ends it. */
static void draw_progress(const json_t *row, bool is_over)
{
    if (!terminal_is(stderr)) {
        return;
    }
    char bar[TERMINAL_BAR_SIZE];
    (void)fprintf(
        stderr, "\r%s %-8s\033[K%s",
        terminal_bar(stderr, bar, cli_number_of(row, "done"), cli_number_of(row, "total")),
        cli_text_of(row, "phase"), is_over ? "\n" : "");
    (void)fflush(stderr);
}

static void on_row(void *arg, const json_t *row)
{
    struct cli *cli = arg;
    bool is_over = strcmp(cli_text_of(row, "state"), "WORKING") != 0;
    draw_progress(row, is_over);
    if (is_over) {
        command_report(cli);
    } else {
        cli_has_read(cli);
        poll_soon(cli);
    }
}

static void on_rows_read(void *arg, const struct error *why_not)
{
    if (why_not != NULL) {
        poll_again(arg, why_not);
    }
}

static void on_poll(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    statuses_read(arg, 1, on_row, on_rows_read, arg);
}

static const char *result_text(enum enqueue_result result)
{
    switch (result) {
    case ENQUEUE_NEW:
        return "queued";
    case ENQUEUE_COALESCED:
        return "the job that waits covers this";
    case ENQUEUE_RERUN:
        return "it runs: one more run is booked";
    case ENQUEUE_NOW:
        return "the job that waited for its next attempt starts now";
    }
    return "queued";
}

static void on_enqueued(void *arg, enum enqueue_result result, const char *job,
                        const struct error *why_not)
{
    struct cli *cli = arg;
    bool is_wait = (cli->options & CLI_WAIT) != 0;
    if (why_not != NULL) {
        cli_fail(cli, "the job was not confirmed (asking again is safe)", why_not);
        return;
    }
    if (cli->is_json && !is_wait) {
        (void)printf("{\"account\":\"%s\",\"job\":\"%s\"}\n", cli->account_name, job);
    } else {
        (void)fprintf(is_wait ? stderr : stdout, "%s: job %s\n", result_text(result), job);
    }
    if (is_wait) {
        on_poll(-1, 0, cli);
    } else {
        cli_end(cli, CLI_OK);
    }
}

void command_execute(struct cli *cli)
{
    job_queue_enqueue(cli->queue, cli->account->name, on_enqueued, cli);
}
