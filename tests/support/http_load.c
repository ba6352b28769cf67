#include "tests/support/http_load.h"

#include "common/mem.h"
#include "tests/support/child.h"
#include "tests/support/fail.h"
#include "tests/support/sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, ANSWER_MAX = 2048, CALL_LIMIT_MS = 60000, FAILURE_SIZE = 256 };

/* Written by the child, read by the test. */
struct shared {
    _Atomic int64_t answered;
    _Atomic int64_t failed;
    _Atomic int64_t closed_idle;
    _Atomic bool is_stopping;
    char first_failure[FAILURE_SIZE];
};

struct http_load {
    struct shared *shared;
    pid_t pid;
};

/* The child's. */
struct caller {
    int fd; /* -1 = has to connect */
    bool is_used;
    size_t got;
    char answer[ANSWER_MAX];
};

struct crowd {
    struct shared *shared;
    const char *address;
    char request[1024];
    struct caller callers[CONNECTIONS_MAX];
    int count;
};

static void fail_call(struct crowd *crowd, struct caller *caller, const char *what,
                      const char *detail)
{
    if (atomic_fetch_add(&crowd->shared->failed, 1) == 0) {
        (void)snprintf(crowd->shared->first_failure, FAILURE_SIZE, "%s: %.200s", what, detail);
    }
    if (caller->fd >= 0) {
        (void)close(caller->fd);
    }
    caller->fd = -1;
}

/* Begins the next call; on a new connection where there is none. */
static void call(struct crowd *crowd, struct caller *caller)
{
    size_t size = strlen(crowd->request);
    caller->got = 0;
    if (caller->fd < 0) {
        caller->fd = socket_connect(crowd->address);
        caller->is_used = false;
    }
    if (caller->fd < 0) {
        fail_call(crowd, caller, "cannot connect", strerror(errno));
        return;
    }
    /* What cannot be sent shows as a connection that is closed, when the answer is read. */
    (void)!send(caller->fd, crowd->request, size, MSG_NOSIGNAL);
}

static void on_broken(struct crowd *crowd, struct caller *caller, const char *reason)
{
    if (!caller->is_used || caller->got > 0) {
        fail_call(crowd, caller, "the connection broke", reason);
    } else {
        atomic_fetch_add(&crowd->shared->closed_idle, 1);
        (void)close(caller->fd);
        caller->fd = -1;
        call(crowd, caller);
    }
}

static void on_readable(struct crowd *crowd, struct caller *caller)
{
    ssize_t got =
        recv(caller->fd, caller->answer + caller->got, sizeof caller->answer - 1 - caller->got, 0);
    if (got <= 0) {
        on_broken(crowd, caller, got == 0 ? "closed" : strerror(errno));
        return;
    }
    caller->got += (size_t)got;
    caller->answer[caller->got] = '\0';
    if (strstr(caller->answer, "\r\n\r\n") == NULL) {
        return;
    }
    if (strncmp(caller->answer, "HTTP/1.1 204 ", 13) != 0) {
        fail_call(crowd, caller, "answer", caller->answer);
        return;
    }
    atomic_fetch_add(&crowd->shared->answered, 1);
    caller->is_used = true;
    caller->got = 0;
    if (strstr(caller->answer, "Connection: close") != NULL) {
        (void)close(caller->fd);
        caller->fd = -1;
    }
    if (!atomic_load(&crowd->shared->is_stopping)) {
        call(crowd, caller);
    } else if (caller->fd >= 0) {
        (void)close(caller->fd);
        caller->fd = -1;
    }
}

static _Noreturn void run(struct crowd *crowd)
{
    struct pollfd waits[CONNECTIONS_MAX];
    for (int i = 0; i < crowd->count; i++) {
        crowd->callers[i].fd = -1;
        call(crowd, &crowd->callers[i]);
    }
    for (;;) {
        int open = 0;
        for (int i = 0; i < crowd->count; i++) {
            waits[i] = (struct pollfd){.fd = crowd->callers[i].fd, .events = POLLIN};
            open += waits[i].fd >= 0 ? 1 : 0;
        }
        if (open == 0) {
            _exit(0);
        }
        if (poll(waits, (nfds_t)crowd->count, CALL_LIMIT_MS) == 0) {
            fail_call(crowd, &crowd->callers[0], "no answer", "within the limit");
        }
        for (int i = 0; i < crowd->count; i++) {
            if (waits[i].fd >= 0 && waits[i].revents != 0) {
                on_readable(crowd, &crowd->callers[i]);
            }
        }
    }
}

struct http_load *http_load_start(const char *address, const char *path, const char *key,
                                  int connections)
{
    struct http_load *load = mem_new(1, sizeof *load);
    struct crowd *crowd = mem_new(1, sizeof *crowd);
    load->shared =
        mmap(NULL, sizeof *load->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (load->shared == MAP_FAILED || connections > CONNECTIONS_MAX) {
        fail_because("no load of %d connections", connections);
    }
    *crowd = (struct crowd){.shared = load->shared, .address = address, .count = connections};
    (void)snprintf(crowd->request, sizeof crowd->request,
                   "POST %s HTTP/1.1\r\nHost: load\r\nAuthorization: Token %s\r\n\r\n", path, key);
    pid_t test_pid = getpid();
    load->pid = fork();
    if (load->pid == 0) {
        child_begin(test_pid, -1, -1);
        run(crowd);
    }
    mem_free(crowd);
    if (load->pid < 0) {
        fail_because("cannot fork: %s", strerror(errno));
    }
    return load;
}

struct http_load_counts http_load_counts(const struct http_load *load)
{
    return (struct http_load_counts){.answered = atomic_load(&load->shared->answered),
                                     .failed = atomic_load(&load->shared->failed),
                                     .closed_idle = atomic_load(&load->shared->closed_idle)};
}

const char *http_load_first_failure(const struct http_load *load)
{
    return load->shared->first_failure;
}

struct http_load_counts http_load_stop(struct http_load *load)
{
    int status = 0;
    atomic_store(&load->shared->is_stopping, true);
    (void)waitpid(load->pid, &status, 0);
    struct http_load_counts counts = http_load_counts(load);
    if (status != 0) {
        fail_because("the load ended with %d", status);
    }
    (void)munmap(load->shared, sizeof *load->shared);
    mem_free(load);
    return counts;
}
