/* redis-sentinel://[user:password@]host[:port],host[:port].../service[/db] */
#include "common/mem.h"
#include "common/redis_url_internal.h"
#include "common/strbuf.h"
#include "common/text.h"

#include <string.h>

enum { SERVICE_MAX = 128 };

/* One of the hosts, as the URL of a Redis: what is allowed there is allowed here. */
static bool add_sentinel(struct redis_address *address, const struct strbuf *one, struct error *err)
{
    struct url url = {0};
    struct redis_node *node = &address->sentinels[address->sentinel_count];
    bool is_good = url_parse(&url, one->bytes, err);
    if (is_good && (url.host == NULL || url.host[0] == '\0')) {
        is_good = error_set(err, ERROR_BAD_INPUT, "a Sentinel without a host");
    }
    is_good = is_good && redis_url_port(&url, SENTINEL_PORT, &node->port, err);
    is_good = is_good && (address->sentinel_count > 0 || redis_url_credentials(address, &url, err));
    if (is_good) {
        node->host = mem_copy_text(url.host);
        address->sentinel_count++;
    }
    url_clear(&url);
    return is_good;
}

/* hosts: size bytes of "host[:port],host[:port]..."; user: user_size bytes that end with '@'. */
static bool add_sentinels(struct redis_address *address, const char *user, size_t user_size,
                          const char *hosts, size_t size, struct error *err)
{
    bool is_good = true;
    for (const char *end = hosts + size; is_good && hosts <= end;) {
        const char *comma = memchr(hosts, ',', (size_t)(end - hosts));
        size_t host_size = (size_t)((comma == NULL ? end : comma) - hosts);
        struct strbuf one;
        strbuf_init(&one, user_size + host_size + sizeof "redis://");
        strbuf_add_text(&one, "redis://");
        strbuf_add(&one, user, user_size);
        strbuf_add(&one, hosts, host_size);
        is_good =
            address->sentinel_count < REDIS_SENTINELS_MAX
                ? add_sentinel(address, &one, err)
                : error_set(err, ERROR_BAD_INPUT, "more than %d Sentinels", REDIS_SENTINELS_MAX);
        secret_wipe(one.bytes, one.size);
        strbuf_clear(&one);
        hosts += host_size + 1;
    }
    return is_good;
}

static bool set_service(struct redis_address *address, const char *path, struct error *err)
{
    size_t size = strcspn(path, "/");
    if (size == 0 || size > SERVICE_MAX || strcspn(path, "%?#@: ") < size) {
        return error_set(err, ERROR_BAD_INPUT,
                         "no name of a service (write redis-sentinel://host:port/service/db)");
    }
    struct strbuf service;
    strbuf_init(&service, SERVICE_MAX + 1);
    strbuf_add(&service, path, size);
    address->service = strbuf_take(&service);
    const char *database = path + size;
    return *database == '\0' || strcmp(database, "/") == 0 ||
           redis_url_database(address, database + 1, err);
}

static char *sentinels_label(const char *hosts, size_t size, const char *service)
{
    struct strbuf label;
    strbuf_init(&label, size + SERVICE_MAX + 2);
    strbuf_add(&label, hosts, size);
    strbuf_add_text(&label, "/");
    strbuf_add_text(&label, service);
    return strbuf_take(&label);
}

bool redis_url_parse_sentinels(struct redis_address *address, const char *authority,
                               struct error *err)
{
    size_t size = strcspn(authority, "/?#");
    size_t user_size = size;
    while (user_size > 0 && authority[user_size - 1] != '@') {
        user_size--;
    }
    const char *hosts = authority + user_size;
    if (authority[size] != '/') {
        return error_set(err, ERROR_BAD_INPUT,
                         "no name of a service (write redis-sentinel://host:port/service/db)");
    }
    if (!add_sentinels(address, authority, user_size, hosts, size - user_size, err) ||
        !set_service(address, authority + size + 1, err)) {
        return false;
    }
    address->label = sentinels_label(hosts, size - user_size, address->service);
    return true;
}
