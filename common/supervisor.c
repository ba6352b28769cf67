#include "common/supervisor.h"

#include "common/backoff.h"
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
    BEAT_MS = 250,
    BEAT_LATE_MS = 5000,      /* a loop that has not turned for so long does not turn */
    STEADY_MS = 10000,        /* a child that lived so long starts over with short backoff */
    STOP_NOW_LIMIT_MS = 5000, /* after a second signal; then SIGKILL */
    HEALTH_TEXT_SIZE = 512,
};

static const struct backoff restart_backoff = {.base_ms = 100, .max_ms = 5000};

/* Written by one child, read by the parent. A text that is read while it is written may be mixed,
   but always ends: its last byte stays 0. */
struct supervisor_slot {
    size_t number;
    pid_t parent;
    _Atomic int64_t beaten_at_ms; /* boottime; 0 = not since its start */
    _Atomic bool is_ready;
    _Atomic bool has_fault;
    _Atomic bool is_leaving;
    char not_ready[HEALTH_TEXT_SIZE];
    char settings_fault[HEALTH_TEXT_SIZE];
};

struct child {
    struct supervisor *supervisor;
    struct supervisor_slot *slot;
    struct event *restart;
    pid_t pid;     /* 0 = none */
    pid_t leaving; /* the one before it, which still finishes its work; 0 = none */
    /* Two blocks of figures, of which each living process has one. They outlive it: its counters go
       on in the next one. */
    struct metrics_block *figures;
    size_t block; /* of the child */
    size_t leaving_block;
    int64_t started_at_ms;
    unsigned crashes; /* in a row */
};

struct supervisor {
    const struct service_config *config;
    struct loop *loop;
    struct event *on_child;
    struct ops_server *ops;
    struct metrics_page metrics;
    struct supervisor_slot *slots; /* shared memory, as children's figures are */
    struct child *children;
    size_t count;
    size_t running;
    bool is_stopping;
    bool is_child; /* this process is a new child: get out of the parent's loop */
    struct supervisor_slot *own_slot;
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

/* Those for which a second stop signal means: now. */
static void signal_leaving(const struct supervisor *supervisor, int number)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->children[i].leaving != 0) {
            (void)kill(supervisor->children[i].leaving, number);
        }
    }
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
    supervisor->is_child = true;
    supervisor->own_slot = child->slot;
    metrics_use(&child->figures[child->block]);
    loop_quit(supervisor->loop);
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
    pid_t pid = fork();
    if (pid == 0) {
        become_child(child, parent);
        return;
    }
    if (pid < 0) {
        log_error("process_not_started", log_text("reason", strerror(errno)));
        loop_timer_start(child->restart, restart_backoff.max_ms);
        return;
    }
    child->pid = pid;
    supervisor->running++;
    log_info("process_started", log_int("child", pid));
}

static void on_restart(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    start_child(arg);
}

static void stop(struct supervisor *supervisor)
{
    supervisor->is_stopping = true;
    for (size_t i = 0; i < supervisor->count; i++) {
        loop_timer_stop(supervisor->children[i].restart);
    }
    signal_children(supervisor, SIGTERM);
    if (supervisor->running == 0) {
        loop_quit(supervisor->loop);
    }
}

static void on_child_ended(struct child *child, int status)
{
    struct supervisor *supervisor = child->supervisor;
    bool has_worked = atomic_load(&child->slot->beaten_at_ms) != 0;
    bool is_steady = now_boot_ms() - child->started_at_ms >= STEADY_MS;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
    pid_t pid = child->pid;
    child->pid = 0;
    metrics_clear_gauges(&child->figures[child->block]);
    supervisor->running--;
    if (supervisor->is_stopping) {
        supervisor->exit_code =
            code != 0 && supervisor->exit_code == 0 ? code : supervisor->exit_code;
        if (supervisor->running == 0) {
            loop_quit(supervisor->loop);
        }
        return;
    }
    if (WIFEXITED(status) && code != 0 && !has_worked) {
        log_error("process_cannot_start", log_int("child", pid), log_int("exit_code", code));
        supervisor->exit_code = code;
        stop(supervisor);
        return;
    }
    child->crashes = is_steady ? 1 : child->crashes + 1;
    int64_t delay_ms = backoff_delay_ms(&restart_backoff, child->crashes, random_bits());
    log_error("process_ended", log_int("child", pid), log_int("exit_code", code),
              log_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
              log_int("restart_in_ms", delay_ms));
    loop_timer_start(child->restart, delay_ms);
}

static void on_leaving_ended(struct child *child)
{
    struct supervisor *supervisor = child->supervisor;
    child->leaving = 0;
    metrics_clear_gauges(&child->figures[child->leaving_block]);
    supervisor->running--;
    if (supervisor->is_stopping && supervisor->running == 0) {
        loop_quit(supervisor->loop);
    }
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

static void reap(struct supervisor *supervisor)
{
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        for (size_t i = 0; i < supervisor->count; i++) {
            if (supervisor->children[i].pid == pid) {
                on_child_ended(&supervisor->children[i], status);
                break;
            }
            if (supervisor->children[i].leaving == pid) {
                on_leaving_ended(&supervisor->children[i]);
                break;
            }
        }
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
}

/* Healthy = every process's loop turns; ready = every process is. */
static void get_health(void *arg, struct ops_health *health)
{
    const struct supervisor *supervisor = arg;
    int64_t late_ms = now_boot_ms() - BEAT_LATE_MS;
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct supervisor_slot *slot = supervisor->children[i].slot;
        if (atomic_load(&slot->has_fault)) {
            health->settings_fault = slot->settings_fault;
        }
        if (supervisor->children[i].pid == 0 || atomic_load(&slot->beaten_at_ms) < late_ms) {
            health->not_turning = "a process is not running, or its loop does not turn";
            health->not_ready = health->not_turning;
        } else if (!atomic_load(&slot->is_ready) && health->not_ready == NULL) {
            health->not_ready = slot->not_ready;
        }
    }
}

/* Each block of figures with the process that has it, then this process itself. */
static bool get_process(void *arg, size_t index, struct metrics_process *process)
{
    const struct supervisor *supervisor = arg;
    if (index >= 2 * supervisor->count) {
        *process = (struct metrics_process){.pid = getpid()};
        return index == 2 * supervisor->count;
    }
    const struct child *child = &supervisor->children[index / 2];
    size_t block = index % 2;
    *process = (struct metrics_process){.block = &child->figures[block]};
    if (child->pid != 0 && child->block == block) {
        process->pid = child->pid;
    } else if (child->leaving != 0 && child->leaving_block == block) {
        process->pid = child->leaving;
    }
    return true;
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
    struct event *patience = loop_timer_new(supervisor->loop, on_patience_over, supervisor->loop);
    loop_timer_start(patience, STOP_NOW_LIMIT_MS);
    if (supervisor->running > 0) {
        (void)loop_run(supervisor->loop);
    }
    event_free(patience);
    signal_children(supervisor, SIGKILL);
    signal_leaving(supervisor, SIGKILL);
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

static void init(struct supervisor *supervisor, const struct service_config *config)
{
    size_t count = (size_t)config->processes;
    *supervisor = (struct supervisor){.config = config, .count = count};
    supervisor->loop = loop_new();
    supervisor->slots = share(count * sizeof *supervisor->slots);
    struct metrics_block *figures = share(2 * count * sizeof *figures);
    supervisor->children = mem_new(count, sizeof *supervisor->children);
    for (size_t i = 0; i < count; i++) {
        struct child *child = &supervisor->children[i];
        child->supervisor = supervisor;
        child->slot = &supervisor->slots[i];
        child->figures = &figures[2 * i];
        child->restart = loop_timer_new(supervisor->loop, on_restart, child);
    }
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
    if (supervisor->is_child && event_reinit(loop_base(supervisor->loop)) != 0) {
        log_error("no_event_loop", log_nothing());
        abort();
    }
    if (supervisor->is_child) {
        ops_server_forget(supervisor->ops);
    } else {
        ops_server_free(supervisor->ops);
    }
    event_free(supervisor->on_child);
    for (size_t i = 0; i < supervisor->count; i++) {
        event_free(supervisor->children[i].restart);
    }
    mem_free(supervisor->children);
    loop_free(supervisor->loop);
}

size_t supervisor_slot_number(const struct supervisor_slot *slot)
{
    return slot->number;
}

bool supervisor_start(const struct service_config *config, enum metrics_program program,
                      struct supervisor_slot **slot, int *exit_code)
{
    struct supervisor supervisor;
    struct error err;
    init(&supervisor, config);
    const struct ops_server_options ops = {
        .address = &config->ops_listen, .get_health = get_health, .arg = &supervisor};
    if (!ops_server_start(supervisor.loop, &ops, &supervisor.ops, &err)) {
        log_error("ops_not_listening", log_reason(&err));
        clear(&supervisor);
        *exit_code = EXIT_FAILURE;
        return false;
    }
    supervisor.metrics =
        (struct metrics_page){.program = program, .get_process = get_process, .arg = &supervisor};
    metrics_page_add(ops_server_pages(supervisor.ops), &supervisor.metrics);
    for (size_t i = 0; i < supervisor.count && !supervisor.is_child; i++) {
        start_child(&supervisor.children[i]);
    }
    if (!supervisor.is_child && !loop_run(supervisor.loop)) {
        end_now(&supervisor);
    }
    bool is_child = supervisor.is_child;
    *slot = supervisor.own_slot;
    *exit_code = supervisor.exit_code;
    clear(&supervisor);
    return is_child;
}

struct supervisor_beat {
    struct supervisor_slot *slot;
    struct event *timer;
    void (*get_health)(void *arg, struct ops_health *health);
    void *arg;
};

static void put_text(char place[HEALTH_TEXT_SIZE], const char *text)
{
    (void)snprintf(place, HEALTH_TEXT_SIZE, "%s", text == NULL ? "" : text);
}

static void on_beat(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct supervisor_beat *beat = arg;
    struct ops_health health = {.not_ready = NULL};
    beat->get_health(beat->arg, &health);
    put_text(beat->slot->not_ready, health.not_ready);
    put_text(beat->slot->settings_fault, health.settings_fault);
    atomic_store(&beat->slot->is_ready, health.not_ready == NULL);
    atomic_store(&beat->slot->has_fault, health.settings_fault != NULL);
    atomic_store(&beat->slot->beaten_at_ms, now_boot_ms());
    loop_timer_start(beat->timer, BEAT_MS);
}

struct supervisor_beat *supervisor_beat_new(struct loop *loop, struct supervisor_slot *slot,
                                            void (*health)(void *arg, struct ops_health *health),
                                            void *arg)
{
    struct supervisor_beat *beat = mem_new(1, sizeof *beat);
    *beat = (struct supervisor_beat){.slot = slot, .get_health = health, .arg = arg};
    beat->timer = loop_timer_new(loop, on_beat, beat);
    loop_timer_start(beat->timer, 0);
    return beat;
}

void supervisor_beat_leave(struct supervisor_beat *beat)
{
    if (beat == NULL) {
        return;
    }
    loop_timer_stop(beat->timer);
    atomic_store(&beat->slot->is_leaving, true);
    if (getppid() == beat->slot->parent) {
        (void)kill(beat->slot->parent, SIGCHLD);
    }
}

void supervisor_beat_free(struct supervisor_beat *beat)
{
    if (beat == NULL) {
        return;
    }
    event_free(beat->timer);
    mem_free(beat);
}
