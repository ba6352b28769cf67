#include "common/ip_range.h"

#include "common/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { IPV4_OFFSET = 12, IPV4_BITS = 32, ALL_BITS = 128 };

static const unsigned char ipv4_prefix[IPV4_OFFSET] = {[10] = 0xff, [11] = 0xff};
static const struct ip_address none;

bool ip_address_is_ipv4(const struct ip_address *address)
{
    return memcmp(address->bytes, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

static void set_ipv4(struct ip_address *address, const struct in_addr *ipv4)
{
    memcpy(address->bytes, ipv4_prefix, sizeof ipv4_prefix);
    memcpy(address->bytes + IPV4_OFFSET, ipv4, sizeof *ipv4);
}

bool ip_address_parse(struct ip_address *address, const char *text, size_t size)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr ipv4;
    if (size >= sizeof copy || memchr(text, '\0', size) != NULL) {
        return false;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET, copy, &ipv4) == 1) {
        set_ipv4(address, &ipv4);
        return true;
    }
    return inet_pton(AF_INET6, copy, address->bytes) == 1;
}

void ip_address_of(struct ip_address *address, const struct sockaddr *name)
{
    *address = none;
    if (name->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, name, sizeof ipv4);
        set_ipv4(address, &ipv4.sin_addr);
    } else if (name->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, name, sizeof ipv6);
        memcpy(address->bytes, &ipv6.sin6_addr, sizeof address->bytes);
    }
}

bool ip_range_has(const struct ip_range *range, const struct ip_address *address)
{
    unsigned whole = range->prefix / 8;
    unsigned rest = range->prefix % 8;
    if (memcmp(range->address.bytes, address->bytes, whole) != 0) {
        return false;
    }
    unsigned difference =
        rest == 0 ? 0U : (unsigned)(range->address.bytes[whole] ^ address->bytes[whole]);
    return difference >> (8 - rest) == 0;
}

/* "10.0.0.0/8" or "10.0.0.1", size bytes. */
static bool parse_range(struct ip_range *range, const char *text, size_t size)
{
    const char *slash = memchr(text, '/', size);
    size_t address_size = slash == NULL ? size : (size_t)(slash - text);
    if (!ip_address_parse(&range->address, text, address_size)) {
        return false;
    }
    unsigned bits = ip_address_is_ipv4(&range->address) ? IPV4_BITS : ALL_BITS;
    unsigned prefix = slash == NULL ? bits : 0;
    const char *digit = slash == NULL ? text + size : slash + 1;
    if (digit == text + size && slash != NULL) {
        return false;
    }
    for (; digit < text + size; digit++) {
        if (*digit < '0' || *digit > '9' || prefix > bits) {
            return false;
        }
        prefix = prefix * 10 + (unsigned)(*digit - '0');
    }
    range->prefix = prefix + ALL_BITS - bits;
    return prefix <= bits;
}

bool ip_ranges_parse(struct ip_ranges *ranges, const char *list, const char *place,
                     struct faults *faults)
{
    static const char space[] = " \t\r\n";
    bool is_good = true;
    size_t elements = 1;
    for (const char *c = list; *c != '\0'; c++) {
        elements += *c == ',' ? 1 : 0;
    }
    *ranges = (struct ip_ranges){.ranges = mem_new(elements, sizeof *ranges->ranges)};
    const char *at = list;
    for (size_t i = 0; i < elements; i++, at += *at == ',' ? 1 : 0) {
        at += strspn(at, space);
        size_t size = strcspn(at, ",");
        const char *end = at + size;
        while (size > 0 && strchr(space, at[size - 1]) != NULL) {
            size--;
        }
        if (size == 4 && memcmp(at, "unix", size) == 0) {
            ranges->has_unix = true;
        } else if (parse_range(&ranges->ranges[ranges->count], at, size)) {
            ranges->count++;
        } else {
            faults_add(faults,
                       "%s[%zu]: must be an IP address, a network such as 10.0.0.0/8, or unix",
                       place, i);
            is_good = false;
        }
        at = end;
    }
    return is_good;
}

void ip_ranges_clear(struct ip_ranges *ranges)
{
    mem_free(ranges->ranges);
    *ranges = (struct ip_ranges){0};
}

bool ip_ranges_have(const struct ip_ranges *ranges, const struct ip_address *address)
{
    if (memcmp(address, &none, sizeof none) == 0) {
        return ranges->has_unix;
    }
    for (size_t i = 0; i < ranges->count; i++) {
        if (ip_range_has(&ranges->ranges[i], address)) {
            return true;
        }
    }
    return false;
}
