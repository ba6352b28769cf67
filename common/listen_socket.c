#include "common/listen_socket.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    UNIX_SOCKET_MODE = 0660,
    LOCK_TRIES = 100, /* a second: whoever starts needs less than a millisecond */
    LOCK_PAUSE_NS = 10 * 1000 * 1000,
};

union socket_name {
    struct sockaddr any;
    struct sockaddr_storage storage;
    struct sockaddr_un path;
};

static bool make_non_blocking(int descriptor)
{
    int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

static bool switch_on(int descriptor, int level, int option)
{
    const int on = 1;
    return setsockopt(descriptor, level, option, &on, sizeof on) == 0;
}

static void set_failure(const struct listen_address *address, enum error_code code,
                        const char *reason, struct error *err)
{
    error_set(err, code, "%s%scannot listen on %s: %s",
              address->variable == NULL ? "" : address->variable,
              address->variable == NULL ? "" : ": ", address->text, reason);
}

/* Reports what errno says about address. */
static int tell_failure(const struct listen_address *address, struct error *err)
{
    set_failure(address, errno == EADDRINUSE ? ERROR_FULL : ERROR_SYSTEM, strerror(errno), err);
    return -1;
}

/* Keeps errno. -1 is legal. */
static int close_failed(int descriptor)
{
    int number = errno;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    errno = number;
    return -1;
}

/* A bound socket that does not listen yet. Accepted sockets inherit TCP_NODELAY: an answer is one
   write, and must not wait for the acknowledgement of the answer before it. */
static int bind_tcp(const struct sockaddr *name, socklen_t size, bool is_shared)
{
    int descriptor = socket(name->sa_family, SOCK_STREAM, 0);
    bool is_bound = descriptor >= 0 && make_non_blocking(descriptor) &&
                    switch_on(descriptor, SOL_SOCKET, SO_REUSEADDR) &&
                    switch_on(descriptor, IPPROTO_TCP, TCP_NODELAY) &&
                    (!is_shared || switch_on(descriptor, SOL_SOCKET, SO_REUSEPORT)) &&
                    bind(descriptor, name, size) == 0;
    return is_bound ? descriptor : close_failed(descriptor);
}

static int listen_on(int descriptor)
{
    return descriptor >= 0 && listen(descriptor, BACKLOG) == 0 ? descriptor
                                                               : close_failed(descriptor);
}

/* NULL and err when there is no such host. To be freed by freeaddrinfo. */
static struct addrinfo *resolve(const struct listen_address *address, struct error *err)
{
    char port[16];
    (void)snprintf(port, sizeof port, "%d", address->port);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(address->host, port, &hints, &found);
    if (status != 0) {
        set_failure(address, ERROR_NOT_FOUND, gai_strerror(status), err);
        return NULL;
    }
    return found;
}

/* The first of found that this host has, in *used ("localhost" may be ::1 first where IPv6 is off).
   One that is taken is not passed over: our callers would meet whoever has it. */
static int open_first(const struct addrinfo *found, const struct addrinfo **used)
{
    int descriptor = -1;
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next) {
        *used = one;
        descriptor = listen_on(bind_tcp(one->ai_addr, one->ai_addrlen, false));
        if (descriptor >= 0 || errno == EADDRINUSE) {
            break;
        }
    }
    return descriptor;
}

static int open_tcp(const struct listen_address *address, struct error *err)
{
    struct addrinfo *found = resolve(address, err);
    if (found == NULL) {
        return -1;
    }
    const struct addrinfo *used = NULL;
    int descriptor = open_first(found, &used);
    if (descriptor < 0) {
        (void)tell_failure(address, err);
    }
    freeaddrinfo(found);
    return descriptor;
}

/* Whether name is a socket file that a dead process has left behind. One whose owner has no room
   for another connection now (EAGAIN) is not. */
static bool is_left_over(const struct sockaddr_un *name)
{
    struct stat status;
    if (lstat(name->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return false;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM, 0);
    if (probe < 0) {
        return false;
    }
    bool is_refused = make_non_blocking(probe) &&
                      connect(probe, (const struct sockaddr *)name, sizeof *name) != 0 &&
                      errno == ECONNREFUSED;
    (void)close(probe);
    return is_refused;
}

static int bind_unix(const struct sockaddr_un *name)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    /* The mode is set before listen: nobody can connect under the wider mode that the umask may
       have given the file. */
    bool is_bound = descriptor >= 0 && make_non_blocking(descriptor) &&
                    bind(descriptor, (const struct sockaddr *)name, sizeof *name) == 0 &&
                    chmod(name->sun_path, UNIX_SOCKET_MODE) == 0;
    return is_bound ? descriptor : close_failed(descriptor);
}

/* Processes that start at once do it one by one, for as long as they have the lock of the socket's
   folder: between bind and listen a socket looks left over, and two that find one left over would
   remove it, and then each other's. The lock ends with the descriptor; no file is made for it.
   -1 when it cannot be had (a folder that we may not read, or somebody who keeps it): then we do
   without, and do not wait for long. */
static int lock_folder(const struct sockaddr_un *name)
{
    struct sockaddr_un folder = *name;
    char *last_slash = strrchr(folder.sun_path, '/');
    if (last_slash == NULL) {
        return -1;
    }
    last_slash[1] = '\0';
    int descriptor = open(folder.sun_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int tries = 1; descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (tries == LOCK_TRIES) {
            return close_failed(descriptor);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return descriptor;
}

static int open_unix(const struct listen_address *address, struct error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t size = strlen(address->path) + 1;
    if (size > sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        return tell_failure(address, err);
    }
    memcpy(name.sun_path, address->path, size);

    int lock = lock_folder(&name);
    if (is_left_over(&name)) {
        (void)unlink(name.sun_path);
    }
    int descriptor = listen_on(bind_unix(&name));
    (void)close_failed(lock);
    return descriptor >= 0 ? descriptor : tell_failure(address, err);
}

int listen_socket_open(const struct listen_address *address, struct error *err)
{
    return address->path != NULL ? open_unix(address, err) : open_tcp(address, err);
}

/* ---- Several processes on one address ---- */

enum { INHERITED_DESCRIPTOR = 3 }; /* sd_listen_fds(3): the first that is passed */

static bool is_number(const char *text, long number)
{
    char expected[24];
    (void)snprintf(expected, sizeof expected, "%ld", number);
    return text != NULL && strcmp(text, expected) == 0;
}

bool listen_socket_is_inherited(void)
{
    return is_number(getenv("LISTEN_PID"), (long)getpid()) && is_number(getenv("LISTEN_FDS"), 1);
}

static int open_inherited(struct error *err)
{
    int is_listening = 0;
    socklen_t size = sizeof is_listening;
    int got = getsockopt(INHERITED_DESCRIPTOR, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size);
    if (got != 0 || is_listening == 0 || !make_non_blocking(INHERITED_DESCRIPTOR)) {
        error_set(err, ERROR_SYSTEM, "LISTEN_FDS: descriptor 3 is not a socket that listens");
        return -1;
    }
    (void)switch_on(INHERITED_DESCRIPTOR, IPPROTO_TCP, TCP_NODELAY); /* fails on a unix socket */
    return INHERITED_DESCRIPTOR;
}

/* One queue of connections that all take from. */
static bool share(struct listen_sockets *sockets, int descriptor, size_t count)
{
    sockets->descriptors[sockets->count++] = descriptor;
    while (sockets->count < count) {
        int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            return false;
        }
        sockets->descriptors[sockets->count++] = copy;
    }
    return true;
}

/* Each with a queue of its own: the system deals the connections out evenly. */
static bool open_shared_tcp(struct listen_sockets *sockets, const struct listen_address *address,
                            size_t count, struct error *err)
{
    /* With SO_REUSEPORT we would share the port even with another service of the same user: so it
       is tried without first. */
    struct addrinfo *found = resolve(address, err);
    if (found == NULL) {
        return false;
    }
    const struct addrinfo *used = NULL;
    int probe = open_first(found, &used);
    if (probe < 0) {
        (void)tell_failure(address, err);
        freeaddrinfo(found);
        return false;
    }
    (void)close(probe);
    union socket_name name = {.storage = {0}};
    socklen_t size = used->ai_addrlen;
    memcpy(&name, used->ai_addr, size);
    freeaddrinfo(found);
    while (sockets->count < count) {
        int descriptor = listen_on(bind_tcp(&name.any, size, true));
        if (descriptor < 0) {
            return tell_failure(address, err) == 0;
        }
        sockets->descriptors[sockets->count++] = descriptor;
        /* When the port was 0: the others take the one that the system chose. */
        if (getsockname(descriptor, &name.any, &size) != 0) {
            return tell_failure(address, err) == 0;
        }
    }
    return true;
}

bool listen_sockets_open(struct listen_sockets *sockets, const struct listen_address *address,
                         size_t count, struct error *err)
{
    *sockets = (struct listen_sockets){.descriptors = mem_new(count, sizeof *sockets->descriptors),
                                       .is_inherited = listen_socket_is_inherited()};
    if (!sockets->is_inherited && address->path == NULL) {
        if (open_shared_tcp(sockets, address, count, err)) {
            return true;
        }
    } else {
        int descriptor = sockets->is_inherited ? open_inherited(err) : open_unix(address, err);
        if (descriptor >= 0 && share(sockets, descriptor, count)) {
            return true;
        }
        if (descriptor >= 0) {
            (void)tell_failure(address, err);
        }
    }
    listen_sockets_close(sockets);
    return false;
}

int listen_sockets_take(struct listen_sockets *sockets, size_t index)
{
    int taken = sockets->descriptors[index];
    sockets->descriptors[index] = -1;
    listen_sockets_close(sockets);
    return taken;
}

void listen_sockets_close(struct listen_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->descriptors[i] >= 0) {
            (void)close(sockets->descriptors[i]);
        }
    }
    mem_free(sockets->descriptors);
    *sockets = (struct listen_sockets){.is_inherited = sockets->is_inherited};
}

void listen_socket_remove(const struct listen_address *address)
{
    if (address->path != NULL) {
        (void)unlink(address->path);
    }
}

char *listen_socket_name(char name[LISTEN_SOCKET_NAME_SIZE], int descriptor)
{
    union socket_name address = {.storage = {0}};
    socklen_t size = sizeof address;
    char host[LISTEN_SOCKET_NAME_SIZE - sizeof "[]:65535"];
    char port[sizeof "65535"];

    if (getsockname(descriptor, &address.any, &size) != 0) {
        (void)snprintf(name, LISTEN_SOCKET_NAME_SIZE, "unknown");
    } else if (address.any.sa_family == AF_UNIX) {
        (void)snprintf(name, LISTEN_SOCKET_NAME_SIZE, "unix:%s", address.path.sun_path);
    } else if (getnameinfo(&address.any, size, host, sizeof host, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        (void)snprintf(name, LISTEN_SOCKET_NAME_SIZE, "unknown");
    } else {
        bool is_v6 = address.any.sa_family == AF_INET6;
        (void)snprintf(name, LISTEN_SOCKET_NAME_SIZE, "%s%s%s:%s", is_v6 ? "[" : "", host,
                       is_v6 ? "]" : "", port);
    }
    return name;
}
