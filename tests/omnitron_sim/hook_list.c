/* GET {hooks}: visibility, filters, order, and the three styles of pages. */
#include "tests/omnitron_sim/hooks_api.h"

#include "common/mem.h"
#include "tests/omnitron_sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX_BYTES = 1 << 20 };

/* The rows that a list is about, and the order they are listed in: from the first-th on, round to
   the one before it, read from either end. */
struct view {
    struct hook **rows;
    struct hook **owned; /* rows, where they had to be picked; else NULL */
    size_t count;
    size_t first;
    bool is_descending;
};

static const struct hook *view_row(const struct view *view, size_t i)
{
    size_t index = (view->first + i) % view->count;
    return view->rows[view->is_descending ? view->count - 1 - index : index];
}

struct filter {
    const char *target_url; /* NULL in the first two: any */
    const char *event_type;
    int is_active; /* -1: any */
};

/* django-filter's BooleanFilter: anything else is no filter. */
static int parse_flag(const char *text)
{
    if (text == NULL) {
        return -1;
    }
    if (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0) {
        return 1;
    }
    return strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0 ? 0 : -1;
}

static const char *text_filter(const struct query *query, const char *name)
{
    return query_has(query, name) ? query_get(query, name) : NULL;
}

static bool passes(const struct filter *filter, const struct hook *hook)
{
    return (filter->event_type == NULL ||
            strcasecmp(filter->event_type, hook_event_type(hook)) == 0) &&
           (filter->target_url == NULL ||
            strcasecmp(filter->target_url, hook_target_url(hook)) == 0) &&
           (filter->is_active < 0 || filter->is_active == (hook_is_active(hook) ? 1 : 0));
}

static void pick_rows(struct view *view, const struct filter *filter)
{
    size_t count = 0;
    view->owned = mem_new(view->count, sizeof(struct hook *));
    for (size_t i = 0; i < view->count; i++) {
        if (passes(filter, view->rows[i])) {
            view->owned[count++] = view->rows[i];
        }
    }
    view->rows = view->owned;
    view->count = count;
}

static bool orders_by_id(const char *value, bool *is_descending)
{
    if (value == NULL || (strcmp(value, "id") != 0 && strcmp(value, "-id") != 0)) {
        return false;
    }
    *is_descending = value[0] == '-';
    return true;
}

/* The model has no default order: unless a list is asked for in one, it starts at another row each
   time, so that pages skip and repeat rows. */
static void order_rows(struct sim *sim, const struct query *query, struct view *view)
{
    enum ordering ordering = sim->settings.ordering;
    bool is_ordered = false;
    if (ordering == ORDERING_SORT || ordering == ORDERING_BOTH) {
        is_ordered = orders_by_id(query_get(query, "sort"), &view->is_descending);
    }
    if (!is_ordered && (ordering == ORDERING_ORDERING || ordering == ORDERING_BOTH)) {
        is_ordered = orders_by_id(query_get(query, "ordering"), &view->is_descending);
    }
    if (!is_ordered && view->count > 0) {
        view->first = ++sim->unordered_reads * 7 % view->count;
    }
}

static void view_init(struct view *view, struct sim *sim, const struct request *request)
{
    const struct hook_list *list =
        request->user->is_superuser ? hooks_all(sim->hooks) : &request->user->hooks;
    *view = (struct view){.rows = list->rows, .count = list->count};
    struct filter filter = {
        .target_url = text_filter(&request->query, "target_url"),
        .event_type = text_filter(&request->query, "event_type"),
        .is_active = parse_flag(query_get(&request->query, "is_active")),
    };
    bool is_filtered =
        filter.target_url != NULL || filter.event_type != NULL || filter.is_active >= 0;
    if (is_filtered && sim->settings.has_filters) {
        pick_rows(view, &filter);
    }
    if (sim->settings.pagination != PAGINATION_CURSOR) {
        order_rows(sim, &request->query, view);
    }
}

static void print_rows(const struct view *view, size_t from, size_t count, struct strbuf *text)
{
    strbuf_add_text(text, "[");
    for (size_t i = 0; i < count; i++) {
        strbuf_add_text(text, i == 0 ? "" : ",");
        hook_print(view_row(view, from + i), false, text);
    }
    strbuf_add_text(text, "]");
}

static bool parse_positive(const char *text, size_t *number)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = text == NULL ? 0 : strtoul(text, &end, 10);
    if (value == 0 || errno != 0 || *end != '\0' || text[0] == '-') {
        return false;
    }
    *number = value;
    return true;
}

/* A limit that makes no sense is ignored, one too large is cut: PageNumberPagination. */
static size_t page_size_of(const struct settings *settings, const struct query *query)
{
    size_t limit = 0;
    if (!parse_positive(query_get(query, "limit"), &limit)) {
        return (size_t)settings->page_size;
    }
    size_t max = (size_t)settings->max_page_size;
    return limit < max ? limit : max;
}

/* Appends "next":<URL or null>, with the parameter replaced (or taken out, for NULL). */
static void print_link(struct sim *sim, const struct request *request, const char *name,
                       const char *value, struct strbuf *text)
{
    const char *base = sim->settings.next_base;
    const char *host = request_header(request, "Host");
    char *query = query_with(&request->query, name, value);
    struct strbuf url;
    strbuf_init(&url, URL_MAX_BYTES);
    if (base == NULL) {
        strbuf_addf(&url, "%s://%s", sim->options->tls_cert == NULL ? "http" : "https",
                    host == NULL ? "localhost" : host);
    } else if (strcmp(base, "placeholder") == 0) {
        strbuf_add_text(&url, "{domain_url}");
    } else if (strcmp(base, "relative") != 0) {
        strbuf_add_text(&url, base);
    }
    strbuf_addf(&url, "%s%s%s", request->path, *query == '\0' ? "" : "?", query);
    json_t *string = json_string(url.bytes);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY);
    strbuf_add_text(text, quoted == NULL ? "null" : quoted);
    mem_free(quoted);
    json_decref(string);
    strbuf_clear(&url);
    mem_free(query);
}

static void list_page(struct sim *sim, const struct request *request, const struct view *view,
                      struct answer *answer)
{
    size_t size = page_size_of(&sim->settings, &request->query);
    size_t pages = view->count == 0 ? 1 : (view->count + size - 1) / size;
    const char *asked = query_get(&request->query, "page");
    size_t page = 1;
    if ((asked != NULL && !parse_positive(asked, &page)) || page > pages) {
        answer_detail(answer, 404, "Invalid page.");
        return;
    }
    size_t from = (page - 1) * size;
    size_t left = view->count - from;
    char number[32];
    answer_start_json(answer, 200);
    struct strbuf *text = &answer->body;
    strbuf_addf(text, "{\"count\":%zu,\"next\":", view->count);
    if (page < pages) {
        (void)snprintf(number, sizeof number, "%zu", page + 1);
        print_link(sim, request, "page", number, text);
    } else {
        strbuf_add_text(text, "null");
    }
    strbuf_add_text(text, ",\"previous\":");
    if (page > 1) {
        (void)snprintf(number, sizeof number, "%zu", page - 1);
        print_link(sim, request, "page", page == 2 ? NULL : number, text);
    } else {
        strbuf_add_text(text, "null");
    }
    strbuf_add_text(text, ",\"results\":");
    print_rows(view, from, left < size ? left : size, text);
    strbuf_add_text(text, "}");
}

static size_t first_after(const struct view *view, int64_t id)
{
    size_t i = 0;
    while (i < view->count && hook_id(view->rows[i]) <= id) {
        i++;
    }
    return i;
}

/* CursorPagination, forwards only ("previous" is always null). It has an order of its own, by id;
   the cursor is opaque to clients and holds the last id. */
static void list_cursor(struct sim *sim, const struct request *request, const struct view *view,
                        struct answer *answer)
{
    const char *cursor = query_get(&request->query, "cursor");
    size_t last_id = 0;
    if (cursor != NULL &&
        (strncmp(cursor, "cD0", 3) != 0 || !parse_positive(cursor + 3, &last_id))) {
        answer_detail(answer, 404, "Invalid cursor");
        return;
    }
    size_t size = page_size_of(&sim->settings, &request->query);
    size_t from = first_after(view, (int64_t)last_id);
    size_t left = view->count - from;
    size_t count = left < size ? left : size;
    answer_start_json(answer, 200);
    struct strbuf *text = &answer->body;
    strbuf_add_text(text, "{\"next\":");
    if (count < left) {
        char next[32];
        (void)snprintf(next, sizeof next, "cD0%" PRId64, hook_id(view->rows[from + count - 1]));
        print_link(sim, request, "cursor", next, text);
    } else {
        strbuf_add_text(text, "null");
    }
    strbuf_add_text(text, ",\"previous\":null,\"results\":");
    print_rows(view, from, count, text);
    strbuf_add_text(text, "}");
}

void hooks_api_list(struct sim *sim, const struct request *request, const struct route *route,
                    struct answer *answer)
{
    (void)route;
    struct view view;
    view_init(&view, sim, request);
    switch (sim->settings.pagination) {
    case PAGINATION_ARRAY:
        answer_start_json(answer, 200);
        print_rows(&view, 0, view.count, &answer->body);
        break;
    case PAGINATION_PAGE:
        list_page(sim, request, &view, answer);
        break;
    case PAGINATION_CURSOR:
        list_cursor(sim, request, &view, answer);
        break;
    }
    mem_free(view.owned);
}
