/* Tells the hosts that only this machine or its own network reach, as far as the name shows it. */
#ifndef OMNIHOOK_COMMON_PRIVATE_HOST_H
#define OMNIHOOK_COMMON_PRIVATE_HOST_H

#include <stdbool.h>

/* host as url_parse gives it: a name, an IPv4 address, or an IPv6 address without brackets. */
bool host_is_private(const char *host);

#endif
