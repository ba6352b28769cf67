#include "tests/support/cli_call.h"

#include "common/mem.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 20000, LINE_SIZE = 1024 };

struct process *cli_start(struct stack *stack, enum cli_output output, const char *command)
{
    char line[LINE_SIZE];
    char redis[LINE_SIZE];
    char settings[LINE_SIZE];
    char ca_file[LINE_SIZE];
    const char *ca_path = redis_fixture_ca_file(stack_redis(stack));
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(line, sizeof line, "exec %s/omnihook %s", TEST_BIN_DIR, command);
    (void)snprintf(redis, sizeof redis, "REDIS_URL=%s", redis_fixture_url(stack_redis(stack)));
    (void)snprintf(settings, sizeof settings, "OMNIHOOK_SETTINGS=%s", path);
    mem_free(path);
    (void)snprintf(ca_file, sizeof ca_file, "OMNIHOOK_REDIS_CA_FILE=%s",
                   ca_path == NULL ? "" : ca_path);
    /* script(1) gives its command a terminal, and passes on what it prints and how it ends. */
    const char *const on_terminal[] = {"script", "-qefc", line, "/dev/null", NULL};
    const char *const on_pipe[] = {"sh", "-c", line, NULL};
    const char *const env[] = {redis,        settings,        "OMNIHOOK_REDIS_TIMEOUT_MS=500",
                               "TERM=xterm", "SHELL=/bin/sh", ca_file,
                               NULL};
    const struct process_options options = {
        .name = "omnihook",
        .argv = output == CLI_TERMINAL ? on_terminal : on_pipe,
        .env = env,
        .dir = stack_dir(stack),
    };
    return process_start(&options);
}

void cli_expect(struct stack *stack, enum cli_output output, const char *command, int exit_code,
                const char *text)
{
    struct process *process = cli_start(stack, output, command);
    int status = process_wait_exit(process, LIMIT_MS);
    char *printed = process_read(process, PROCESS_STDOUT);
    if (status != exit_code || (text != NULL && strstr(printed, text) == NULL)) {
        process_print_log(process);
        print_error("omnihook %s: exit %d, without \"%s\":\n%s\n", command, status,
                    text == NULL ? "" : text, printed);
    }
    assert_int_equal(status, exit_code);
    assert_true(text == NULL || strstr(printed, text) != NULL);
    mem_free(printed);
    process_free(process);
}
