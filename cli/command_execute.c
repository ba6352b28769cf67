/* omnihook execute ACCOUNT [--wait], report ACCOUNT, abort ACCOUNT. */
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { POLL_US = 200000 };

static void on_poll(evutil_socket_t unused, short events, void *arg);

static void print_report(const char *report, size_t size, bool is_json)
{
    json_t *document = is_json ? NULL : json_loadb(report, size, 0, NULL);
    if (document == NULL) {
        (void)fwrite(report, 1, size, stdout);
    } else {
        (void)json_dumpf(document, stdout, JSON_INDENT(2));
        json_decref(document);
    }
    (void)putchar('\n');
}

static void on_report(void *arg, const char *report, size_t size, const struct error *why_not)
{
    struct cli *cli = arg;
    if (why_not != NULL) {
        cli_fail(cli, "the report cannot be read", why_not);
    } else if (report == NULL) {
        (void)fprintf(stderr, "omnihook: no job of %s is remembered\n", cli->account_name);
        cli_end(cli, CLI_FAILED);
    } else {
        print_report(report, size, cli->is_json);
        cli_end(cli, CLI_OK);
    }
}

void command_report(struct cli *cli)
{
    job_queue_get_report(cli->queue, cli->account->name, on_report, cli);
}

static void on_aborted(void *arg, bool found, const struct error *why_not)
{
    struct cli *cli = arg;
    if (why_not != NULL) {
        cli_fail(cli, "the job may still run", why_not);
        return;
    }
    (void)puts(found ? "abort is asked for" : "nothing was running");
    cli_end(cli, CLI_OK);
}

void command_abort(struct cli *cli)
{
    job_queue_abort(cli->queue, cli->account->name, on_aborted, cli);
}

static void on_state(void *arg, const char *state, const struct error *why_not)
{
    struct cli *cli = arg;
    if (why_not != NULL) {
        cli_fail(cli, "the status cannot be read", why_not);
    } else if (strcmp(state, "WORKING") == 0) {
        struct timeval pause = {.tv_usec = POLL_US};
        (void)event_base_once(loop_base(cli->loop), -1, EV_TIMEOUT, on_poll, cli, &pause);
    } else {
        (void)puts(state);
        cli_end(cli, strcmp(state, "FINISHED") == 0 ? CLI_OK : CLI_FAILED);
    }
}

static void on_poll(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct cli *cli = arg;
    job_queue_get_state(cli->queue, cli->account->name, on_state, cli);
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
    if (why_not != NULL) {
        cli_fail(cli, "the job was not confirmed (asking again is safe)", why_not);
        return;
    }
    (void)fprintf(cli->is_wait ? stderr : stdout, "%s: job %s\n", result_text(result), job);
    if (cli->is_wait) {
        on_poll(-1, 0, cli);
    } else {
        cli_end(cli, CLI_OK);
    }
}

void command_execute(struct cli *cli)
{
    job_queue_enqueue(cli->queue, cli->account->name, on_enqueued, cli);
}
