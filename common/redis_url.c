#include "common/redis_url.h"

#include "common/mem.h"
#include "common/redis_tls.h"
#include "common/redis_url_internal.h"
#include "common/strbuf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { PORT_MAX = 65535, DATABASE_MAX = 1000000, LABEL_MAX = 1024 };

/* A number of digits alone; -1 when it is none or over max. */
static int parse_number(const char *text, int max)
{
    int number = 0;
    if (*text == '\0') {
        return -1;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        number = number * 10 + (*text - '0');
        if (number > max) {
            return -1;
        }
    }
    return number;
}

bool redis_url_database(struct redis_address *address, const char *text, struct error *err)
{
    address->database = parse_number(text, DATABASE_MAX);
    return address->database >= 0 ||
           error_set(err, ERROR_BAD_INPUT, "the database must be a number from 0");
}

bool redis_url_credentials(struct redis_address *address, const struct url *url, struct error *err)
{
    bool has_user = url->user != NULL && url->user[0] != '\0';
    bool has_password = url->password != NULL && url->password[0] != '\0';
    if (has_user && !has_password) {
        return error_set(err, ERROR_BAD_INPUT, "a user without a password (write :password@)");
    }
    if (has_user) {
        address->user = mem_copy_text(url->user);
    }
    if (has_password) {
        secret_set(&address->password, url->password, strlen(url->password));
    }
    return true;
}

bool redis_url_port(const struct url *url, int default_port, int *port, struct error *err)
{
    *port = url->port == NULL ? default_port : parse_number(url->port, PORT_MAX);
    return *port > 0 || error_set(err, ERROR_BAD_INPUT, "the port must be 1 to %d", PORT_MAX);
}

static char *tcp_label(const char *host, int port)
{
    struct strbuf label;
    strbuf_init(&label, LABEL_MAX);
    strbuf_addf(&label, strchr(host, ':') == NULL ? "%s:%d" : "[%s]:%d", host, port);
    return strbuf_take(&label);
}

static bool read_tcp(struct redis_address *address, const struct url *url, struct error *err)
{
    if (url->host == NULL || url->host[0] == '\0') {
        return error_set(err, ERROR_BAD_INPUT, "no host");
    }
    if (url->query != NULL || url->fragment != NULL) {
        return error_set(err, ERROR_BAD_INPUT, "unknown options after '%c'",
                         url->query != NULL ? '?' : '#');
    }
    if (!redis_url_port(url, REDIS_PORT, &address->port, err)) {
        return false;
    }
    address->host = mem_copy_text(url->host);
    address->label = tcp_label(address->host, address->port);
    const char *path = url->path == NULL || url->path[0] == '\0' ? "/" : url->path;
    return strcmp(path, "/") == 0 || redis_url_database(address, path + 1, err);
}

static int hex_value(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit | 0x20);
    return found == NULL ? -1 : (int)(found - digits);
}

/* The byte that "%xy" stands for; -1 when it is no escape, or stands for the 0 byte. */
static int unescape(const char *escape)
{
    int high = hex_value(escape[1]);
    int low = high < 0 ? -1 : hex_value(escape[2]);
    return low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

/* In place. */
static bool percent_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        int byte = *from == '%' ? unescape(from) : (unsigned char)*from;
        if (byte < 0) {
            return false;
        }
        from += *from == '%' ? 2 : 0;
        *to++ = (char)byte;
    }
    *to = '\0';
    return true;
}

static bool read_unix(struct redis_address *address, const struct url *url, struct error *err)
{
    address->path = mem_copy_text(url->path == NULL ? "" : url->path);
    if (!percent_decode(address->path) || strlen(address->path) < 2) {
        return error_set(err, ERROR_BAD_INPUT, "no path of a socket (write unix:///path)");
    }
    /* hiredis cuts a path that is too long, and would connect to another. */
    if (strlen(address->path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return error_set(err, ERROR_BAD_INPUT, "the path of the socket is too long");
    }
    address->label = mem_copy_text(address->path);
    if (url->query == NULL) {
        return true;
    }
    if (strncmp(url->query, "db=", 3) != 0) {
        return error_set(err, ERROR_BAD_INPUT, "unknown options after '?'; only db=<number>");
    }
    return redis_url_database(address, url->query + 3, err);
}

/* unix://user:password@/path has no host, which a URL with credentials must have: one is put in. */
static char *with_host(const char *text)
{
    const char *authority = text + strlen("unix://");
    size_t size = strcspn(authority, "/?#");
    if (size == 0 || authority[size - 1] != '@') {
        return mem_copy_text(text);
    }
    struct strbuf url;
    strbuf_init(&url, strlen(text) + sizeof "localhost");
    strbuf_add(&url, text, (size_t)(authority + size - text));
    strbuf_add_text(&url, "localhost");
    strbuf_add_text(&url, authority + size);
    return strbuf_take(&url);
}

static bool parse_unix(struct redis_address *address, const char *text, struct error *err)
{
    const char *authority = text + strlen("unix://");
    size_t size = strcspn(authority, "/?#");
    if (size > 0 && authority[size - 1] != '@') {
        return error_set(err, ERROR_BAD_INPUT, "a unix socket has no host (write unix:///path)");
    }
    char *complete = with_host(text);
    struct url url = {0};
    bool is_good = url_parse(&url, complete, err);
    secret_wipe(complete, strlen(complete));
    mem_free(complete);
    is_good = is_good && redis_url_credentials(address, &url, err) && read_unix(address, &url, err);
    url_clear(&url);
    return is_good;
}

static bool parse_tcp(struct redis_address *address, const char *text, struct error *err)
{
    struct url url = {0};
    bool is_good = url_parse(&url, text, err) && redis_url_credentials(address, &url, err) &&
                   read_tcp(address, &url, err);
    url_clear(&url);
    return is_good;
}

static bool has_scheme(const char *text, const char *scheme)
{
    return strncmp(text, scheme, strlen(scheme)) == 0;
}

bool redis_address_parse(struct redis_address *address, const char *url, struct error *err)
{
    *address = (struct redis_address){0};
    if (has_scheme(url, "redis://")) {
        return parse_tcp(address, url, err);
    }
    if (has_scheme(url, "unix://")) {
        return parse_unix(address, url, err);
    }
    if (has_scheme(url, "rediss://")) {
        address->is_tls = true;
        return redis_tls_is_built_in(err) && parse_tcp(address, url, err);
    }
    if (has_scheme(url, "redis-sentinel://")) {
        return redis_url_parse_sentinels(address, url + strlen("redis-sentinel://"), err);
    }
    if (has_scheme(url, "rediss-sentinel://")) {
        address->is_tls = true;
        return redis_tls_is_built_in(err) &&
               redis_url_parse_sentinels(address, url + strlen("rediss-sentinel://"), err);
    }
    return error_set(err, ERROR_BAD_INPUT,
                     "must begin with redis://, rediss://, redis-sentinel:// or unix://");
}

void redis_address_clear(struct redis_address *address)
{
    mem_free(address->host);
    mem_free(address->path);
    mem_free(address->user);
    mem_free(address->label);
    mem_free(address->ca_file);
    mem_free(address->certificate_file);
    mem_free(address->key_file);
    mem_free(address->home_key);
    mem_free(address->service);
    for (size_t i = 0; i < address->sentinel_count; i++) {
        mem_free(address->sentinels[i].host);
    }
    secret_clear(&address->sentinel_password);
    secret_clear(&address->password);
    *address = (struct redis_address){0};
}
