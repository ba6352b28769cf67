/* omnihook dead list, dead retry JOB|--all, dead drop JOB|--all: the jobs that failed. */
#include "cli/cli.h"
#include "cli/table.h"

#include "common/job_queue_view.h"
#include "common/mem.h"

#include <string.h>

/* Goes through the dead list, one entry after the other. */
struct dead_command {
    struct cli *cli;
    bool is_retry; /* else drop */
    json_t *entries;
    size_t next;
    size_t found; /* entries that were meant */
    size_t kept;  /* of them, not done */
};

static void do_next(struct dead_command *command);

static bool has_all(const struct cli *cli)
{
    return (cli->options & CLI_ALL) != 0;
}

/* The entries in list_dead.lua's document, owned. */
static json_t *entries_of(const char *document, size_t size)
{
    json_t *page = json_loadb(document, size, 0, NULL);
    json_t *entries = json_incref(json_object_get(page, "dead"));
    json_decref(page);
    return entries;
}

static void on_list(void *arg, const char *document, size_t size, const struct error *why_not)
{
    static const struct table_column columns[] = {
        {.heading = "JOB", .member = "id"},
        {.heading = "ACCOUNT", .member = "account"},
        {.heading = "ATTEMPTS", .member = "attempts"},
        {.heading = "FAILED AT", .member = "failed_at"},
        {.heading = "ERROR", .member = "error", .is_never_cut = true},
    };
    struct cli *cli = arg;
    if (why_not != NULL) {
        cli_fail(cli, "the dead list cannot be read", why_not);
        return;
    }
    json_t *entries = entries_of(document, size);
    if (cli->is_json) {
        cli_print_json(entries);
    } else {
        table_print(stdout, columns, sizeof columns / sizeof columns[0], entries);
    }
    json_decref(entries);
    cli_end(cli, CLI_OK);
}

void command_dead_list(struct cli *cli)
{
    job_queue_list_dead(cli->queue, 0, JOB_DEAD_MAX, on_list, cli);
}

static void finish(struct dead_command *command)
{
    struct cli *cli = command->cli;
    size_t done = command->found - command->kept;
    int exit_code = command->kept == 0 ? CLI_OK : CLI_FAILED;
    if (command->found == 0 && !has_all(cli)) {
        (void)fprintf(stderr, "omnihook: the dead list has no job %s\n", cli->job);
        exit_code = CLI_FAILED;
    } else if (cli->is_json) {
        (void)printf("{\"done\":%zu,\"kept\":%zu}\n", done, command->kept);
    } else {
        (void)printf("%zu %s\n", done, command->is_retry ? "queued again" : "dropped");
    }
    json_decref(command->entries);
    mem_free(command);
    cli_end(cli, exit_code);
}

static void keep(struct dead_command *command, const struct error *why)
{
    (void)fprintf(stderr, "omnihook: %s stays in the dead list: %s\n",
                  cli_text_of(json_array_get(command->entries, command->next), "id"), why->text);
    command->kept++;
    command->next++;
    do_next(command);
}

static void on_dropped(void *arg, int64_t removed, const struct error *why_not)
{
    (void)removed; /* 0: somebody else was faster */
    struct dead_command *command = arg;
    if (why_not != NULL) {
        keep(command, why_not);
        return;
    }
    command->next++;
    do_next(command);
}

static void drop(struct dead_command *command)
{
    const json_t *entry = json_array_get(command->entries, command->next);
    job_queue_drop_dead(command->cli->queue, cli_text_of(entry, "id"), on_dropped, command);
}

static void on_enqueued(void *arg, enum enqueue_result result, const char *job,
                        const struct error *why_not)
{
    (void)result;
    struct dead_command *command = arg;
    if (why_not != NULL) {
        keep(command, why_not);
        return;
    }
    if (!command->cli->is_json) {
        (void)printf("%s: job %s\n",
                     cli_text_of(json_array_get(command->entries, command->next), "account"), job);
    }
    /* Only now: whatever ends between the two steps, the job is not forgotten. */
    drop(command);
}

/* Starts what is to be done with the next entry that is meant; the answer comes back here. */
static void do_next(struct dead_command *command)
{
    const struct cli *cli = command->cli;
    for (; command->next < json_array_size(command->entries); command->next++) {
        const json_t *entry = json_array_get(command->entries, command->next);
        const char *id = cli_text_of(entry, "id");
        const char *account = cli_text_of(entry, "account");
        bool can_do = id[0] != '\0' && (!command->is_retry || account[0] != '\0');
        if (!can_do || !(has_all(cli) || strcmp(id, cli->job) == 0)) {
            continue; /* not meant; or a foreign element, that stands for no job */
        }
        command->found++;
        if (command->is_retry) {
            job_queue_enqueue(cli->queue, account, on_enqueued, command);
        } else {
            drop(command);
        }
        return;
    }
    finish(command);
}

static void on_entries(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct dead_command *command = arg;
    if (why_not != NULL) {
        struct cli *cli = command->cli;
        mem_free(command);
        cli_fail(cli, "the dead list cannot be read", why_not);
        return;
    }
    command->entries = entries_of(document, size);
    do_next(command);
}

static void start(struct cli *cli, bool is_retry)
{
    if (has_all(cli) == (cli->job != NULL)) {
        cli_fail_usage(cli, "which job? Name one, or say --all");
        return;
    }
    struct dead_command *command = mem_new(1, sizeof *command);
    command->cli = cli;
    command->is_retry = is_retry;
    job_queue_list_dead(cli->queue, 0, JOB_DEAD_MAX, on_entries, command);
}

void command_dead_retry(struct cli *cli)
{
    start(cli, true);
}

void command_dead_drop(struct cli *cli)
{
    start(cli, false);
}
