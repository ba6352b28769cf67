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

/* For several processes that share an address. Their parent reserves it, with the errors of
   listen_socket_open, and keeps the descriptor open; each child then opens its own. Of a TCP port
   each has its own queue of connections (SO_REUSEPORT: the system deals them out evenly); a unix
   socket has one queue, that all take from. */
MUST_CHECK int listen_socket_reserve(const struct listen_address *address, struct error *err);
MUST_CHECK int listen_socket_open_reserved(int reserved, const struct listen_address *address,
                                           struct error *err);

/* Removes the file of a unix socket that this process has opened; nothing for TCP. */
void listen_socket_remove(const struct listen_address *address);

enum { LISTEN_SOCKET_NAME_SIZE = 160 };

/* What clients connect to, with the port that the system chose: "127.0.0.1:8080", "[::1]:8080",
   "unix:/path". Returns name. */
char *listen_socket_name(char name[LISTEN_SOCKET_NAME_SIZE], int descriptor);

#endif
