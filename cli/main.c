/* omnihook: the operator's command line. The table of commands, and what the arguments mean. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {.name = "status",
     .arguments = "[ACCOUNT]",
     .summary = "the state of one account's job, or of all",
     .need = CLI_NEEDS_REDIS,
     .has_account = true,
     .start = command_status},
    {.name = "plan",
     .arguments = "ACCOUNT",
     .summary = "what execute would do now (exit 0: nothing, 3: something, 1: could not tell)",
     .need = CLI_NEEDS_SETTINGS,
     .has_account = true,
     .must_have_account = true,
     .start = command_plan},
    {.name = "execute",
     .arguments = "ACCOUNT [--wait]",
     .summary = "register what is missing (--wait: until it ends; exit 0 only when FINISHED)",
     .need = CLI_NEEDS_REDIS,
     .has_account = true,
     .must_have_account = true,
     .can_wait = true,
     .start = command_execute},
    {.name = "report",
     .arguments = "ACCOUNT",
     .summary = "the current job, else the last, webhook by webhook",
     .need = CLI_NEEDS_REDIS,
     .has_account = true,
     .must_have_account = true,
     .start = command_report},
    {.name = "abort",
     .arguments = "ACCOUNT",
     .summary = "end the account's job",
     .need = CLI_NEEDS_REDIS,
     .has_account = true,
     .must_have_account = true,
     .start = command_abort},
    {.name = "key new",
     .arguments = "",
     .summary = "make an API key: printed once, with the hash for the settings",
     .need = CLI_NEEDS_NOTHING,
     .start = command_key_new},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *stream)
{
    (void)fputs("usage: omnihook COMMAND [ARGUMENTS] [--json]\n\n", stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char call[64];
        (void)snprintf(call, sizeof call, "%s %s", commands[i].name, commands[i].arguments);
        (void)fprintf(stream, "  %-24s %s\n", call, commands[i].summary);
    }
    (void)fputs(
        "  --help, --version\n\n"
        "Configuration is that of the daemons: REDIS_URL, OMNIHOOK_SETTINGS, OMNITRON_URL ...\n"
        "Exit: 0 success, 1 failure, 2 bad usage or configuration.\n",
        stream);
}

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
    va_list args;
    va_start(args, format);
    (void)fputs("omnihook: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs("\nTry 'omnihook --help'.\n", stderr);
    va_end(args);
    return false;
}

/* Fills cli from the arguments; false when they make no sense, which has been said. */
static bool read_arguments(struct cli *cli, int argc, char **argv)
{
    int used = 0;
    cli->command = find_command(argc, argv, &used);
    if (cli->command == NULL) {
        return usage_error("there is no command '%s'", argv[1]);
    }
    for (int i = 1 + used; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            cli->is_json = true;
        } else if (strcmp(argv[i], "--wait") == 0 && cli->command->can_wait) {
            cli->is_wait = true;
        } else if (argv[i][0] == '-') {
            return usage_error("there is no option '%s' here", argv[i]);
        } else if (cli->account_name == NULL && cli->command->has_account) {
            cli->account_name = argv[i];
        } else {
            return usage_error("'%s' is one argument too many", argv[i]);
        }
    }
    if (cli->account_name == NULL && cli->command->must_have_account) {
        return usage_error("%s needs an ACCOUNT", cli->command->name);
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("omnihook %s\n", OMNIHOOK_VERSION);
        return CLI_OK;
    }
    struct cli cli = {.exit_code = CLI_FAILED};
    int exit_code = read_arguments(&cli, argc, argv) ? cli_run(&cli) : CLI_USAGE;
    cli_clear(&cli);
    return exit_code;
}
