/* IP addresses and networks of them, IPv4 and IPv6, in one form. Pure. */
#ifndef OMNIHOOK_COMMON_IP_RANGE_H
#define OMNIHOOK_COMMON_IP_RANGE_H

#include "common/faults.h"

#include <stddef.h>

struct sockaddr;

/* An IPv6 address; an IPv4 one as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). All zero = none: the peer of
   a unix socket. */
struct ip_address {
    unsigned char bytes[16];
};

/* The first size bytes of text, without a port; false when they are no address. */
MUST_CHECK bool ip_address_parse(struct ip_address *address, const char *text, size_t size);
/* None for a family other than IP. */
void ip_address_of(struct ip_address *address, const struct sockaddr *name);
bool ip_address_is_ipv4(const struct ip_address *address);

struct ip_range {
    struct ip_address address;
    unsigned prefix; /* bits of address that count, of 128 */
};

bool ip_range_has(const struct ip_range *range, const struct ip_address *address);

/* Peers that are trusted. Zeroed = nobody. Pair with ip_ranges_clear. */
struct ip_ranges {
    struct ip_range *ranges; /* owned */
    size_t count;
    bool has_unix; /* whoever calls over a unix socket */
};

/* A comma list of addresses, networks ("10.0.0.0/8") and the word unix; white space around them is
   ignored. Adds one fault for each bad element, which starts with place and its number; false when
   one was added. */
bool ip_ranges_parse(struct ip_ranges *ranges, const char *list, const char *place,
                     struct faults *faults);
void ip_ranges_clear(struct ip_ranges *ranges);
bool ip_ranges_have(const struct ip_ranges *ranges, const struct ip_address *address);

#endif
