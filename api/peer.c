#include "api/peer.h"

#include <string.h>
#include <sys/socket.h>

enum { NETWORK_BYTES = 8 };

void peer_address(struct ip_address *address, int descriptor)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } name = {.storage = {.ss_family = AF_UNSPEC}};
    socklen_t size = sizeof name;
    (void)getpeername(descriptor, &name.any, &size);
    ip_address_of(address, &name.any);
}

void peer_address_cut(struct ip_address *address)
{
    if (!ip_address_is_ipv4(address)) {
        memset(address->bytes + NETWORK_BYTES, 0, sizeof address->bytes - NETWORK_BYTES);
    }
}
