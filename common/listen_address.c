#include "common/listen_address.h"

#include "common/mem.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { PORT_MAX = 65535, PORT_MAX_DIGITS = 5 };

static bool parse_port(const char *text, int *port)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > PORT_MAX_DIGITS || text[digits] != '\0') {
        return false;
    }
    *port = (int)strtol(text, NULL, 10);
    return *port <= PORT_MAX;
}

static bool is_host(const char *host)
{
    for (const char *c = host; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr(".-_", *c) == NULL) {
            return false;
        }
    }
    return host[0] != '\0';
}

static bool is_v6(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, host, &address) == 1;
}

static bool parse_unix(struct listen_address *address, const char *path)
{
    address->path = mem_copy_text(path);
    return path[0] == '/' && strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path;
}

static bool parse_inet(struct listen_address *address, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !parse_port(colon + 1, &address->port)) {
        return false;
    }
    size_t size = (size_t)(colon - text);
    bool has_brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    address->host = has_brackets ? mem_copy_bytes(text + 1, size - 2) : mem_copy_bytes(text, size);
    return has_brackets ? is_v6(address->host) : is_host(address->host);
}

bool listen_address_parse(struct listen_address *address, const char *text)
{
    *address = (struct listen_address){.text = mem_copy_text(text)};
    static const char unix_prefix[] = "unix:";
    bool is_unix = strncmp(text, unix_prefix, sizeof unix_prefix - 1) == 0;
    bool is_good =
        is_unix ? parse_unix(address, text + sizeof unix_prefix - 1) : parse_inet(address, text);
    if (!is_good) {
        listen_address_clear(address);
    }
    return is_good;
}

void listen_address_clear(struct listen_address *address)
{
    mem_free(address->text);
    mem_free(address->host);
    mem_free(address->path);
    *address = (struct listen_address){0};
}
