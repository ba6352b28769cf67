/* Where a server listens, as text: "host:port", "[v6]:port" or "unix:/path". */
#ifndef OMNIHOOK_COMMON_LISTEN_ADDRESS_H
#define OMNIHOOK_COMMON_LISTEN_ADDRESS_H

#include "common/error.h"

/* Zeroed = off. Pair with listen_address_clear. */
struct listen_address {
    char *text;           /* as given; owned; NULL = off */
    char *host;           /* owned; NULL for a unix socket */
    int port;             /* 0 = any free one */
    char *path;           /* owned; of a unix socket, else NULL */
    const char *variable; /* static: the one that it is from, for errors; NULL = none */
    bool is_default;      /* nobody asked for it: in use = a warning, not an error */
};

/* False, and address zeroed, when text is none. Whether the host exists shows when one listens. */
MUST_CHECK bool listen_address_parse(struct listen_address *address, const char *text);
void listen_address_clear(struct listen_address *address);

#endif
