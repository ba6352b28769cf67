#include "common/ops_probe.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LIMIT_S = 3, ANSWER_BYTES_MAX = 4096, STATUS_OK = 200 };

/* One alarm limits name look-up, connecting and reading alike. */
static void on_limit(int number)
{
    static const char text[] = "no answer within 3 seconds\n";
    (void)number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(written < 0 ? EXIT_FAILURE : 1);
}

static int connect_name(const struct sockaddr *name, socklen_t size)
{
    int descriptor = socket(name->sa_family, SOCK_STREAM, 0);
    if (descriptor >= 0 && connect(descriptor, name, size) != 0) {
        int number = errno;
        (void)close(descriptor);
        errno = number;
        descriptor = -1;
    }
    return descriptor;
}

static int connect_unix(const struct listen_address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    /* Its length was checked when the address was parsed. */
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", address->path);
    return connect_name((const struct sockaddr *)&name, sizeof name);
}

/* Of a listener on all addresses (0.0.0.0, ::), connecting to that address reaches this machine. */
static int connect_tcp(const struct listen_address *address)
{
    char port[16];
    (void)snprintf(port, sizeof port, "%d", address->port);
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(address->host, port, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int descriptor = connect_name(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return descriptor;
}

static bool ask(int descriptor, const char *path)
{
    char request[128];
    /* In HTTP/1.0 the server closes the connection after its answer. */
    int size =
        snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    return send(descriptor, request, (size_t)size, MSG_NOSIGNAL) == size;
}

/* All that fits, 0-terminated. */
static void read_answer(int descriptor, char answer[ANSWER_BYTES_MAX])
{
    size_t size = 0;
    ssize_t got = 0;
    do {
        got = recv(descriptor, answer + size, ANSWER_BYTES_MAX - 1 - size, 0);
        size += got > 0 ? (size_t)got : 0;
    } while (got > 0 && size < ANSWER_BYTES_MAX - 1);
    answer[size] = '\0';
}

static bool tell_answer(const char *name, char *answer)
{
    static const char version[] = "HTTP/1.";
    static const char head_end[] = "\r\n\r\n";
    char *body = strstr(answer, head_end);
    if (strncmp(answer, version, sizeof version - 1) != 0 || body == NULL) {
        (void)fprintf(stderr, "%s: what answers is no ops listener\n", name);
        return false;
    }
    long status = strtol(answer + sizeof version, NULL, 10);
    body += sizeof head_end - 1;
    body[strcspn(body, "\r\n")] = '\0';
    (void)fprintf(status == STATUS_OK ? stdout : stderr, "%s: %ld %s\n", name, status, body);
    return status == STATUS_OK;
}

bool ops_probe(const char *name, const struct listen_address *address, const char *path)
{
    bool is_unix = address->path != NULL;
    if (address->text == NULL || (!is_unix && address->port == 0)) {
        (void)fprintf(stderr, "%s: nobody to ask: OMNIHOOK_OPS_LISTEN is %s\n", name,
                      address->text == NULL ? "off" : address->text);
        return false;
    }
    (void)signal(SIGALRM, on_limit);
    (void)alarm(LIMIT_S);
    int descriptor = is_unix ? connect_unix(address) : connect_tcp(address);
    if (descriptor < 0 || !ask(descriptor, path)) {
        (void)fprintf(stderr, "%s: cannot ask %s: %s\n", name, address->text, strerror(errno));
        return false; /* the process ends: so does the socket */
    }
    char answer[ANSWER_BYTES_MAX];
    read_answer(descriptor, answer);
    (void)close(descriptor);
    return tell_answer(name, answer);
}
