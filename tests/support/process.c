#include "tests/support/process.h"

#include "common/mem.h"
#include "common/now.h"
#include "common/strbuf.h"
#include "tests/support/child.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ENV_MAX = 128,
    PATH_SIZE = 4096,
    LOG_EXCERPT_LINES = 40,
    KILL_LIMIT_MS = 60000,
    EXIT_CANNOT_EXECUTE = 127,
    PASSED_DESCRIPTOR = 3,
};

struct process {
    char *name;      /* owned */
    char *output[2]; /* owned; path of each stream's file */
    size_t skipped[2];
    char *line; /* owned; the last line given out */
    pid_t pid;
    bool has_ended;
    int status; /* as process_wait_exit gives it, once has_ended */
};

static bool is_inherited(const char *entry)
{
    static const char *const names[] = {
        "PATH=", "TMPDIR=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS="};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(entry, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The environment of the child: what it is given, and what a test passes on. Borrows its texts. */
static void fill_environment(const char *const *given, const char **env)
{
    extern char **environ;
    size_t count = 0;
    for (; given != NULL && given[count] != NULL; count++) {
        assert_true(count < ENV_MAX);
        env[count] = given[count];
    }
    for (char **entry = environ; *entry != NULL; entry++) {
        if (is_inherited(*entry)) {
            assert_true(count < ENV_MAX);
            env[count++] = *entry;
        }
    }
    env[count] = NULL;
}

/* Looked up before the fork: between fork and exec only simple system calls are safe. */
static void find_program(const char *program, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%s", program);
    const char *folder = getenv("PATH");
    if (strchr(program, '/') != NULL || folder == NULL) {
        return;
    }
    while (*folder != '\0') {
        size_t length = strcspn(folder, ":");
        (void)snprintf(path, PATH_SIZE, "%.*s/%s", (int)length, folder, program);
        if (access(path, X_OK) == 0) {
            return;
        }
        folder += length + (folder[length] == ':');
    }
    fail_because("%s is not in PATH", program);
}

static int open_output(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail_because("cannot create %s: %s", path, strerror(errno));
    }
    return fd;
}

/* The child's side of the fork. argv and env are cast because execve's type is older than const;
   it changes neither. */
static _Noreturn void become_program(const char *path, const struct process_options *options,
                                     const char **env, const int output[2], pid_t test_pid)
{
    int input = open("/dev/null", O_RDONLY);
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output[0], STDOUT_FILENO) < 0 ||
        dup2(output[1], STDERR_FILENO) < 0) {
        _exit(EXIT_CANNOT_EXECUTE);
    }
    if (options->descriptor_3 > 0 && options->descriptor_3 != PASSED_DESCRIPTOR &&
        dup2(options->descriptor_3, PASSED_DESCRIPTOR) < 0) {
        _exit(EXIT_CANNOT_EXECUTE);
    }
    child_begin(test_pid, options->descriptor_3 > 0 ? PASSED_DESCRIPTOR : -1, -1);
    (void)fcntl(PASSED_DESCRIPTOR, F_SETFD, 0); /* fails when there is none */
    /* Signal settings outlive exec: the program starts with the standard ones. */
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigaction(SIGPIPE, &standard, NULL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(path, (char *const *)(uintptr_t)options->argv, (char *const *)(uintptr_t)env);
    static const char text[] = "cannot be executed\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(EXIT_CANNOT_EXECUTE);
}

struct process *process_start(const struct process_options *options)
{
    static unsigned started;
    const char *env[ENV_MAX + 1];
    char path[PATH_SIZE];
    fill_environment(options->env, env);
    find_program(options->argv[0], path);

    struct process *process = mem_new(1, sizeof *process);
    process->name = mem_copy_text(options->name);
    started++;
    int output[2];
    for (int stream = PROCESS_STDOUT; stream <= PROCESS_STDERR; stream++) {
        char name[PATH_SIZE];
        (void)snprintf(name, sizeof name, "%s-%u.%s", options->name, started,
                       stream == PROCESS_STDOUT ? "stdout" : "stderr");
        process->output[stream] = temp_dir_join(options->dir, name);
        output[stream] = open_output(process->output[stream]);
    }
    pid_t test_pid = getpid();
    process->pid = fork();
    if (process->pid == 0) {
        become_program(path, options, env, output, test_pid);
    }
    (void)close(output[0]);
    (void)close(output[1]);
    if (process->pid < 0) {
        fail_because("cannot fork for %s: %s", options->name, strerror(errno));
    }
    return process;
}

void process_free(struct process *process)
{
    if (process == NULL) {
        return;
    }
    process_kill(process);
    mem_free(process->output[PROCESS_STDOUT]);
    mem_free(process->output[PROCESS_STDERR]);
    mem_free(process->line);
    mem_free(process->name);
    mem_free(process);
}

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

bool process_is_running(struct process *process)
{
    int status = 0;
    if (!process->has_ended && waitpid(process->pid, &status, WNOHANG) == process->pid) {
        process->has_ended = true;
        process->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    return !process->has_ended;
}

char *process_read(const struct process *process, enum process_stream stream)
{
    char *text = file_read_text(process->output[stream]);
    assert_non_null(text);
    return text;
}

/* Sets process->line to the first whole line with text in it. */
static bool find_line(struct process *process, enum process_stream stream, const char *text)
{
    char *output = process_read(process, stream);
    bool is_found = false;
    char *line = output + process->skipped[stream];
    for (char *end = strchr(line, '\n'); end != NULL && !is_found; end = strchr(line, '\n')) {
        *end = '\0';
        if (strstr(line, text) != NULL) {
            mem_free(process->line);
            process->line = mem_copy_text(line);
            is_found = true;
        }
        line = end + 1;
    }
    mem_free(output);
    return is_found;
}

const char *process_wait_line(struct process *process, enum process_stream stream, const char *text,
                              int64_t limit_ms)
{
    int64_t end_ms = now_mono_ms() + limit_ms;
    for (;;) {
        /* Asked before the look, so that the last words of an ended program are not missed. */
        bool is_over = !process_is_running(process) || now_mono_ms() >= end_ms;
        if (find_line(process, stream, text)) {
            return process->line;
        }
        if (is_over) {
            process_print_log(process);
            fail_because("%s: no line with \"%s\" within %" PRId64 " ms (%s)", process->name, text,
                         limit_ms, process->has_ended ? "it has ended" : "it still runs");
        }
        wait_a_little();
    }
}

bool process_has_line(struct process *process, enum process_stream stream, const char *text)
{
    return find_line(process, stream, text);
}

void process_skip_output(struct process *process)
{
    for (int stream = PROCESS_STDOUT; stream <= PROCESS_STDERR; stream++) {
        char *output = process_read(process, (enum process_stream)stream);
        process->skipped[stream] = strlen(output);
        mem_free(output);
    }
}

void process_forget_output(struct process *process)
{
    for (int stream = PROCESS_STDOUT; stream <= PROCESS_STDERR; stream++) {
        process->skipped[stream] = 0;
        if (truncate(process->output[stream], 0) != 0) {
            fail_because("cannot empty %s: %s", process->output[stream], strerror(errno));
        }
    }
}

void process_signal(struct process *process, int signal_number)
{
    if (process_is_running(process) && kill(process->pid, signal_number) != 0) {
        fail_because("cannot send signal %d to %s: %s", signal_number, process->name,
                     strerror(errno));
    }
}

void process_kill(struct process *process)
{
    process_signal(process, SIGKILL);
    (void)process_wait_exit(process, KILL_LIMIT_MS);
}

int process_wait_exit(struct process *process, int64_t limit_ms)
{
    int64_t end_ms = now_mono_ms() + limit_ms;
    while (process_is_running(process)) {
        if (now_mono_ms() >= end_ms) {
            process_print_log(process);
            fail_because("%s still runs after %" PRId64 " ms", process->name, limit_ms);
        }
        wait_a_little();
    }
    return process->status;
}

int process_stop(struct process *process, int64_t limit_ms)
{
    /* In this order: a SIGCONT that meets a process at its end also takes back the SIGSTOP by which
       LeakSanitizer halts it, and both wait for ever. */
    process_signal(process, SIGCONT);
    process_signal(process, SIGTERM);
    return process_wait_exit(process, limit_ms);
}

void process_print_log(const struct process *process)
{
    char *log = process_read(process, PROCESS_STDERR);
    const char *start = log + strlen(log);
    for (int lines = 0; start > log; start--) {
        if (start[-1] == '\n' && lines++ == LOG_EXCERPT_LINES) {
            break;
        }
    }
    print_error("--- the end of %s's stderr\n", process->name);
    /* Line by line: cmocka cuts a message at 1,023 bytes. */
    while (*start != '\0') {
        size_t length = strcspn(start, "\n");
        print_error("%.*s\n", (int)(length < 900 ? length : 900), start);
        start += length + (start[length] == '\n');
    }
    print_error("---\n");
    mem_free(log);
}

char *process_line_value(const char *line, const char *key, char *value, size_t size)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, " %s=", key);
    const char *found = strstr(line, wanted);
    if (found == NULL) {
        (void)snprintf(wanted, sizeof wanted, "\"%s\":", key);
        found = strstr(line, wanted);
    }
    if (found == NULL) {
        fail_because("no %s in the line: %s", key, line);
    }
    found += strlen(wanted);
    size_t length = found[0] == '"' ? strcspn(++found, "\"") : strcspn(found, " ,}");
    assert_true(length < size);
    memcpy(value, found, length);
    value[length] = '\0';
    return value;
}
