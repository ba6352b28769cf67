#include "common/private_host.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* IANA's special-purpose registries, as far as they are not globally reachable. */
static const struct network {
    uint32_t address;
    unsigned prefix;
} networks[] = {
    {0x00000000, 8},  /* 0.0.0.0/8, this host */
    {0x0a000000, 8},  /* 10.0.0.0/8 */
    {0x64400000, 10}, /* 100.64.0.0/10, shared by a provider's customers */
    {0x7f000000, 8},  /* 127.0.0.0/8, loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0/16, link local */
    {0xac100000, 12}, /* 172.16.0.0/12 */
    {0xc0a80000, 16}, /* 192.168.0.0/16 */
};

static bool is_private_v4(uint32_t address)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        if ((address ^ networks[i].address) >> (32 - networks[i].prefix) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_private_v6(const struct in6_addr *address)
{
    const uint8_t *bytes = address->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        uint32_t v4;
        memcpy(&v4, bytes + 12, sizeof v4);
        return is_private_v4(ntohl(v4));
    }
    return IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_LOOPBACK(address) ||
           IN6_IS_ADDR_LINKLOCAL(address) || (bytes[0] & 0xfe) == 0xfc; /* fc00::/7, unique local */
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);
    size_t end_size = strlen(end);
    return size >= end_size && strcasecmp(text + size - end_size, end) == 0;
}

bool host_is_private(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return is_private_v4(ntohl(v4.s_addr));
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return is_private_v6(&v6);
    }
    return strcasecmp(host, "localhost") == 0 || ends_with(host, ".localhost") ||
           ends_with(host, ".local") || ends_with(host, ".internal");
}
