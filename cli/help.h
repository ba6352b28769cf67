/* What the program says of its commands. */
#ifndef OMNIHOOK_CLI_HELP_H
#define OMNIHOOK_CLI_HELP_H

#include "cli/cli.h"

#include <stdio.h>

/* One line a command, no wider than a terminal of 80. */
void help_print_all(FILE *stream, const struct command *commands, size_t count);

/* All that there is to say of one. */
void help_print(FILE *stream, const struct command *command);

/* For a first word that needs a second: says on stderr which there are; false when it has none. */
bool help_print_seconds(const struct command *commands, size_t count, const char *first);

#endif
