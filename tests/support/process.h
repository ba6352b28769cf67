/* A program under test, run as a process of its own that cannot outlive the test. */
#ifndef OMNIHOOK_TESTS_SUPPORT_PROCESS_H
#define OMNIHOOK_TESTS_SUPPORT_PROCESS_H

#include "tests/support/temp_dir.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process;

enum process_stream { PROCESS_STDOUT, PROCESS_STDERR };

struct process_options {
    const char *name;           /* for messages, and for the files of its output */
    const char *const *argv;    /* ends with NULL; argv[0] is a path, or a name looked up in PATH */
    const char *const *env;     /* NAME=value ..., ends with NULL; NULL = none */
    const struct temp_dir *dir; /* where its output goes; must outlive the process */
    int descriptor_3;           /* of the test's, that the program gets as its third; 0 = none */
};

/* Starts the program with stdin at its end and, besides env, only PATH, TMPDIR and the sanitizers'
   variables of the test itself. It is killed when the test ends, however that ends. The test fails
   when the program cannot be executed. */
struct process *process_start(const struct process_options *options);

/* Kills it if it still runs. NULL is legal. */
void process_free(struct process *process);

pid_t process_pid(const struct process *process);

/* Not ended (a stopped process runs). */
bool process_is_running(struct process *process);

/* Waits for a whole line that has text in it and gives it without its newline, borrowed until the
   next call here. Looks at all output since the start or the last process_skip_output. The test
   fails, showing the end of the log, when limit_ms pass or the program ends first. */
const char *process_wait_line(struct process *process, enum process_stream stream, const char *text,
                              int64_t limit_ms);

/* True when such a line is there now. */
bool process_has_line(struct process *process, enum process_stream stream, const char *text);

/* From here on process_wait_line and process_has_line look only at what is written later. */
void process_skip_output(struct process *process);

/* Empties the files of its output, for programs that write very much. */
void process_forget_output(struct process *process);

/* All it has written to the stream since its start, to be mem_freed. */
char *process_read(const struct process *process, enum process_stream stream);

/* Sends a signal. Legal when it has ended: nothing happens. */
void process_signal(struct process *process, int signal_number);

/* SIGKILL, and waits for the end. */
void process_kill(struct process *process);

/* Waits for the end: the exit status, or minus the number of the signal that ended it. The test
   fails after limit_ms. */
int process_wait_exit(struct process *process, int64_t limit_ms);

/* SIGCONT, in case it is stopped, SIGTERM, then process_wait_exit. */
int process_stop(struct process *process, int64_t limit_ms);

/* Prints the last lines of its stderr among the test's messages. */
void process_print_log(const struct process *process);

/* The value of key in a line of ours: the text of address= or of "address":. Writes at most size
   bytes with the 0 byte and gives value; the test fails when the line has no such key. */
char *process_line_value(const char *line, const char *key, char *value, size_t size);

#endif
