#include "common/supervisor_internal.h"

#include "common/backoff.h"
#include "common/listen_socket.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics_page.h"
#include "common/now.h"
#include "common/random_id.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STEADY_MS = 10000,        /* a child that lived so long starts over with short backoff */
    STOP_NOW_LIMIT_MS = 5000, /* after a second signal; then SIGKILL */
};

static const struct backoff restart_backoff = {.base_ms = 100, .max_ms = 5000};

struct child {
    struct supervisor *supervisor;
    struct supervisor_slot *slot;
    struct event *restart;
    pid_t pid;     /* 0 = none */
    pid_t leaving; /* the one before it, which still finishes its work; 0 = none */
    /* Two blocks of figures, of which each living process has one. They outlive it: its counters go
       on in the next one. */
    struct metrics_block *figures;
    bool is_ops;  /* then there is one block, and none leaves */
    size_t block; /* of the child */
    size_t leaving_block;
    int64_t started_at_ms;
    unsigned crashes; /* in a row */
};

struct supervisor {
    const struct supervisor_options *options;
    struct loop *loop;
    struct event *on_child;
    struct ops_server *ops; /* either this ... */
    struct child ops_child; /* ... or this, with the socket that it listens on */
    int ops_socket;         /* -1 = there is none */
    struct metrics_page metrics;
    struct supervisor_roster roster;
    struct supervisor_slot *slots; /* shared memory, as children's figures are */
    struct child *children;
    size_t count;
    size_t running; /* without the operators' */
    bool is_stopping;
    bool is_child;           /* this process is a new child: get out of the parent's loop */
    struct child *own_place; /* in it: what it is */
    int exit_code;
};

static void signal_children(const struct supervisor *supervisor, int number)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->children[i].pid != 0) {
            (void)kill(supervisor->children[i].pid, number);
        }
    }
}

/* That one stops last: until then it tells how the others are. */
static void signal_ops_child(const struct supervisor *supervisor, int number)
{
    if (supervisor->ops_child.pid != 0) {
        (void)kill(supervisor->ops_child.pid, number);
    }
}

/* Those for which a second stop signal means: now. */
static void signal_leaving(const struct supervisor *supervisor, int number)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->children[i].leaving != 0) {
            (void)kill(supervisor->children[i].leaving, number);
        }
    }
}

/* For a fork. The child is born with the parent's handlers, which would tell the parent of signals
   that the child got; and when they are gone, a signal would end it. So it keeps all blocked until
   it has handlers of its own: loop_handle_signals. */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigaddset(&blocked, SIGHUP);
    (void)sigaddset(&blocked, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &blocked, before);
}

static void unblock(int number)
{
    sigset_t unblocked;
    (void)sigemptyset(&unblocked);
    (void)sigaddset(&unblocked, number);
    (void)sigprocmask(SIG_UNBLOCK, &unblocked, NULL);
}

static void drop_pending(int number)
{
    const struct timespec at_once = {.tv_sec = 0};
    sigset_t dropped;
    (void)sigemptyset(&dropped);
    (void)sigaddset(&dropped, number);
    (void)sigtimedwait(&dropped, NULL, &at_once);
}

/* In the new child, before anything of its own. */
static void become_child(struct child *child, pid_t parent)
{
    struct supervisor *supervisor = child->supervisor;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) { /* it died before the line above */
        _exit(EXIT_FAILURE);
    }
    /* A group of its own: a terminal's Ctrl-C reaches the parent alone, which passes it on once. */
    (void)setpgid(0, 0);
    drop_pending(SIGINT); /* of a Ctrl-C before the line above, which the parent has got, too */
    supervisor->is_child = true;
    supervisor->own_place = child;
    metrics_use(&child->figures[child->block]);
    loop_quit(supervisor->loop);
}

/* Tells whoever answers for all. */
static void publish(const struct child *child)
{
    pid_t pids[2] = {0, 0};
    pids[child->leaving_block] = child->leaving;
    if (child->pid != 0) {
        pids[child->block] = child->pid;
    }
    atomic_store(&child->slot->pids[0], pids[0]);
    atomic_store(&child->slot->pids[1], pids[1]);
    atomic_store(&child->slot->is_running, child->pid != 0);
}

static void start_child(struct child *child)
{
    struct supervisor *supervisor = child->supervisor;
    pid_t parent = getpid();
    *child->slot = (struct supervisor_slot){.number = (size_t)(child - supervisor->children),
                                            .parent = parent};
    child->block = child->leaving == 0 ? child->block : 1 - child->leaving_block;
    child->started_at_ms = now_boot_ms();
    log_flush(); /* or both would write what is kept */
    sigset_t before;
    block_signals(&before);
    pid_t pid = fork();
    int fork_errno = errno;
    if (pid == 0) {
        become_child(child, parent);
        return;
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        log_error("process_not_started", log_text("reason", strerror(fork_errno)));
        loop_timer_start(child->restart, restart_backoff.max_ms);
        return;
    }
    child->pid = pid;
    publish(child);
    if (child->is_ops) {
        log_info("ops_process_started", log_int("child", pid));
    } else {
        supervisor->running++;
        log_info("process_started", log_int("child", pid));
    }
}

static void on_restart(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    start_child(arg);
}

static void unlisten_for_operators(struct supervisor *supervisor)
{
    if (supervisor->ops_socket >= 0) {
        listen_socket_remove(&supervisor->options->config->ops_listen);
        (void)close(supervisor->ops_socket);
        supervisor->ops_socket = -1;
    }
}

/* When no other is left, the operators' process may go too, and then this one. Where that process
   does not run, or is told to stop, nobody accepts on its socket any more. */
static void check_stopped(struct supervisor *supervisor)
{
    if (!supervisor->is_stopping) {
        return;
    }
    if (supervisor->running == 0 || supervisor->ops_child.pid == 0) {
        unlisten_for_operators(supervisor);
    }
    if (supervisor->running > 0) {
        return;
    }
    if (supervisor->ops_child.pid != 0) {
        signal_ops_child(supervisor, SIGTERM);
    } else {
        loop_quit(supervisor->loop);
    }
}

static void stop(struct supervisor *supervisor)
{
    supervisor->is_stopping = true;
    for (size_t i = 0; i < supervisor->count; i++) {
        loop_timer_stop(supervisor->children[i].restart);
    }
    loop_timer_stop(supervisor->ops_child.restart);
    if (supervisor->options->on_stop != NULL) {
        supervisor->options->on_stop(supervisor->options->arg);
    }
    signal_children(supervisor, SIGTERM);
    check_stopped(supervisor);
}

/* Until it is started again. */
static int64_t restart_delay_ms(struct child *child)
{
    bool is_steady = now_boot_ms() - child->started_at_ms >= STEADY_MS;
    child->crashes = is_steady ? 1 : child->crashes + 1;
    return backoff_delay_ms(&restart_backoff, child->crashes, random_bits());
}

/* Nothing but the dashboard depends on it: it ends nobody else. */
static void on_ops_child_ended(struct child *child, int status)
{
    struct supervisor *supervisor = child->supervisor;
    pid_t pid = child->pid;
    child->pid = 0;
    metrics_clear_gauges(child->figures);
    if (supervisor->is_stopping) {
        check_stopped(supervisor);
        return;
    }
    int64_t delay_ms = restart_delay_ms(child);
    log_error("ops_process_ended", log_int("child", pid),
              log_int("exit_code", WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE),
              log_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
              log_int("restart_in_ms", delay_ms));
    loop_timer_start(child->restart, delay_ms);
}

static void on_child_ended(struct child *child, int status)
{
    struct supervisor *supervisor = child->supervisor;
    bool has_worked = atomic_load(&child->slot->beaten_at_ms) != 0;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
    pid_t pid = child->pid;
    child->pid = 0;
    publish(child);
    metrics_clear_gauges(&child->figures[child->block]);
    supervisor->running--;
    if (supervisor->is_stopping) {
        supervisor->exit_code =
            code != 0 && supervisor->exit_code == 0 ? code : supervisor->exit_code;
        check_stopped(supervisor);
        return;
    }
    if (WIFEXITED(status) && code != 0 && !has_worked) {
        log_error("process_cannot_start", log_int("child", pid), log_int("exit_code", code));
        supervisor->exit_code = code;
        stop(supervisor);
        return;
    }
    int64_t delay_ms = restart_delay_ms(child);
    log_error("process_ended", log_int("child", pid), log_int("exit_code", code),
              log_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
              log_int("restart_in_ms", delay_ms));
    loop_timer_start(child->restart, delay_ms);
}

static void on_leaving_ended(struct child *child)
{
    struct supervisor *supervisor = child->supervisor;
    child->leaving = 0;
    publish(child);
    metrics_clear_gauges(&child->figures[child->leaving_block]);
    supervisor->running--;
    check_stopped(supervisor);
}

/* A child that stops takes no more connections: the next one does, while it finishes its work. */
static void replace_leaving(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count && !supervisor->is_stopping; i++) {
        struct child *child = &supervisor->children[i];
        if (child->pid == 0 || child->leaving != 0 || !atomic_load(&child->slot->is_leaving)) {
            continue;
        }
        child->leaving = child->pid;
        child->leaving_block = child->block;
        child->pid = 0;
        log_info("process_leaving", log_int("child", child->leaving));
        start_child(child);
        if (supervisor->is_child) {
            return;
        }
    }
}

static void on_ended(struct supervisor *supervisor, pid_t pid, int status)
{
    if (supervisor->ops_child.pid == pid) {
        on_ops_child_ended(&supervisor->ops_child, status);
        return;
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->children[i].pid == pid) {
            on_child_ended(&supervisor->children[i], status);
            return;
        }
        if (supervisor->children[i].leaving == pid) {
            on_leaving_ended(&supervisor->children[i]);
            return;
        }
    }
}

static void reap(struct supervisor *supervisor)
{
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        on_ended(supervisor, pid, status);
    }
}

static void on_sigchld(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    reap(arg);
    replace_leaving(arg);
}

static void on_drain(void *arg)
{
    stop(arg);
}

static void on_reload(void *arg)
{
    signal_children(arg, SIGHUP);
    signal_ops_child(arg, SIGHUP);
}

static void on_patience_over(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    loop_quit(arg);
}

/* After a second signal: the children stop now, and what does not is killed. */
static void end_now(struct supervisor *supervisor)
{
    signal_children(supervisor, SIGTERM);
    signal_leaving(supervisor, SIGTERM);
    signal_ops_child(supervisor, SIGTERM);
    struct event *patience = loop_timer_new(supervisor->loop, on_patience_over, supervisor->loop);
    loop_timer_start(patience, STOP_NOW_LIMIT_MS);
    if (supervisor->running > 0 || supervisor->ops_child.pid != 0) {
        (void)loop_run(supervisor->loop);
    }
    event_free(patience);
    signal_children(supervisor, SIGKILL);
    signal_leaving(supervisor, SIGKILL);
    signal_ops_child(supervisor, SIGKILL);
}

/* Zeroed memory that children share with the parent. */
static void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        log_error("no_shared_memory", log_text("reason", strerror(errno)));
        abort();
    }
    return memory;
}

static void init(struct supervisor *supervisor, const struct supervisor_options *options)
{
    size_t count = (size_t)options->config->processes;
    *supervisor = (struct supervisor){.options = options, .count = count, .ops_socket = -1};
    supervisor->loop = loop_new();
    supervisor->slots = share((count + 1) * sizeof *supervisor->slots);
    struct metrics_block *figures = share((2 * count + 1) * sizeof *figures);
    supervisor->roster = (struct supervisor_roster){
        .slots = supervisor->slots, .figures = figures, .count = count, .parent = getpid()};
    supervisor->children = mem_new(count, sizeof *supervisor->children);
    for (size_t i = 0; i < count; i++) {
        struct child *child = &supervisor->children[i];
        child->supervisor = supervisor;
        child->slot = &supervisor->slots[i];
        child->figures = &figures[2 * i];
        child->restart = loop_timer_new(supervisor->loop, on_restart, child);
    }
    struct child *ops = &supervisor->ops_child;
    *ops = (struct child){.supervisor = supervisor,
                          .slot = &supervisor->slots[count],
                          .figures = &figures[2 * count],
                          .is_ops = true};
    ops->restart = loop_timer_new(supervisor->loop, on_restart, ops);
    const struct loop_handlers handlers = {on_drain, on_reload, supervisor};
    loop_handle_signals(supervisor->loop, &handlers);
    supervisor->on_child =
        evsignal_new(loop_base(supervisor->loop), SIGCHLD, on_sigchld, supervisor);
    if (supervisor->on_child == NULL || event_add(supervisor->on_child, NULL) != 0) {
        log_error("no_signal_handler", log_nothing());
        abort();
    }
}

/* In the parent at its end, and in each new child: there, without touching what the two share (the
   kernel's list of watched descriptors is one, until event_reinit makes another). */
static void clear(struct supervisor *supervisor)
{
    if (supervisor->is_child) {
        ops_server_disown(supervisor->ops);
        if (event_reinit(loop_base(supervisor->loop)) != 0) {
            log_error("no_event_loop", log_nothing());
            abort();
        }
    }
    ops_server_free(supervisor->ops);
    if (!supervisor->is_child) {
        unlisten_for_operators(supervisor);
    } else if (supervisor->ops_socket >= 0 && !supervisor->own_place->is_ops) {
        (void)close(supervisor->ops_socket);
    }
    event_free(supervisor->on_child);
    event_free(supervisor->ops_child.restart);
    for (size_t i = 0; i < supervisor->count; i++) {
        event_free(supervisor->children[i].restart);
    }
    mem_free(supervisor->children);
    loop_free(supervisor->loop);
    /* Of the signals that are blocked in a child, the one that it does not handle. */
    unblock(SIGCHLD);
}

/* Opens the ops listener: this process answers there, or only keeps the socket for the one that
   does, whose callers then wait while it is started again. */
static bool listen_for_operators(struct supervisor *supervisor, bool has_ops_child,
                                 struct error *err)
{
    const struct listen_address *address = &supervisor->options->config->ops_listen;
    if (has_ops_child) {
        return ops_server_listen(address, &supervisor->ops_socket, err);
    }
    const struct ops_server_options options = {
        .address = address, .get_health = supervisor_roster_get_health, .arg = &supervisor->roster};
    bool is_good = ops_server_start(supervisor->loop, &options, &supervisor->ops, err);
    supervisor->metrics = (struct metrics_page){.program = supervisor->options->program,
                                                .get_process = supervisor_roster_get_process,
                                                .arg = &supervisor->roster};
    metrics_page_add(ops_server_pages(supervisor->ops), &supervisor->metrics);
    return is_good;
}

static void start_children(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count && !supervisor->is_child; i++) {
        start_child(&supervisor->children[i]);
    }
    if (!supervisor->is_child && supervisor->ops_socket >= 0) {
        start_child(&supervisor->ops_child);
    }
}

bool supervisor_start(const struct supervisor_options *options, struct supervisor_slot **slot,
                      struct supervisor_ops **ops, int *exit_code)
{
    struct supervisor supervisor;
    struct error err;
    init(&supervisor, options);
    if (!listen_for_operators(&supervisor, ops != NULL, &err)) {
        log_error("ops_not_listening", log_reason(&err));
        clear(&supervisor);
        *exit_code = EXIT_FAILURE;
        return false;
    }
    start_children(&supervisor);
    if (!supervisor.is_child && !loop_run(supervisor.loop)) {
        end_now(&supervisor);
    }
    bool is_child = supervisor.is_child;
    bool is_ops = is_child && supervisor.own_place->is_ops;
    *slot = is_child && !is_ops ? supervisor.own_place->slot : NULL;
    if (is_ops && ops != NULL) {
        *ops = supervisor_ops_new(&supervisor.roster, supervisor.ops_socket);
    }
    *exit_code = supervisor.exit_code;
    clear(&supervisor);
    return is_child;
}
