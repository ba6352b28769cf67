/* The proxy's child process runs one poll loop; the test talks to it over a socket pair, one order
   and one answer at a time. */
#include "tests/support/tcp_proxy.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/support/child.h"
#include "tests/support/fail.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PAIRS_MAX = 512,
    CHUNK_BYTES = 65536,
    POLL_LIMIT_MS = 1000,
};

enum order_kind { ORDER_MODE, ORDER_DELAY, ORDER_CUT, ORDER_DELAY_OPEN, ORDER_COUNTS };

struct order {
    enum order_kind kind;
    int64_t value;
};

struct tcp_proxy {
    pid_t pid;
    int orders;
    char address[SOCKET_ADDRESS_SIZE];
};

/* One direction of a connection: what was read of one side and waits for the other. */
struct flow {
    int from;
    int to;
    size_t start; /* bytes[start .. end) wait */
    size_t end;
    int64_t due_ms; /* not before this */
    bool is_over;   /* from has no more; to is told so when nothing waits */
    bool is_told;
    bool is_held; /* whatever the mode */
    unsigned char bytes[CHUNK_BYTES];
};

struct pair {
    struct flow up;   /* client to target */
    struct flow down; /* target to client */
    bool has_lost;
    uint64_t answer_bytes; /* since the client last sent something */
};

/* The child's whole state. */
struct proxy_loop {
    int orders;
    int listener; /* -1 while refusing */
    enum tcp_proxy_mode mode;
    int64_t delay_ms;
    char address[SOCKET_ADDRESS_SIZE];
    char target[SOCKET_ADDRESS_SIZE];
    struct pair *pairs[PAIRS_MAX];
    size_t pair_count;
    struct tcp_proxy_counts counts;
};

static void close_pair(struct proxy_loop *loop, size_t index)
{
    struct pair *pair = loop->pairs[index];
    (void)close(pair->up.from);
    (void)close(pair->up.to);
    mem_free(pair);
    loop->pairs[index] = loop->pairs[--loop->pair_count];
}

static bool loses(const struct proxy_loop *loop, bool is_up)
{
    return loop->mode == TCP_PROXY_BLACKHOLE ||
           loop->mode == (is_up ? TCP_PROXY_BLACKHOLE_UP : TCP_PROXY_BLACKHOLE_DOWN);
}

/* What a direction waits for now; 0 = nothing but time. */
static short wanted_events(const struct proxy_loop *loop, const struct flow *flow, bool is_read)
{
    bool is_waiting = flow->start < flow->end;
    if (is_read) {
        return !is_waiting && !flow->is_over ? POLLIN : 0;
    }
    bool is_held = flow->is_held || loop->mode == TCP_PROXY_HOLD;
    bool may_write = is_waiting && !is_held && now_mono_ms() >= flow->due_ms;
    return may_write ? POLLOUT : 0;
}

static void count_bytes(struct proxy_loop *loop, struct pair *pair, bool is_up, uint64_t got)
{
    *(is_up ? &loop->counts.up_bytes : &loop->counts.down_bytes) += got;
    pair->answer_bytes = is_up ? 0 : pair->answer_bytes + got;
    if (pair->answer_bytes > loop->counts.answer_bytes) {
        loop->counts.answer_bytes = pair->answer_bytes;
    }
}

/* False when the connection is broken. */
static bool read_flow(struct proxy_loop *loop, struct pair *pair, bool is_up)
{
    struct flow *flow = is_up ? &pair->up : &pair->down;
    ssize_t got = recv(flow->from, flow->bytes, sizeof flow->bytes, 0);
    if (got <= 0) {
        flow->is_over = true;
        return got == 0;
    }
    count_bytes(loop, pair, is_up, (uint64_t)got);
    if (loses(loop, is_up)) {
        pair->has_lost = true;
        return true;
    }
    flow->start = 0;
    flow->end = (size_t)got;
    flow->due_ms = now_mono_ms() + loop->delay_ms;
    return true;
}

static bool write_flow(struct flow *flow)
{
    ssize_t sent = send(flow->to, flow->bytes + flow->start, flow->end - flow->start,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        return errno == EAGAIN;
    }
    flow->start += (size_t)sent;
    return true;
}

/* Hands on the end of one side; in a bad network it is lost, too. */
static void pass_end(const struct proxy_loop *loop, struct flow *flow, bool is_up)
{
    bool can_tell = !flow->is_held && loop->mode != TCP_PROXY_HOLD && !loses(loop, is_up);
    if (flow->is_over && !flow->is_told && flow->start == flow->end && can_tell) {
        (void)shutdown(flow->to, SHUT_WR);
        flow->is_told = true;
    }
}

static bool serve_flow(struct proxy_loop *loop, struct pair *pair, bool is_up,
                       const struct pollfd *ready)
{
    struct flow *flow = is_up ? &pair->up : &pair->down;
    bool is_fine = true;
    if ((ready[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && ready[0].events != 0) {
        is_fine = read_flow(loop, pair, is_up);
    }
    if (is_fine && (ready[1].revents & (POLLOUT | POLLHUP | POLLERR)) != 0 &&
        ready[1].events != 0) {
        is_fine = write_flow(flow);
    }
    pass_end(loop, flow, is_up);
    return is_fine;
}

static void accept_pair(struct proxy_loop *loop)
{
    int client = accept(loop->listener, NULL, NULL);
    if (client < 0) {
        return;
    }
    loop->counts.accepted++;
    int target = loop->pair_count < PAIRS_MAX ? socket_connect(loop->target) : -1;
    if (target < 0) {
        (void)close(client);
        return;
    }
    struct pair *pair = mem_new(1, sizeof *pair);
    pair->up.from = pair->down.to = client;
    pair->up.to = pair->down.from = target;
    loop->pairs[loop->pair_count++] = pair;
}

static void set_mode(struct proxy_loop *loop, enum tcp_proxy_mode mode)
{
    loop->mode = mode;
    for (size_t i = loop->pair_count; i > 0; i--) {
        if (loop->pairs[i - 1]->has_lost) {
            close_pair(loop, i - 1);
        }
    }
    if (mode == TCP_PROXY_REFUSE && loop->listener >= 0) {
        (void)close(loop->listener);
        loop->listener = -1;
    }
    if (mode != TCP_PROXY_REFUSE && loop->listener < 0) {
        char bound[SOCKET_ADDRESS_SIZE];
        loop->listener = socket_listen(loop->address, bound);
    }
}

static void set_held(struct proxy_loop *loop, bool is_held)
{
    for (size_t i = 0; i < loop->pair_count; i++) {
        loop->pairs[i]->up.is_held = is_held;
        loop->pairs[i]->down.is_held = is_held;
    }
}

/* False when the test is gone. */
static bool obey(struct proxy_loop *loop)
{
    struct order order;
    if (read(loop->orders, &order, sizeof order) != (ssize_t)sizeof order) {
        return false;
    }
    switch (order.kind) {
    case ORDER_MODE:
        set_held(loop, false);
        set_mode(loop, (enum tcp_proxy_mode)order.value);
        break;
    case ORDER_DELAY_OPEN:
        set_held(loop, true);
        break;
    case ORDER_DELAY:
        loop->delay_ms = order.value;
        break;
    case ORDER_CUT:
        while (loop->pair_count > 0) {
            close_pair(loop, 0);
        }
        break;
    case ORDER_COUNTS:
        break;
    }
    loop->counts.open = loop->pair_count;
    struct tcp_proxy_counts counts = loop->counts;
    loop->counts.answer_bytes = 0;
    return write(loop->orders, &counts, sizeof counts) == (ssize_t)sizeof counts;
}

/* Two entries: for reading and for writing. Shortens *limit_ms to when a delay is over. */
static void poll_flow(const struct proxy_loop *loop, const struct flow *flow, struct pollfd *polled,
                      int *limit_ms)
{
    short read_events = wanted_events(loop, flow, true);
    short write_events = wanted_events(loop, flow, false);
    /* A negative descriptor is skipped: else poll would report a hang-up for ever. */
    polled[0] = (struct pollfd){.fd = read_events == 0 ? -1 : flow->from, .events = read_events};
    polled[1] = (struct pollfd){.fd = write_events == 0 ? -1 : flow->to, .events = write_events};
    int64_t left_ms = flow->due_ms - now_mono_ms();
    if (flow->start < flow->end && left_ms > 0 && left_ms < *limit_ms) {
        *limit_ms = (int)left_ms;
    }
}

/* Behind the orders and the listener four entries a pair: two up, two down. */
static nfds_t fill_poll(const struct proxy_loop *loop, struct pollfd *polled, int *limit_ms)
{
    polled[0] = (struct pollfd){.fd = loop->orders, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = loop->listener, .events = POLLIN};
    *limit_ms = POLL_LIMIT_MS;
    for (size_t i = 0; i < loop->pair_count; i++) {
        poll_flow(loop, &loop->pairs[i]->up, &polled[2 + 4 * i], limit_ms);
        poll_flow(loop, &loop->pairs[i]->down, &polled[2 + 4 * i + 2], limit_ms);
    }
    return 2 + 4 * loop->pair_count;
}

static void serve_pairs(struct proxy_loop *loop, const struct pollfd *polled)
{
    /* Backwards, because close_pair moves the last one into the gap. */
    for (size_t i = loop->pair_count; i > 0; i--) {
        struct pair *pair = loop->pairs[i - 1];
        const struct pollfd *ready = &polled[2 + 4 * (i - 1)];
        bool is_fine =
            serve_flow(loop, pair, true, ready) && serve_flow(loop, pair, false, ready + 2);
        if (!is_fine || (pair->up.is_told && pair->down.is_told)) {
            close_pair(loop, i - 1);
        }
    }
}

static void run_loop(struct proxy_loop *loop)
{
    static struct pollfd polled[2 + 4 * PAIRS_MAX];
    for (;;) {
        int limit_ms;
        nfds_t count = fill_poll(loop, polled, &limit_ms);
        if (poll(polled, count, limit_ms) < 0) {
            return;
        }
        serve_pairs(loop, polled);
        if ((polled[1].revents & POLLIN) != 0) {
            accept_pair(loop);
        }
        if (polled[0].revents != 0 && !obey(loop)) {
            return;
        }
    }
}

struct tcp_proxy *tcp_proxy_new(const char *listen_address, const char *target_address)
{
    struct proxy_loop loop = {.mode = TCP_PROXY_FORWARD};
    (void)snprintf(loop.target, sizeof loop.target, "%s", target_address);
    loop.listener = socket_listen(listen_address, loop.address);
    if (loop.listener < 0) {
        fail_because("cannot listen on %s: %s", listen_address, strerror(errno));
    }
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) {
        fail_because("socketpair: %s", strerror(errno));
    }
    loop.orders = ends[1];
    struct tcp_proxy *proxy = mem_new(1, sizeof *proxy);
    proxy->orders = ends[0];
    (void)snprintf(proxy->address, sizeof proxy->address, "%s", loop.address);
    pid_t test_pid = getpid();
    proxy->pid = fork();
    if (proxy->pid == 0) {
        child_begin(test_pid, loop.orders, loop.listener);
        run_loop(&loop);
        _exit(0);
    }
    (void)close(ends[1]);
    (void)close(loop.listener);
    if (proxy->pid < 0) {
        fail_because("cannot fork for the proxy: %s", strerror(errno));
    }
    return proxy;
}

void tcp_proxy_free(struct tcp_proxy *proxy)
{
    if (proxy == NULL) {
        return;
    }
    (void)kill(proxy->pid, SIGKILL);
    (void)waitpid(proxy->pid, NULL, 0);
    (void)close(proxy->orders);
    mem_free(proxy);
}

const char *tcp_proxy_address(const struct tcp_proxy *proxy)
{
    return proxy->address;
}

static struct tcp_proxy_counts give_order(struct tcp_proxy *proxy, struct order order)
{
    struct tcp_proxy_counts counts = {0};
    if (write(proxy->orders, &order, sizeof order) != (ssize_t)sizeof order ||
        read(proxy->orders, &counts, sizeof counts) != (ssize_t)sizeof counts) {
        fail_because("the proxy has ended");
    }
    return counts;
}

void tcp_proxy_set(struct tcp_proxy *proxy, enum tcp_proxy_mode mode)
{
    (void)give_order(proxy, (struct order){.kind = ORDER_MODE, .value = mode});
}

void tcp_proxy_delay(struct tcp_proxy *proxy, int64_t delay_ms)
{
    (void)give_order(proxy, (struct order){.kind = ORDER_DELAY, .value = delay_ms});
}

void tcp_proxy_cut(struct tcp_proxy *proxy)
{
    (void)give_order(proxy, (struct order){.kind = ORDER_CUT});
}

void tcp_proxy_delay_open(struct tcp_proxy *proxy)
{
    (void)give_order(proxy, (struct order){.kind = ORDER_DELAY_OPEN});
}

struct tcp_proxy_counts tcp_proxy_counts(struct tcp_proxy *proxy)
{
    return give_order(proxy, (struct order){.kind = ORDER_COUNTS});
}
