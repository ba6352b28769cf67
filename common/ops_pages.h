/* The pages that operators' machines read on an ops listener, without keys: /healthz, /readyz, and
   those that are added. How they get to the caller is their server's. */
#ifndef OMNIHOOK_COMMON_OPS_PAGES_H
#define OMNIHOOK_COMMON_OPS_PAGES_H

#include "common/strbuf.h"

/* Borrowed texts. */
struct ops_health {
    const char *not_turning;    /* why some loop does not turn; NULL = all do */
    const char *not_ready;      /* why no work can be done now; NULL = ready */
    const char *settings_fault; /* settings_store_fault(): told, but no reason to be not ready */
};

typedef void ops_health_fn(void *arg, struct ops_health *health);

/* Fills body (at most OPS_PAGE_BYTES_MAX) and returns the HTTP status. */
typedef int ops_page_fn(void *arg, struct strbuf *body);

enum { OPS_PAGES_MAX = 16, OPS_PAGE_BYTES_MAX = 4 * 1024 * 1024 };

struct ops_page {
    const char *path;
    const char *content_type;
    ops_page_fn *fn;
    void *arg;
};

/* Embedded; borrows all that it is given. It may not move after ops_pages_init. */
struct ops_pages {
    struct ops_page pages[OPS_PAGES_MAX];
    size_t count;
    ops_health_fn *get_health;
    void *arg;
};

/* With /healthz and /readyz, which ask get_health each time. */
void ops_pages_init(struct ops_pages *pages, ops_health_fn *get_health, void *arg);

/* path and content_type are literals. pages may be NULL: then nobody listens. */
void ops_pages_add(struct ops_pages *pages, const char *path, const char *content_type,
                   ops_page_fn *fn, void *arg);

/* NULL when there is none. */
const struct ops_page *ops_pages_find(const struct ops_pages *pages, const char *path);

#endif
