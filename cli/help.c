#include "cli/help.h"

#include <string.h>

enum { CALL_WIDTH = 28 };

void help_print_all(FILE *stream, const struct command *commands, size_t count)
{
    (void)fputs("usage: omnihook COMMAND [ARGUMENTS] [--json]\n\n", stream);
    for (size_t i = 0; i < count; i++) {
        char call[64];
        (void)snprintf(call, sizeof call, "%s %s", commands[i].name, commands[i].usage);
        (void)fprintf(stream, "  %-*s%s\n", CALL_WIDTH, call, commands[i].summary);
    }
    (void)fputs(
        "\n'omnihook COMMAND --help' tells more of one; --version, which omnihook this is.\n"
        "Configuration is the daemons': REDIS_URL, OMNIHOOK_SETTINGS, OMNITRON_URL ...\n"
        "Exit: 0 success, 1 failure, 2 bad usage or configuration.\n",
        stream);
}

void help_print(FILE *stream, const struct command *command)
{
    (void)fprintf(stream, "usage: omnihook %s%s%s%s\n\n%s\n", command->name,
                  command->usage[0] == '\0' ? "" : " ", command->usage, " [--json]",
                  command->summary);
    if (command->details != NULL) {
        (void)fprintf(stream, "%s\n", command->details);
    }
}

bool help_print_seconds(const struct command *commands, size_t count, const char *first)
{
    size_t size = strlen(first);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = commands[i].name;
        if (strncmp(name, first, size) == 0 && name[size] == ' ') {
            (void)fprintf(stderr, "%s%s", found++ == 0 ? "omnihook: use one of: " : ", ", name);
        }
    }
    if (found > 0) {
        (void)fputs("\nTry 'omnihook --help'.\n", stderr);
    }
    return found > 0;
}
