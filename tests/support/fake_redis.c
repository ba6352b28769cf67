#include "tests/support/fake_redis.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>

enum { RECEIVED_MAX = 64 << 20, READ_MAX = 1 << 20, CONNECTIONS_MAX = 64 };

struct fake_redis {
    struct loop *loop;
    struct evconnlistener *listener;
    struct bufferevent *connections[CONNECTIONS_MAX];
    size_t count;
    char url[SOCKET_ADDRESS_SIZE + 8];
    const char *greeting;
    const char *answer;
    const char *shout;
    size_t reads; /* of the newest connection */
    struct strbuf received;
};

static void say(struct bufferevent *connection, const char *text)
{
    if (text == NULL) {
        /* What was written goes out first. */
        (void)bufferevent_disable(connection, EV_READ);
        (void)shutdown(bufferevent_getfd(connection), SHUT_RDWR);
    } else if (text[0] != '\0') {
        (void)bufferevent_write(connection, text, strlen(text));
    }
}

static void on_read(struct bufferevent *connection, void *arg)
{
    struct fake_redis *fake = arg;
    struct evbuffer *input = bufferevent_get_input(connection);
    size_t size = evbuffer_get_length(input);
    strbuf_add(&fake->received, evbuffer_pullup(input, -1), size);
    (void)evbuffer_drain(input, size);
    fake->reads++;
    say(connection, fake->reads == 1 ? fake->greeting : fake->answer);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int size, void *arg)
{
    (void)listener;
    (void)address;
    (void)size;
    struct fake_redis *fake = arg;
    assert_true(fake->count < CONNECTIONS_MAX);
    struct bufferevent *connection =
        bufferevent_socket_new(loop_base(fake->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    fake->connections[fake->count++] = connection;
    fake->reads = 0;
    strbuf_reset(&fake->received);
    bufferevent_setcb(connection, on_read, NULL, NULL, fake);
    /* A read of ours takes all that one write of the client brought. */
    (void)bufferevent_set_max_single_read(connection, READ_MAX);
    (void)bufferevent_enable(connection, EV_READ | EV_WRITE);
    if (fake->shout != NULL) {
        say(connection, fake->shout);
    }
}

struct fake_redis *fake_redis_new(struct loop *loop, const struct temp_dir *dir)
{
    struct fake_redis *fake = mem_new(1, sizeof *fake);
    fake->loop = loop;
    fake->greeting = FAKE_REDIS_WELCOME;
    fake->answer = "";
    strbuf_init(&fake->received, RECEIVED_MAX);
    char *path = temp_dir_join(dir, "fake.sock");
    char address[SOCKET_ADDRESS_SIZE];
    (void)snprintf(address, sizeof address, "unix:%s", path);
    (void)snprintf(fake->url, sizeof fake->url, "unix://%s", path);
    mem_free(path);
    char bound[SOCKET_ADDRESS_SIZE];
    int fd = socket_listen(address, bound);
    assert_true(fd >= 0);
    assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
    fake->listener =
        evconnlistener_new(loop_base(loop), on_accept, fake, LEV_OPT_CLOSE_ON_FREE, 0, fd);
    assert_non_null(fake->listener);
    return fake;
}

void fake_redis_free(struct fake_redis *fake)
{
    if (fake == NULL) {
        return;
    }
    for (size_t i = 0; i < fake->count; i++) {
        bufferevent_free(fake->connections[i]);
    }
    evconnlistener_free(fake->listener);
    strbuf_clear(&fake->received);
    mem_free(fake);
}

const char *fake_redis_url(const struct fake_redis *fake)
{
    return fake->url;
}

void fake_redis_greet(struct fake_redis *fake, const char *answer)
{
    fake->greeting = answer;
}

void fake_redis_answer(struct fake_redis *fake, const char *answer)
{
    fake->answer = answer;
}

void fake_redis_shout(struct fake_redis *fake, const char *bytes)
{
    fake->shout = bytes;
}

void fake_redis_send(struct fake_redis *fake, const void *bytes, size_t size)
{
    assert_true(fake->count > 0);
    (void)bufferevent_write(fake->connections[fake->count - 1], bytes, size);
}

bool fake_redis_is_flushed(const struct fake_redis *fake)
{
    return evbuffer_get_length(bufferevent_get_output(fake->connections[fake->count - 1])) == 0;
}

size_t fake_redis_reads(const struct fake_redis *fake)
{
    return fake->reads;
}

const char *fake_redis_received(const struct fake_redis *fake)
{
    return fake->received.bytes;
}

size_t fake_redis_connections(const struct fake_redis *fake)
{
    return fake->count;
}
