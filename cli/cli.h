/* What the commands of the operator's command line share: configuration, settings, a connection to
   Redis, and the way to end. */
#ifndef OMNIHOOK_CLI_CLI_H
#define OMNIHOOK_CLI_CLI_H

#include "common/job_queue.h"
#include "common/loop.h"
#include "common/service_config.h"
#include "common/settings.h"

#include <jansson.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_SOMETHING_TO_DO = 3 };

/* What a command needs before it starts. */
enum cli_need {
    CLI_NEEDS_NOTHING,
    CLI_NEEDS_SETTINGS,           /* settings are loaded */
    CLI_NEEDS_REDIS,              /* Redis is connected; broken settings are no hindrance */
    CLI_NEEDS_SETTINGS_AND_REDIS, /* both */
};

/* What may follow a command's name. */
enum cli_argument {
    CLI_NO_ARGUMENT,
    CLI_ACCOUNT_OR_ALL, /* of one account, or of each */
    CLI_ONE_ACCOUNT,    /* may be left out where there is one only */
    CLI_JOB,
};
enum cli_option { CLI_WAIT = 1, CLI_WATCH = 2, CLI_ALL = 4 }; /* besides --json */

/* why_not NULL = Redis is there. */
typedef void cli_redis_fn(void *arg, const struct error *why_not);

struct cli {
    struct service_config config;
    struct settings *settings;
    struct loop *loop;
    struct redis_address redis_address;
    struct redis_client *redis;
    struct job_queue *queue;
    struct faults faults;     /* of configuration and settings: their warnings, when it is good */
    const char *account_name; /* of the ACCOUNT argument, or the only one; NULL = none given */
    const struct account *account;
    const char *job;        /* the JOB argument; NULL = none given */
    bool is_json;           /* --json */
    unsigned options;       /* enum cli_option bits */
    bool is_redis_told;     /* whether Redis is there */
    cli_redis_fn *on_redis; /* to be told; NULL = the command is started, or has failed */
    void *on_redis_arg;
    int exit_code;
    bool is_output_lost;   /* stdout has refused something */
    int64_t away_since_ms; /* when Redis first did not answer, on now_mono_ms; 0 = it answers */
    const struct command *command;
};

struct command {
    const char *name;    /* "execute", or two words: "key new" */
    const char *usage;   /* what follows it: "[ACCOUNT] [--wait]" */
    const char *summary; /* a line */
    const char *details; /* more of them, for its --help; NULL = none */
    enum cli_need need;
    enum cli_argument argument;
    unsigned options; /* that it knows */
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

/* For a command that reads the status again and again: whether why_not is worth another try, for
   Redis may come back, within the minute that this allows or some time (is_endless). Says so on
   stderr at the first failure since the start or the last cli_has_read. */
bool cli_may_read_again(struct cli *cli, const struct error *why_not, bool is_endless);
void cli_has_read(struct cli *cli);

/* Writes out what was printed on stdout. False when it was not all taken; said once on stderr,
   unless it is a pipe whose reader has gone. */
bool cli_flush(struct cli *cli);

/* For a command that goes on without Redis: connects, and tells once whether that worked. */
void cli_try_redis(struct cli *cli, cli_redis_fn *fn, void *arg);

/* Says on stderr how the command is to be called and ends with CLI_USAGE. */
void cli_fail_usage(struct cli *cli, const char *what);

/* The member of a document's object: "" or 0 when there is none. Borrowed. */
const char *cli_text_of(const json_t *object, const char *member);
int64_t cli_number_of(const json_t *object, const char *member);

/* Prints a document as one line on stdout. */
void cli_print_json(const json_t *document);

void command_key_new(struct cli *cli);
void command_check(struct cli *cli);
void command_queue(struct cli *cli);
void command_workers(struct cli *cli);
void command_events(struct cli *cli);
void command_dead_list(struct cli *cli);
void command_dead_retry(struct cli *cli);
void command_dead_drop(struct cli *cli);
void command_status(struct cli *cli);
void command_plan(struct cli *cli);
void command_execute(struct cli *cli);
void command_report(struct cli *cli);
void command_abort(struct cli *cli);

#endif
