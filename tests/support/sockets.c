#include "tests/support/sockets.h"

#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_un unix_path;
        struct sockaddr_in ipv4;
    } name;
    socklen_t size;
};

static struct address parse_address(const char *text)
{
    struct address address = {.size = 0};
    if (strncmp(text, "unix:", 5) == 0) {
        assert_true(strlen(text + 5) < sizeof address.name.unix_path.sun_path);
        address.name.unix_path.sun_family = AF_UNIX;
        (void)snprintf(address.name.unix_path.sun_path, sizeof address.name.unix_path.sun_path,
                       "%s", text + 5);
        address.size = sizeof address.name.unix_path;
        return address;
    }
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        fail_because("not an address: %s", text);
    }
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    address.name.ipv4.sin_family = AF_INET;
    address.name.ipv4.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &address.name.ipv4.sin_addr) != 1) {
        fail_because("not an IPv4 address: %s", text);
    }
    address.size = sizeof address.name.ipv4;
    return address;
}

/* Closes fd without losing the errno of what failed before. */
static int give_up(int fd)
{
    int cause = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = cause;
    return -1;
}

int socket_connect(const char *address)
{
    return socket_connect_from(NULL, address);
}

int socket_connect_from(const char *source, const char *address)
{
    struct address to = parse_address(address);
    int fd = socket(to.name.any.sa_family, SOCK_STREAM, 0);
    struct address from = {.size = 0};
    if (source != NULL) {
        char text[SOCKET_ADDRESS_SIZE];
        (void)snprintf(text, sizeof text, "%s:0", source);
        from = parse_address(text);
    }
    if (fd < 0 || (source != NULL && bind(fd, &from.name.any, from.size) != 0) ||
        connect(fd, &to.name.any, to.size) != 0) {
        return give_up(fd);
    }
    return fd;
}

int socket_listen(const char *address, char bound[SOCKET_ADDRESS_SIZE])
{
    struct address at = parse_address(address);
    bool is_unix = at.name.any.sa_family == AF_UNIX;
    if (is_unix) {
        (void)unlink(at.name.unix_path.sun_path);
    }
    int on = 1;
    int fd = socket(at.name.any.sa_family, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, &at.name.any, at.size) != 0 || listen(fd, BACKLOG) != 0) {
        return give_up(fd);
    }
    if (is_unix) {
        (void)snprintf(bound, SOCKET_ADDRESS_SIZE, "%s", address);
        return fd;
    }
    char host[INET_ADDRSTRLEN];
    if (getsockname(fd, &at.name.any, &at.size) != 0 ||
        inet_ntop(AF_INET, &at.name.ipv4.sin_addr, host, sizeof host) == NULL) {
        return give_up(fd);
    }
    (void)snprintf(bound, SOCKET_ADDRESS_SIZE, "%s:%u", host, ntohs(at.name.ipv4.sin_port));
    return fd;
}

uint16_t socket_free_port(void)
{
    char bound[SOCKET_ADDRESS_SIZE];
    int fd = socket_listen("127.0.0.1:0", bound);
    if (fd < 0) {
        fail_because("no free port: %s", strerror(errno));
    }
    (void)close(fd);
    return (uint16_t)strtoul(strrchr(bound, ':') + 1, NULL, 10);
}
