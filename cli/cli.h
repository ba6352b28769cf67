/* What the commands of the operator's command line share: configuration, settings, a connection to
   Redis, and the way to end. */
#ifndef OMNIHOOK_CLI_CLI_H
#define OMNIHOOK_CLI_CLI_H

#include "common/job_queue.h"
#include "common/loop.h"
#include "common/service_config.h"
#include "common/settings.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_SOMETHING_TO_DO = 3 };

/* What a command needs before it starts. */
enum cli_need {
    CLI_NEEDS_NOTHING,
    CLI_NEEDS_SETTINGS, /* settings are loaded */
    CLI_NEEDS_REDIS,    /* ... and Redis is connected */
};

struct cli {
    struct service_config config;
    struct settings *settings;
    struct loop *loop;
    struct redis_address redis_address;
    struct redis_client *redis;
    struct job_queue *queue;
    const char *account_name; /* the ACCOUNT argument; NULL = none given */
    const struct account *account;
    bool is_json;    /* --json */
    bool is_wait;    /* --wait */
    bool is_started; /* the command has been started: Redis was reached */
    int exit_code;
    const struct command *command;
};

struct command {
    const char *name;      /* "execute", or two words: "key new" */
    const char *arguments; /* for the usage: "ACCOUNT [--wait]" */
    const char *summary;
    enum cli_need need;
    bool has_account;       /* takes an ACCOUNT ... */
    bool must_have_account; /* ... and cannot do without */
    bool can_wait;
    /* Starts the command; it ends by cli_end, now or later. */
    void (*start)(struct cli *cli);
};

/* Prepares what cli->command needs, runs it, and gives the exit code. Pair with cli_clear. */
int cli_run(struct cli *cli);
void cli_clear(struct cli *cli);

/* Ends the program with this exit code, once the command has nothing under way. */
void cli_end(struct cli *cli, int exit_code);

/* Says on stderr what failed and ends with CLI_FAILED. */
void cli_fail(struct cli *cli, const char *what, const struct error *why);

void command_key_new(struct cli *cli);
void command_status(struct cli *cli);
void command_plan(struct cli *cli);
void command_execute(struct cli *cli);
void command_report(struct cli *cli);
void command_abort(struct cli *cli);

#endif
