/* Plain blocking sockets by address: "unix:/path" or "host:port", as OMNIHOOK_LISTEN has them. */
#ifndef OMNIHOOK_TESTS_SUPPORT_SOCKETS_H
#define OMNIHOOK_TESTS_SUPPORT_SOCKETS_H

#include <stdint.h>

enum { SOCKET_ADDRESS_SIZE = 160 };

/* A connected descriptor, or -1 with errno set when nobody listens there. */
int socket_connect(const char *address);
/* The same, from an IPv4 address of this host. */
int socket_connect_from(const char *source, const char *address);

/* A listening descriptor, or -1 with errno set. Port 0 takes a free one; a stale unix socket file
   is replaced. bound gets the address to connect to. */
int socket_listen(const char *address, char bound[SOCKET_ADDRESS_SIZE]);

/* A TCP port of 127.0.0.1 that was free just now: whoever binds it must be ready to try again. */
uint16_t socket_free_port(void);

#endif
