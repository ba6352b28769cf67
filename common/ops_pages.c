#include "common/ops_pages.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 200, UNAVAILABLE = 503 };

static struct ops_health ask_health(const struct ops_pages *pages)
{
    struct ops_health health = {.not_turning = NULL};
    pages->get_health(pages->arg, &health);
    return health;
}

static void add_reason(json_t *document, const char *key, const char *text)
{
    if (text != NULL) {
        /* Not every text of the outside is UTF-8, which is all that jansson takes. */
        json_t *value = json_string(text);
        (void)json_object_set_new(document, key, value != NULL ? value : json_string("unreadable"));
    }
}

/* Prints and releases document. */
static int show(json_t *document, bool is_good, struct strbuf *body)
{
    char *text = json_dumps(document, 0);
    (void)strbuf_add_text(body, text);
    free(text);
    json_decref(document);
    return is_good ? OK : UNAVAILABLE;
}

/* That this runs at all says that this process's loop turns. */
static int show_health(void *arg, struct strbuf *body)
{
    struct ops_health health = ask_health(arg);
    bool is_good = health.not_turning == NULL;
    json_t *document = json_pack("{s:s}", "status", is_good ? "ok" : "unhealthy");
    add_reason(document, "reason", health.not_turning);
    return show(document, is_good, body);
}

static int show_readiness(void *arg, struct strbuf *body)
{
    struct ops_health health = ask_health(arg);
    bool is_good = health.not_ready == NULL;
    json_t *document = json_pack("{s:s}", "status", is_good ? "ready" : "unavailable");
    add_reason(document, "reason", health.not_ready);
    add_reason(document, "settings_fault", health.settings_fault);
    return show(document, is_good, body);
}

void ops_pages_init(struct ops_pages *pages, ops_health_fn *get_health, void *arg)
{
    *pages = (struct ops_pages){.get_health = get_health, .arg = arg};
    ops_pages_add(pages, "/healthz", "application/json", show_health, pages);
    ops_pages_add(pages, "/readyz", "application/json", show_readiness, pages);
}

void ops_pages_add(struct ops_pages *pages, const char *path, const char *content_type,
                   ops_page_fn *fn, void *arg)
{
    if (pages == NULL) {
        return;
    }
    assert(pages->count < OPS_PAGES_MAX);
    pages->pages[pages->count++] =
        (struct ops_page){.path = path, .content_type = content_type, .fn = fn, .arg = arg};
}

const struct ops_page *ops_pages_find(const struct ops_pages *pages, const char *path)
{
    for (size_t i = 0; i < pages->count; i++) {
        if (strcmp(pages->pages[i].path, path) == 0) {
            return &pages->pages[i];
        }
    }
    return NULL;
}
