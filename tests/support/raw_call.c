#include "tests/support/raw_call.h"

#include "common/mem.h"
#include "common/now.h"
#include "common/strbuf.h"
#include "tests/support/fail.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVED_MAX_BYTES = 64 * 1024 * 1024 };

struct raw_call {
    int fd;
    bool is_closed; /* by the other side */
    struct strbuf received;
};

static struct raw_call *open_on(int fd, const char *address)
{
    if (fd < 0) {
        fail_because("cannot connect to %s: %s", address, strerror(errno));
    }
    struct raw_call *raw = mem_new(1, sizeof *raw);
    raw->fd = fd;
    strbuf_init(&raw->received, RECEIVED_MAX_BYTES);
    return raw;
}

struct raw_call *raw_call_open(const char *address)
{
    return open_on(socket_connect(address), address);
}

struct raw_call *raw_call_open_from(const char *source, const char *address)
{
    return open_on(socket_connect_from(source, address), address);
}

void raw_call_end_sending(struct raw_call *raw)
{
    (void)shutdown(raw->fd, SHUT_WR);
}

void raw_call_close(struct raw_call *raw)
{
    if (raw == NULL) {
        return;
    }
    (void)close(raw->fd);
    strbuf_clear(&raw->received);
    mem_free(raw);
}

bool raw_call_send(struct raw_call *raw, const void *bytes, size_t size)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t sent = send(raw->fd, rest, size, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        rest += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool raw_call_send_text(struct raw_call *raw, const char *text)
{
    return raw_call_send(raw, text, strlen(text));
}

/* Waits for the next bytes or the close; nothing happens when limit_ms pass. */
static void receive_some(struct raw_call *raw, int64_t limit_ms)
{
    struct pollfd wait = {.fd = raw->fd, .events = POLLIN};
    if (poll(&wait, 1, (int)limit_ms) <= 0) {
        return;
    }
    char part[16384];
    ssize_t got = recv(raw->fd, part, sizeof part, 0);
    if (got <= 0) {
        raw->is_closed = true;
    } else {
        strbuf_add(&raw->received, part, (size_t)got);
    }
}

const char *raw_call_receive(struct raw_call *raw, const char *text, int64_t limit_ms)
{
    int64_t end_ms = now_mono_ms() + limit_ms;
    while (!raw->is_closed) {
        int64_t left_ms = end_ms - now_mono_ms();
        bool is_there = text != NULL && strstr(raw->received.bytes, text) != NULL;
        if (is_there || left_ms <= 0) {
            break;
        }
        receive_some(raw, left_ms);
    }
    return raw->received.bytes;
}

const char *raw_call_receive_some(struct raw_call *raw, size_t *size, int64_t limit_ms)
{
    if (!raw->is_closed && limit_ms > 0) {
        receive_some(raw, limit_ms);
    }
    *size = raw->received.size;
    return raw->received.bytes;
}

bool raw_call_is_closed(const struct raw_call *raw)
{
    return raw->is_closed;
}
