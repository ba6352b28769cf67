/* Opens the sockets that our servers accept on: TCP over IPv4 or IPv6, or a unix socket. */
#ifndef OMNIHOOK_COMMON_LISTEN_SOCKET_H
#define OMNIHOOK_COMMON_LISTEN_SOCKET_H

#include "common/error.h"
#include "common/service_config.h"

/* Returns a listening, non-blocking descriptor (the caller's to close), or -1 and err:
   ERROR_FULL when the address is taken, else ERROR_SYSTEM or ERROR_NOT_FOUND. May wait for the
   resolver: for the start only.

   A unix socket's file is made with mode 0660; one that is left over is replaced when nobody
   answers on it. */
MUST_CHECK int listen_socket_open(const struct listen_address *address, struct error *err);

/* One listening socket for each of several processes that share an address. Their parent opens all
   and keeps them open until it is told to stop: connections that wait for a process which stops, or
   has died, are then not lost but wait for the next one. */
struct listen_sockets {
    int *descriptors; /* owned */
    size_t count;
    bool is_inherited;
};

/* Errors are those of listen_socket_open. Of a TCP port each socket has its own queue of
   connections (SO_REUSEPORT); a unix socket, and one that is inherited, has one queue that all take
   from. An inherited socket is used whatever address says. Pair with listen_sockets_close. */
MUST_CHECK bool listen_sockets_open(struct listen_sockets *sockets,
                                    const struct listen_address *address, size_t count,
                                    struct error *err);
/* In the process that number index is for: gives its descriptor to the caller and closes the
   others. */
int listen_sockets_take(struct listen_sockets *sockets, size_t index);
void listen_sockets_close(struct listen_sockets *sockets);

/* Whoever started this process has passed it a socket, by the protocol of systemd's socket
   activation (sd_listen_fds(3)): exactly one, descriptor 3, when LISTEN_PID is this process. */
bool listen_socket_is_inherited(void);

/* Removes the file of a unix socket that this process has opened; nothing for TCP. To be called
   while the socket still listens: a file on which nobody does is taken for one that is left over,
   and may be a successor's from then on. */
void listen_socket_remove(const struct listen_address *address);

enum { LISTEN_SOCKET_NAME_SIZE = 160 };

/* What clients connect to, with the port that the system chose: "127.0.0.1:8080", "[::1]:8080",
   "unix:/path". Returns name. */
char *listen_socket_name(char name[LISTEN_SOCKET_NAME_SIZE], int descriptor);

#endif
