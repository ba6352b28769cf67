/* Who is at the other end of a connection. */
#ifndef OMNIHOOK_API_PEER_H
#define OMNIHOOK_API_PEER_H

#include "common/ip_range.h"

/* None when it is no IP address, or gone. */
void peer_address(struct ip_address *address, int descriptor);

/* An IPv6 address is cut to its /64, which one caller has as a whole. */
void peer_address_cut(struct ip_address *address);

#endif
