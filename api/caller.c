#include "api/caller.h"

#include "api/peer.h"

#include <string.h>

/* More proxies than anybody has in a row, and more headers than any proxy sends. */
enum { HOPS_MAX = 16, HEADERS_MAX = 16 };

static const char white_space[] = " \t";

/* Drops a port: "192.0.2.1:1234", "[2001:db8::1]:1234", "[2001:db8::1]". */
static void drop_port(const char **text, size_t *size)
{
    const char *colon = memchr(*text, ':', *size);
    if (*size > 0 && (*text)[0] == '[') {
        const char *end = memchr(*text, ']', *size);
        if (end != NULL) {
            *size = (size_t)(end - *text) - 1;
            (*text)++;
        }
    } else if (colon != NULL &&
               memchr(colon + 1, ':', *size - (size_t)(colon + 1 - *text)) == NULL) {
        *size = (size_t)(colon - *text);
    }
}

static bool parse_element(const char *text, size_t size, struct ip_address *address)
{
    while (size > 0 && strchr(white_space, text[0]) != NULL) {
        text++;
        size--;
    }
    while (size > 0 && strchr(white_space, text[size - 1]) != NULL) {
        size--;
    }
    drop_port(&text, &size);
    return ip_address_parse(address, text, size);
}

/* Takes the last element off the first *size bytes of list; false when there is none, or when it is
   no address. */
static bool take_last(const char *list, size_t *size, struct ip_address *address)
{
    size_t start = *size;
    while (start > 0 && list[start - 1] != ',') {
        start--;
    }
    bool is_address = parse_element(list + start, *size - start, address);
    *size = start == 0 ? 0 : start - 1;
    return is_address;
}

void caller_address_behind(const struct ip_address *peer, const char *const *forwarded,
                           size_t count, const struct ip_ranges *trusted,
                           struct ip_address *address)
{
    struct ip_address found = *peer;
    size_t header = count;
    size_t left = 0; /* bytes of forwarded[header] that were not looked at */
    for (int hops = 0; hops < HOPS_MAX && ip_ranges_have(trusted, &found); hops++) {
        if (left == 0) {
            if (header == 0) {
                break;
            }
            header--;
            left = strlen(forwarded[header]);
        }
        struct ip_address before;
        if (!take_last(forwarded[header], &left, &before)) {
            break;
        }
        found = before;
    }
    peer_address_cut(&found);
    *address = found;
}

void caller_address(const struct request *request, const struct ip_ranges *trusted,
                    struct ip_address *address)
{
    struct ip_address peer;
    const char *forwarded[HEADERS_MAX];
    request_peer(request, &peer);
    size_t count = request_last_headers(request, "X-Forwarded-For", forwarded, HEADERS_MAX);
    caller_address_behind(&peer, forwarded, count, trusted, address);
}
