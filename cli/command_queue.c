/* omnihook queue, workers: what waits, and who works. */
#include "cli/cli.h"
#include "cli/table.h"

#include "common/job_queue_view.h"

#include <inttypes.h>

/* Prints the document as it is; true when that was asked for. */
static bool print_json(const struct cli *cli, const char *document, size_t size)
{
    if (cli->is_json) {
        (void)fwrite(document, 1, size, stdout);
        (void)putchar('\n');
    }
    return cli->is_json;
}

/* "3.2 s", or "-" where there is nothing. */
static void print_duration(const char *what, const json_t *ms)
{
    if (json_is_integer(ms)) {
        (void)printf("%-16s %.1f s\n", what, (double)json_integer_value(ms) / 1000);
    } else {
        (void)printf("%-16s -\n", what);
    }
}

static void print_overview(const json_t *overview)
{
    const json_t *queue = json_object_get(overview, "queue");
    (void)printf("%-16s %" PRId64 "\n", "waiting", cli_number_of(queue, "length"));
    print_duration("oldest", json_object_get(queue, "oldest_age_ms"));
    (void)printf("%-16s %" PRId64 "\n", "delayed", cli_number_of(queue, "delayed"));
    print_duration("next due in", json_object_get(queue, "next_due_ms"));
    (void)printf("%-16s %" PRId64 "\n", "active accounts", cli_number_of(queue, "active"));
    (void)printf("%-16s %" PRId64 "\n", "dead", cli_number_of(queue, "dead"));
    (void)printf("%-16s %" PRId64 "\n", "workers", cli_number_of(overview, "workers"));
    (void)puts("\nin total");
    const char *name;
    json_t *count;
    json_object_foreach(json_object_get(overview, "totals"), name, count)
    {
        (void)printf("  %-14s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(count));
    }
}

static void on_overview(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct cli *cli = arg;
    if (why_not != NULL) {
        cli_fail(cli, "the queue cannot be read", why_not);
        return;
    }
    if (!print_json(cli, document, size)) {
        json_t *overview = json_loadb(document, size, 0, NULL);
        print_overview(overview);
        json_decref(overview);
    }
    cli_end(cli, CLI_OK);
}

void command_queue(struct cli *cli)
{
    job_queue_get_overview(cli->queue, on_overview, cli);
}

static void on_workers(void *arg, const char *document, size_t size, const struct error *why_not)
{
    static const struct table_column columns[] = {
        /* A narrow terminal cuts what comes last. */
        {.heading = "WORKER", .member = "worker"},   {.heading = "LEASE MS", .member = "lease_ms"},
        {.heading = "RUNNING", .member = "running"}, {.heading = "LIMIT", .member = "concurrency"},
        {.heading = "HELD", .member = "held"},       {.heading = "DONE", .member = "done"},
        {.heading = "FAILED", .member = "failed"},   {.heading = "STARTED", .member = "started_at"},
        {.heading = "VERSION", .member = "version"},
    };
    struct cli *cli = arg;
    if (why_not != NULL) {
        cli_fail(cli, "the workers cannot be read", why_not);
        return;
    }
    if (!print_json(cli, document, size)) {
        json_t *workers = json_loadb(document, size, 0, NULL);
        table_print(stdout, columns, sizeof columns / sizeof columns[0], workers);
        json_decref(workers);
    }
    cli_end(cli, CLI_OK);
}

void command_workers(struct cli *cli)
{
    job_queue_list_workers(cli->queue, on_workers, cli);
}
