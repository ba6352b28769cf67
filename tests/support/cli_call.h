/* The operator's command line, called in a running stack. */
#ifndef OMNIHOOK_TESTS_SUPPORT_CLI_CALL_H
#define OMNIHOOK_TESTS_SUPPORT_CLI_CALL_H

#include "tests/support/process.h"
#include "tests/support/stack.h"

enum cli_output { CLI_PIPE, CLI_TERMINAL };

/* Starts "omnihook <command>", its stdout a file or a terminal of 24 x 80 (then stderr is part of
   stdout). command is split at spaces. */
struct process *cli_start(struct stack *stack, enum cli_output output, const char *command);

/* Runs it to its end; the test fails unless it exits so and has the text (NULL = any) on stdout. */
void cli_expect(struct stack *stack, enum cli_output output, const char *command, int exit_code,
                const char *text);

#endif
