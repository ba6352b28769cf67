/* What the two daemons understand on their command line, and their common start. */
#ifndef OMNIHOOK_COMMON_COMMAND_LINE_H
#define OMNIHOOK_COMMON_COMMAND_LINE_H

#include "common/service_config.h"
#include "common/settings.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Understands --help, --version, --probe and --check-config; loads configuration and settings,
   prints all faults, sets up logging and turns core dumps off (secrets are in memory). Returns true
   when the daemon should run: then config and *settings are filled. Else *exit_code says how to
   end. */
MUST_CHECK bool command_line_start(enum program program, int argc, char **argv,
                                   struct service_config *config, struct settings **settings,
                                   int *exit_code);

#endif
