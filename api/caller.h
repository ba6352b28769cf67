/* Where a call comes from, as far as it can be believed. */
#ifndef OMNIHOOK_API_CALLER_H
#define OMNIHOOK_API_CALLER_H

#include "api/request.h"
#include "common/ip_range.h"

/* The peer of the connection; or, while that is a trusted proxy, the address before it in
   X-Forwarded-For, whose last element was written by the nearest proxy. What stands left of an
   address that is not trusted, or that is no address, is hearsay and not looked at. An IPv6 address
   is cut to its /64, which one caller has as a whole. */
void caller_address(const struct request *request, const struct ip_ranges *trusted,
                    struct ip_address *address);

/* The same, of peer and the X-Forwarded-For headers in their order. Pure. */
void caller_address_behind(const struct ip_address *peer, const char *const *forwarded,
                           size_t count, const struct ip_ranges *trusted,
                           struct ip_address *address);

#endif
