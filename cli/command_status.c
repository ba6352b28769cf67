/* omnihook status [ACCOUNT]: one line an account, in the settings' order. */
#include "cli/cli.h"

#include "common/mem.h"

#include <stdio.h>

/* All accounts are asked one after the other, so that a long list needs no memory. */
struct status {
    struct cli *cli;
    size_t next;
    const struct account *account;
};

static void ask_next(struct status *status);

static void on_state(void *arg, const char *state, const struct error *why_not)
{
    struct status *status = arg;
    struct cli *cli = status->cli;
    if (why_not != NULL) {
        mem_free(status);
        cli_fail(cli, "the status cannot be read", why_not);
        return;
    }
    (void)printf(cli->is_json ? "{\"account\":\"%s\",\"state\":\"%s\"}\n" : "%-32s %s\n",
                 status->account->name, state);
    ask_next(status);
}

static void ask_next(struct status *status)
{
    struct cli *cli = status->cli;
    size_t count = cli->account != NULL ? 1 : settings_account_count(cli->settings);
    if (status->next == count) {
        mem_free(status);
        cli_end(cli, CLI_OK);
        return;
    }
    status->account =
        cli->account != NULL ? cli->account : settings_account_at(cli->settings, status->next);
    status->next++;
    job_queue_get_state(cli->queue, status->account->name, on_state, status);
}

void command_status(struct cli *cli)
{
    struct status *status = mem_new(1, sizeof *status);
    status->cli = cli;
    ask_next(status);
}
