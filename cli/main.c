/* omnihook: the operator's command line. The table of commands, and what the arguments mean. */
#include "cli/help.h"

#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {.name = "check",
     .usage = "[ACCOUNT]",
     .summary = "whether all works, and what to do where not",
     .details =
         "The settings, Redis and how it is set up, and for each account the connection, the\n"
         "login, the hooks path and the event types. Exit: 0 all work, 1 one failed; a\n"
         "warning is no failure.",
     .need = CLI_NEEDS_SETTINGS,
     .argument = CLI_ACCOUNT_OR_ALL,
     .start = command_check},
    {.name = "status",
     .usage = "[ACCOUNT] [--watch]",
     .summary = "the state of one account's job, or of all",
     .details = "With --watch: live, busy accounts first, until Ctrl-C.",
     .need = CLI_NEEDS_SETTINGS_AND_REDIS,
     .argument = CLI_ACCOUNT_OR_ALL,
     .options = CLI_WATCH,
     .start = command_status},
    {.name = "plan",
     .usage = "[ACCOUNT]",
     .summary = "what execute would do now, like a diff",
     .details = "+ create, ~ reactivate or update, ! differs and is left so.\n"
                "Exit: 0 nothing to do, 3 something, 1 could not tell.",
     .need = CLI_NEEDS_SETTINGS,
     .argument = CLI_ONE_ACCOUNT,
     .start = command_plan},
    {.name = "execute",
     .usage = "[ACCOUNT] [--wait]",
     .summary = "register what is missing",
     .details = "With --wait: until the job has ended; exit 0 only when it is FINISHED.",
     .need = CLI_NEEDS_SETTINGS_AND_REDIS,
     .argument = CLI_ONE_ACCOUNT,
     .options = CLI_WAIT,
     .start = command_execute},
    {.name = "report",
     .usage = "[ACCOUNT]",
     .summary = "the current job, else the last, webhook by webhook",
     .need = CLI_NEEDS_SETTINGS_AND_REDIS,
     .argument = CLI_ONE_ACCOUNT,
     .start = command_report},
    {.name = "abort",
     .usage = "[ACCOUNT]",
     .summary = "end the account's job",
     .need = CLI_NEEDS_SETTINGS_AND_REDIS,
     .argument = CLI_ONE_ACCOUNT,
     .start = command_abort},
    {.name = "queue",
     .usage = "",
     .summary = "what waits, what failed, and the totals",
     .need = CLI_NEEDS_REDIS,
     .start = command_queue},
    {.name = "workers",
     .usage = "",
     .summary = "who works, at how much, and their leases",
     .details = "A negative lease means that the worker is silent: its jobs are taken back.",
     .need = CLI_NEEDS_REDIS,
     .start = command_workers},
    {.name = "dead list",
     .usage = "",
     .summary = "the jobs that failed, newest first",
     .need = CLI_NEEDS_REDIS,
     .start = command_dead_list},
    {.name = "dead retry",
     .usage = "JOB | --all",
     .summary = "queue a failed job's account again",
     .details = "The job leaves the list. JOB is an id of 'omnihook dead list'; --all means each.",
     .need = CLI_NEEDS_REDIS,
     .argument = CLI_JOB,
     .options = CLI_ALL,
     .start = command_dead_retry},
    {.name = "dead drop",
     .usage = "JOB | --all",
     .summary = "take a failed job off the list",
     .details = "JOB is an id of 'omnihook dead list'; --all means each.",
     .need = CLI_NEEDS_REDIS,
     .argument = CLI_JOB,
     .options = CLI_ALL,
     .start = command_dead_drop},
    {.name = "events",
     .usage = "",
     .summary = "every change as it happens, until Ctrl-C",
     .need = CLI_NEEDS_REDIS,
     .start = command_events},
    {.name = "key new",
     .usage = "",
     .summary = "a new API key, and its hash for the settings",
     .details = "The key is shown once and kept nowhere; the settings hold its hash alone.",
     .need = CLI_NEEDS_NOTHING,
     .start = command_key_new},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

/* The command whose name the arguments start with; *used says how many words the name has. */
static const struct command *find_command(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *second = strchr(commands[i].name, ' ');
        size_t first_size =
            second == NULL ? strlen(commands[i].name) : (size_t)(second - commands[i].name);
        if (strlen(argv[1]) != first_size || strncmp(argv[1], commands[i].name, first_size) != 0) {
            continue;
        }
        if (second == NULL || (argc > 2 && strcmp(argv[2], second + 1) == 0)) {
            *used = second == NULL ? 1 : 2;
            return &commands[i];
        }
    }
    return NULL;
}

/* Says what is wrong with the call; returns false for the caller to pass on. */
static bool PRINTF_LIKE(1, 2) usage_error(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_make_plain(text);
    (void)fprintf(stderr, "omnihook: %s\nTry 'omnihook --help'.\n", text);
    return false;
}

/* Takes one of the words after the command's name. */
static bool read_word(struct cli *cli, const char *word)
{
    static const struct {
        const char *name;
        enum cli_option option;
    } options[] = {{"--wait", CLI_WAIT}, {"--watch", CLI_WATCH}, {"--all", CLI_ALL}};
    const struct command *command = cli->command;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(word, options[i].name) == 0 && (command->options & options[i].option) != 0) {
            cli->options |= options[i].option;
            return true;
        }
    }
    if (strcmp(word, "--json") == 0) {
        cli->is_json = true;
        return true;
    }
    if (word[0] == '-') {
        return usage_error("there is no option '%s' here", word);
    }
    bool is_job = command->argument == CLI_JOB;
    const char **argument = is_job ? &cli->job : &cli->account_name;
    if (command->argument == CLI_NO_ARGUMENT || *argument != NULL) {
        return usage_error("'%s' is one argument too many", word);
    }
    *argument = word;
    return true;
}

/* Fills cli from the arguments; false when they make no sense, which has been said. */
static bool read_arguments(struct cli *cli, int argc, char **argv)
{
    int used = 0;
    cli->command = find_command(argc, argv, &used);
    if (cli->command == NULL) {
        return !help_print_seconds(commands, COMMAND_COUNT, argv[1]) &&
               usage_error("there is no command '%s'", argv[1]);
    }
    for (int i = 1 + used; i < argc; i++) {
        if (!read_word(cli, argv[i])) {
            return false;
        }
    }
    return true;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Gives the help that the arguments ask for; false when they ask for none. */
static bool give_help(int argc, char **argv)
{
    int used = 0;
    bool is_wanted = strcmp(argv[1], "help") == 0;
    for (int i = 1; i < argc; i++) {
        is_wanted = is_wanted || is_help(argv[i]);
    }
    if (is_wanted) {
        const struct command *command = find_command(argc, argv, &used);
        if (command == NULL) {
            help_print_all(stdout, commands, COMMAND_COUNT);
        } else {
            help_print(stdout, command);
        }
    }
    return is_wanted;
}

static int run(struct cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        help_print_all(stderr, commands, COMMAND_COUNT);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("omnihook %s\n", OMNIHOOK_VERSION);
        return CLI_OK;
    }
    if (give_help(argc, argv)) {
        return CLI_OK;
    }
    return read_arguments(cli, argc, argv) ? cli_run(cli) : CLI_USAGE;
}

int main(int argc, char **argv)
{
    struct cli cli = {.exit_code = CLI_FAILED};
    int exit_code = run(&cli, argc, argv);
    bool is_written = cli_flush(&cli);
    cli_clear(&cli);
    return is_written ? exit_code : CLI_FAILED;
}
