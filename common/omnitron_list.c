/* Reading all pages of the list of webhooks. A list that was not read to its end is a failure,
   never a short list: what is missing from it would be registered again.

   Pages shift while others write, so rows are told apart by their ids, and their number is compared
   with the server's count: when they differ, the whole list is read again, which adds what was
   missed. */
#include "common/omnitron_list.h"

#include "common/hook_rows.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/omnitron_next.h"
#include "common/strbuf.h"

#include <ctype.h>
#include <string.h>

enum {
    PAGE_SIZE = 200, /* asked for; a server may give less */
    PAGE_BYTES_MAX = 8 * 1024 * 1024,
    PAGES_MAX = 10000,
    ROWS_MAX = 200000,
    READINGS_MAX = 4, /* the first and three repeats */
    RESTARTS_MAX = 1,
};

struct listing {
    struct omnitron_call call;
    struct exchange exchange;
    omnitron_list_fn *fn;
    void *arg;
    char *target_url; /* omnitron_find: only rows with exactly these; else NULL */
    char *event_type;

    struct hook_rows rows;
    size_t skipped_rows;
    unsigned reading;  /* 1 = the first */
    unsigned restarts; /* because a page vanished */
    unsigned page;     /* of this reading, 1 = the first */

    /* of the last page */
    char *next; /* owned; NULL = the last one */
    size_t new_rows;
    bool has_count;
    int64_t count;
    bool has_vanished;
};

static void listing_free(struct omnitron_call *call)
{
    struct listing *listing = (struct listing *)call;
    exchange_clear(&listing->exchange);
    hook_rows_clear(&listing->rows);
    mem_free(listing->target_url);
    mem_free(listing->event_type);
    mem_free(listing->next);
    mem_free(listing);
}

/* ---- The end ---- */

static bool is_wanted(const struct listing *listing, const struct registered_hook *hook)
{
    return listing->target_url == NULL || (strcmp(hook->target_url, listing->target_url) == 0 &&
                                           strcmp(hook->event_type, listing->event_type) == 0);
}

/* Whether the server counts other rows than were seen. */
static bool is_off(const struct listing *listing)
{
    size_t seen = listing->rows.count + listing->skipped_rows;
    return listing->has_count && (int64_t)seen != listing->count;
}

/* Moves the rows to a list, leaving out what a server that ignores filters added. */
static struct hook_list *take_list(struct listing *listing)
{
    struct hook_list *list = mem_new(1, sizeof *list);
    struct hook_rows *rows = &listing->rows;
    list->skipped_rows = listing->skipped_rows;
    list->is_unstable = is_off(listing);
    list->hooks = rows->hooks;
    for (size_t i = 0; i < rows->count; i++) {
        if (is_wanted(listing, &rows->hooks[i])) {
            list->hooks[list->count++] = rows->hooks[i];
        } else {
            registered_hook_clear(&rows->hooks[i]);
        }
    }
    rows->hooks = NULL;
    rows->count = 0;
    return list;
}

void hook_list_free(struct hook_list *list)
{
    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        registered_hook_clear(&list->hooks[i]);
    }
    mem_free(list->hooks);
    mem_free(list);
}

static void finish(struct listing *listing, const struct omnitron_failure *failure)
{
    omnitron_list_fn *fn = listing->fn;
    void *arg = listing->arg;
    if (failure != NULL) {
        struct omnitron_failure why = *failure; /* it may be the exchange's */
        omnitron_call_end(&listing->call);
        fn(arg, NULL, &why);
        return;
    }
    struct hook_list *list = take_list(listing);
    omnitron_call_end(&listing->call);
    fn(arg, list, NULL);
}

/* ---- One page ---- */

static enum exchange_verdict say_broken(const struct listing *listing,
                                        struct omnitron_failure *failure,
                                        enum exchange_verdict verdict, const char *what)
{
    omnitron_failure_set(failure, OMNITRON_BROKEN, 200,
                         "Omnitron's list of webhooks makes no sense: %s (page %u)", what,
                         listing->page);
    return verdict;
}

/* One row into the list; false when the whole list makes no sense. */
static bool take_row(struct listing *listing, const struct json_slice *row, struct error *err)
{
    struct registered_hook hook;
    if (registered_hook_parse(&hook, row, err)) {
        listing->new_rows += hook_rows_take(&listing->rows, &hook, listing->reading);
        return true;
    }
    if (err->code != ERROR_BAD_INPUT) {
        return false;
    }
    if (listing->skipped_rows == 0) { /* one line, however many there are */
        log_warn("omnitron_row_skipped", log_reason(err));
    }
    listing->skipped_rows++;
    listing->new_rows++;
    return true;
}

static enum exchange_verdict take_rows(struct listing *listing, const struct json_slice *rows,
                                       struct omnitron_failure *failure)
{
    struct json_slice row;
    struct json_walk walk = json_walk_start(rows);
    while (json_walk_next(&walk, NULL, &row)) {
        struct error why;
        if (!take_row(listing, &row, &why)) {
            return say_broken(listing, failure, EXCHANGE_FAILED, why.text);
        }
    }
    if (listing->rows.count + listing->skipped_rows > ROWS_MAX) {
        return say_broken(listing, failure, EXCHANGE_FAILED, "it is too long");
    }
    return EXCHANGE_ACCEPTED;
}

/* The members of a page that count. */
struct page {
    struct json_slice results;
    struct json_slice next;
    struct json_slice count;
};

static struct page read_page(const struct json_slice *body)
{
    static const struct json_slice null = {"null", 4};
    struct page page = {null, null, null};
    struct json_slice key;
    struct json_slice value;
    struct json_walk walk = json_walk_start(body);
    while (json_walk_next(&walk, &key, &value)) {
        if (json_slice_is_text(&key, "results")) {
            page.results = value;
        } else if (json_slice_is_text(&key, "next")) {
            page.next = value;
        } else if (json_slice_is_text(&key, "count")) {
            page.count = value;
        }
    }
    return page;
}

/* An array of rows, or {"count":, "next":, "results": [rows]}. */
static enum exchange_verdict take_page(struct listing *listing, const struct json_slice *body,
                                       struct omnitron_failure *failure)
{
    if (json_slice_is_array(body)) {
        return take_rows(listing, body, failure);
    }
    struct page page = {0};
    if (json_slice_is_object(body)) {
        page = read_page(body);
        listing->next = json_slice_get_text(&page.next);
    }
    bool is_page = page.results.bytes != NULL && json_slice_is_array(&page.results) &&
                   (listing->next != NULL || json_slice_is_null(&page.next));
    if (!is_page) {
        return say_broken(listing, failure, EXCHANGE_REPEAT,
                          "neither an array nor a page with results and next");
    }
    listing->has_count = json_slice_get_int(&page.count, &listing->count);
    return take_rows(listing, &page.results, failure);
}

static enum exchange_verdict on_page(void *arg, const struct http_response *response,
                                     struct omnitron_failure *failure)
{
    struct listing *listing = arg;
    if (response->status == 404 && listing->page > 1 && omnitron_is_rest_refusal(response)) {
        listing->has_vanished = true; /* "Invalid page.": there are fewer rows than before */
        return EXCHANGE_ACCEPTED;
    }
    if (response->status < 200 || response->status >= 300) {
        return exchange_refuse(&listing->exchange, response,
                               omnitron_kind_of_status(response->status), failure);
    }
    struct error why;
    struct json_slice body;
    if (!omnitron_read_body(response, &body, &why)) {
        return say_broken(listing, failure, EXCHANGE_REPEAT, why.text);
    }
    return take_page(listing, &body, failure);
}

/* ---- Page after page ---- */

static void finish_broken(struct listing *listing, const char *what)
{
    struct omnitron_failure failure;
    (void)say_broken(listing, &failure, EXCHANGE_FAILED, what);
    finish(listing, &failure);
}

static void on_page_done(void *arg, const struct omnitron_failure *failure);

static void ask_page(struct listing *listing, char *url_take)
{
    exchange_clear(&listing->exchange);
    mem_free(listing->next);
    listing->next = NULL;
    listing->new_rows = 0;
    listing->has_count = false;
    listing->has_vanished = false;
    omnitron_call_init_exchange(&listing->call, &listing->exchange, on_page, on_page_done);
    listing->exchange.max_response_bytes = PAGE_BYTES_MAX;
    exchange_start(&listing->exchange, "GET", url_take, NULL);
}

static void add_query_value(struct strbuf *url, const char *name, const char *value)
{
    strbuf_addf(url, "%s=", name);
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        if (isalnum(*c) || strchr("-._~", *c) != NULL) {
            strbuf_add(url, c, 1);
        } else {
            strbuf_addf(url, "%%%02X", *c);
        }
    }
    strbuf_add_text(url, "&");
}

/* "sort" is Akinon's own name for what Django REST framework calls "ordering"; unknown names are
   ignored. Without an order, pages may skip rows. */
static void read_from_the_start(struct listing *listing)
{
    const char *hooks_url = omnitron_call_settings(&listing->call)->hooks_url;
    struct strbuf url;
    strbuf_init(&url, SIZE_MAX / 2);
    strbuf_add_text(&url, hooks_url);
    strbuf_add_text(&url, strchr(hooks_url, '?') == NULL ? "?" : "&");
    if (listing->target_url != NULL) {
        add_query_value(&url, "target_url", listing->target_url);
        add_query_value(&url, "event_type", listing->event_type);
    }
    strbuf_addf(&url, "sort=id&ordering=id&limit=%d", PAGE_SIZE);
    listing->reading++;
    listing->page = 1;
    listing->skipped_rows = 0;
    ask_page(listing, strbuf_take(&url));
}

static void restart(struct listing *listing)
{
    if (listing->restarts == RESTARTS_MAX) {
        finish_broken(listing, "its pages keep vanishing");
        return;
    }
    listing->restarts++;
    hook_rows_clear(&listing->rows);
    read_from_the_start(listing);
}

static void ask_next(struct listing *listing)
{
    if (listing->new_rows == 0) {
        finish_broken(listing,
                      "a page that is not the last one has nothing new, its links go in a circle");
        return;
    }
    if (listing->page == PAGES_MAX) {
        finish_broken(listing, "it has too many pages");
        return;
    }
    struct error why;
    char *url =
        omnitron_next_url(omnitron_call_settings(&listing->call)->hooks_url, listing->next, &why);
    if (url == NULL) {
        finish_broken(listing, why.text);
        return;
    }
    listing->page++;
    ask_page(listing, url);
}

static void on_page_done(void *arg, const struct omnitron_failure *failure)
{
    struct listing *listing = arg;
    if (failure != NULL) {
        finish(listing, failure);
    } else if (listing->has_vanished) {
        restart(listing);
    } else if (listing->next != NULL) {
        ask_next(listing);
    } else if (is_off(listing) && listing->reading < READINGS_MAX) {
        log_debug("omnitron_list_again", log_int("count", listing->count),
                  log_int("rows", (int64_t)listing->rows.count));
        read_from_the_start(listing);
    } else {
        finish(listing, NULL);
    }
}

/* ---- Starting ---- */

static struct listing *listing_new(const struct webhook *webhook, omnitron_list_fn *fn, void *arg)
{
    struct listing *listing = mem_new(1, sizeof *listing);
    listing->fn = fn;
    listing->arg = arg;
    hook_rows_init(&listing->rows);
    if (webhook != NULL) {
        listing->target_url = mem_copy_text(webhook->target_url);
        listing->event_type = mem_copy_text(webhook->event_type);
    }
    return listing;
}

struct omnitron_call *omnitron_list(struct omnitron *omnitron, omnitron_list_fn *fn, void *arg)
{
    struct listing *listing = listing_new(NULL, fn, arg);
    omnitron_call_init(&listing->call, omnitron, listing_free);
    read_from_the_start(listing);
    return &listing->call;
}

struct omnitron_call *omnitron_find(struct omnitron *omnitron, const struct webhook *webhook,
                                    omnitron_list_fn *fn, void *arg)
{
    struct listing *listing = listing_new(webhook, fn, arg);
    omnitron_call_init(&listing->call, omnitron, listing_free);
    read_from_the_start(listing);
    return &listing->call;
}

struct omnitron_call *omnitron_find_part(struct omnitron *omnitron, const struct webhook *webhook,
                                         omnitron_list_fn *fn, void *arg)
{
    struct listing *listing = listing_new(webhook, fn, arg);
    omnitron_call_init_part(&listing->call, omnitron, listing_free);
    read_from_the_start(listing);
    return &listing->call;
}
