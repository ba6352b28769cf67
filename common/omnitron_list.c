/* Reading all pages of the list of webhooks. A list that was not read to its end is a failure,
   never a short list: what is missing from it would be registered again.

     reading: the first page --> the others side by side --+--> all there --> the end
                    |            (numbered and counted)    |
                    +----------> page after page ----------+--> rows missing --> another reading

   Pages shift while others write, so rows are told apart by their ids, and their number is compared
   with the server's count: when they differ, the whole list is read again, which adds what was
   missed. A page that is not there starts the reading again, page after page: so each page that is
   asked for is one that the page before it has linked to. */
#include "common/omnitron_list.h"

#include "common/hook_rows.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/omnitron_next.h"
#include "common/omnitron_page.h"
#include "common/strbuf.h"

#include <ctype.h>
#include <string.h>

enum {
    PAGE_SIZE = 200,                         /* rows asked for; a server may give less */
    FIRST_PAGE_BYTES_MAX = 16 * 1024 * 1024, /* it may be the whole list */
    PAGE_BYTES_MAX = 4 * 1024 * 1024,
    SIDE_BY_SIDE_MAX = 16,             /* so that pages under way hold no more than the list may */
    LIST_BYTES_MAX = 64 * 1024 * 1024, /* of the rows' texts */
    ROWS_MAX = 200000,
    PAGES_MAX = 10000,
    READINGS_MAX = 4, /* the first and three repeats */
    RESTARTS_MAX = 1,
};

/* Reads one page at a time. */
struct reader {
    struct listing *listing;
    struct exchange exchange;
    unsigned page; /* 1 = the first */
    /* Of the page it has read: */
    char *next; /* owned; NULL = the last one */
    size_t row_count;
    size_t new_rows;
    bool has_vanished;
};

struct listing {
    struct omnitron_call call;
    omnitron_list_fn *fn;
    void *arg;
    char *target_url; /* omnitron_find: only rows with exactly these; else NULL */
    char *event_type;

    struct hook_rows rows;
    unsigned restarts; /* because a page vanished */
    /* Of this reading: */
    size_t skipped_rows;
    bool has_count;
    int64_t count; /* the largest that a page told: after a row has gone, another may be missed */

    struct reader reader; /* of the first page, and page after page */
    /* While the others are read side by side: */
    struct reader *readers; /* owned; else NULL */
    size_t reader_count;
    size_t under_way;
    unsigned next_page; /* not asked for yet */
    unsigned last_page;
    char *second_url; /* owned; what the first page links to */
    char *last_next;  /* owned; the last page's link, when rows have been added */
};

static void reader_clear(struct reader *reader)
{
    exchange_clear(&reader->exchange);
    mem_free(reader->next);
    *reader = (struct reader){.listing = reader->listing};
}

static void end_side_by_side(struct listing *listing)
{
    for (size_t i = 0; i < listing->reader_count; i++) {
        reader_clear(&listing->readers[i]);
    }
    mem_free(listing->readers);
    mem_free(listing->second_url);
    mem_free(listing->last_next);
    listing->readers = NULL;
    listing->reader_count = 0;
    listing->second_url = NULL;
    listing->last_next = NULL;
}

static void listing_free(struct omnitron_call *call)
{
    struct listing *listing = (struct listing *)call;
    end_side_by_side(listing);
    reader_clear(&listing->reader);
    hook_rows_clear(&listing->rows);
    mem_free(listing->target_url);
    mem_free(listing->event_type);
    mem_free(listing);
}

/* ---- The end ---- */

static bool is_wanted(const struct listing *listing, const struct registered_hook *hook)
{
    return listing->target_url == NULL || (strcmp(hook->target_url, listing->target_url) == 0 &&
                                           strcmp(hook->event_type, listing->event_type) == 0);
}

/* Moves the rows to a list, leaving out what a server that ignores filters added. */
static struct hook_list *take_list(struct listing *listing, bool is_unstable)
{
    struct hook_list *list = mem_new(1, sizeof *list);
    struct hook_rows *rows = &listing->rows;
    list->skipped_rows = listing->skipped_rows;
    list->is_unstable = is_unstable;
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

static void finish(struct listing *listing, bool is_unstable)
{
    omnitron_list_fn *fn = listing->fn;
    void *arg = listing->arg;
    struct hook_list *list = take_list(listing, is_unstable);
    omnitron_call_end(&listing->call);
    fn(arg, list, NULL);
}

static void finish_failed(struct listing *listing, const struct omnitron_failure *failure)
{
    omnitron_list_fn *fn = listing->fn;
    void *arg = listing->arg;
    struct omnitron_failure why = *failure; /* it may be an exchange's */
    omnitron_call_end(&listing->call);
    fn(arg, NULL, &why);
}

/* ---- One page ---- */

static enum exchange_verdict say_broken(const struct reader *reader,
                                        struct omnitron_failure *failure,
                                        enum exchange_verdict verdict, const char *what)
{
    omnitron_failure_set(failure, OMNITRON_BROKEN, 200,
                         "Omnitron's list of webhooks makes no sense: %s (page %u)", what,
                         reader->page);
    return verdict;
}

/* One row into the list; false when the whole list makes no sense. */
static bool take_row(struct reader *reader, const struct json_slice *row, struct error *err)
{
    struct listing *listing = reader->listing;
    struct registered_hook hook;
    reader->row_count++;
    if (registered_hook_parse(&hook, row, err)) {
        reader->new_rows += hook_rows_take(&listing->rows, &hook);
    } else if (err->code == ERROR_BAD_INPUT) {
        if (listing->skipped_rows == 0) { /* one line, however many there are */
            log_warn("omnitron_row_skipped", log_reason(err));
        }
        listing->skipped_rows++;
        reader->new_rows++;
    } else {
        return false;
    }
    return (listing->rows.count + listing->skipped_rows <= ROWS_MAX &&
            listing->rows.bytes <= LIST_BYTES_MAX) ||
           error_set(err, ERROR_FULL, "it is too long");
}

static enum exchange_verdict take_rows(struct reader *reader, const struct json_slice *rows,
                                       struct omnitron_failure *failure)
{
    struct json_slice row;
    struct json_walk walk = json_walk_start(rows);
    while (json_walk_next(&walk, NULL, &row)) {
        struct error why;
        if (!take_row(reader, &row, &why)) {
            return say_broken(reader, failure, EXCHANGE_FAILED, why.text);
        }
    }
    return EXCHANGE_ACCEPTED;
}

static enum exchange_verdict take_page(struct reader *reader, const struct json_slice *body,
                                       struct omnitron_failure *failure)
{
    struct listing *listing = reader->listing;
    struct omnitron_page page;
    if (!omnitron_page_parse(&page, body) || (page.is_whole && reader->page > 1)) {
        return say_broken(reader, failure, EXCHANGE_REPEAT,
                          "neither an array nor a page with results and next");
    }
    reader->next = page.next;
    if (page.has_count && (!listing->has_count || page.count > listing->count)) {
        listing->has_count = true;
        listing->count = page.count;
    }
    return take_rows(reader, &page.rows, failure);
}

static enum exchange_verdict on_page(void *arg, const struct http_response *response,
                                     struct omnitron_failure *failure)
{
    struct reader *reader = arg;
    if (response->status == 404 && reader->page > 1 && omnitron_is_rest_refusal(response)) {
        reader->has_vanished = true; /* "Invalid page.": there are fewer rows than before */
        return EXCHANGE_ACCEPTED;
    }
    if (response->status < 200 || response->status >= 300) {
        return exchange_refuse(&reader->exchange, response,
                               omnitron_kind_of_status(response->status), failure);
    }
    struct error why;
    struct json_slice body;
    if (!omnitron_read_body(response, &body, &why)) {
        return say_broken(reader, failure, EXCHANGE_REPEAT, why.text);
    }
    return take_page(reader, &body, failure);
}

static void ask_page(struct reader *reader, unsigned page, char *url_take, exchange_done_fn *done)
{
    reader_clear(reader);
    reader->page = page;
    omnitron_call_init_exchange(&reader->listing->call, &reader->exchange, on_page, done);
    reader->exchange.handlers.arg = reader;
    reader->exchange.max_response_bytes = page == 1 ? FIRST_PAGE_BYTES_MAX : PAGE_BYTES_MAX;
    exchange_start(&reader->exchange, "GET", url_take, NULL);
}

static void finish_broken(struct listing *listing, const char *what)
{
    struct omnitron_failure failure;
    (void)say_broken(&listing->reader, &failure, EXCHANGE_FAILED, what);
    finish_failed(listing, &failure);
}

/* ---- The beginning and the end of a reading ---- */

static void on_page_done(void *arg, const struct omnitron_failure *failure);

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
    hook_rows_start_reading(&listing->rows);
    listing->skipped_rows = 0;
    listing->has_count = false;
    listing->count = 0;
    ask_page(&listing->reader, 1, strbuf_take(&url), on_page_done);
}

static void restart(struct listing *listing)
{
    end_side_by_side(listing);
    if (listing->restarts == RESTARTS_MAX) {
        finish_broken(listing, "its pages keep vanishing");
        return;
    }
    listing->restarts++;
    hook_rows_clear(&listing->rows);
    read_from_the_start(listing);
}

/* Whether the rows are as many as the server counts: those of this reading alone, which are then
   the list, or those of all readings, where each has missed some. */
static bool has_all_rows(struct listing *listing)
{
    if (!listing->has_count) {
        return true;
    }
    if ((int64_t)(listing->rows.seen + listing->skipped_rows) == listing->count) {
        hook_rows_keep_seen(&listing->rows);
        return true;
    }
    return (int64_t)(listing->rows.count + listing->skipped_rows) == listing->count;
}

static void end_reading(struct listing *listing)
{
    bool has_all = has_all_rows(listing);
    if (has_all || listing->rows.reading == READINGS_MAX) {
        finish(listing, !has_all);
        return;
    }
    log_debug("omnitron_list_again", log_int("count", listing->count),
              log_int("rows", (int64_t)listing->rows.seen));
    read_from_the_start(listing);
}

/* ---- Side by side ---- */

/* Frees the reader when it was the last one under way. */
static void on_side_page_done(void *arg, const struct omnitron_failure *failure);

static void ask_side_page(struct reader *reader)
{
    struct listing *listing = reader->listing;
    unsigned page = listing->next_page++;
    ask_page(reader, page, omnitron_page_url(listing->second_url, page), on_side_page_done);
}

/* How many pages there are; 0 = the first one does not tell. */
static unsigned count_pages(const struct listing *listing)
{
    size_t page_size = listing->reader.row_count;
    if (!listing->has_count || page_size == 0) {
        return 0;
    }
    size_t pages = ((size_t)listing->count + page_size - 1) / page_size;
    return pages > PAGES_MAX ? 0 : (unsigned)pages;
}

static bool is_numbered(const char *second_url)
{
    char *url = second_url == NULL ? NULL : omnitron_page_url(second_url, 2);
    mem_free(url);
    return url != NULL;
}

static size_t count_readers(unsigned max_connections, unsigned pages)
{
    size_t readers = max_connections < SIDE_BY_SIDE_MAX ? max_connections : SIDE_BY_SIDE_MAX;
    return readers < pages ? readers : pages;
}

/* After the first page. False, and nothing is done, when the others can only be read one after the
   other, or have turned out to be better so. */
static bool read_side_by_side(struct listing *listing)
{
    const struct omnitron_settings *omnitron = omnitron_call_settings(&listing->call);
    unsigned pages = count_pages(listing);
    if (listing->restarts > 0 || pages < 3 || omnitron->max_connections < 2) {
        return false;
    }
    char *second_url = omnitron_next_url(omnitron->hooks_url, listing->reader.next, NULL);
    if (!is_numbered(second_url)) {
        mem_free(second_url);
        return false;
    }
    listing->second_url = second_url;
    listing->next_page = 2;
    listing->last_page = pages;
    size_t readers = count_readers(omnitron->max_connections, pages - 1);
    listing->readers = mem_new(readers, sizeof *listing->readers);
    listing->reader_count = readers;
    listing->under_way = readers;
    for (size_t i = 0; i < readers; i++) {
        listing->readers[i].listing = listing;
        ask_side_page(&listing->readers[i]);
    }
    return true;
}

static void ask_next(struct listing *listing, const char *next);

static void end_side_pages(struct listing *listing)
{
    char *next = listing->last_next;
    listing->last_next = NULL;
    listing->reader.page = listing->last_page;
    end_side_by_side(listing);
    if (next == NULL) {
        end_reading(listing);
    } else {
        ask_next(listing, next);
    }
    mem_free(next);
}

static void on_side_page_done(void *arg, const struct omnitron_failure *failure)
{
    struct reader *reader = arg;
    struct listing *listing = reader->listing;
    if (failure != NULL) {
        finish_failed(listing, failure);
        return;
    }
    if (reader->has_vanished) {
        restart(listing);
        return;
    }
    if (reader->page == listing->last_page) {
        listing->last_next = reader->next;
        reader->next = NULL;
    }
    if (listing->next_page <= listing->last_page) {
        ask_side_page(reader);
        return;
    }
    listing->under_way--;
    if (listing->under_way == 0) {
        end_side_pages(listing);
    }
}

/* ---- Page after page ---- */

static void ask_next(struct listing *listing, const char *next)
{
    struct reader *reader = &listing->reader;
    if (reader->page >= PAGES_MAX) {
        finish_broken(listing, "it has too many pages");
        return;
    }
    struct error why;
    char *url = omnitron_next_url(omnitron_call_settings(&listing->call)->hooks_url, next, &why);
    if (url == NULL) {
        finish_broken(listing, why.text);
        return;
    }
    ask_page(reader, reader->page + 1, url, on_page_done);
}

static void on_page_done(void *arg, const struct omnitron_failure *failure)
{
    struct reader *reader = arg;
    struct listing *listing = reader->listing;
    if (failure != NULL) {
        finish_failed(listing, failure);
    } else if (reader->has_vanished) {
        restart(listing);
    } else if (reader->next == NULL) {
        end_reading(listing);
    } else if (reader->new_rows == 0) {
        finish_broken(listing,
                      "a page that is not the last one has nothing new, its links go in a circle");
    } else if (reader->page > 1 || !read_side_by_side(listing)) {
        ask_next(listing, reader->next);
    }
}

/* ---- Starting ---- */

static struct listing *listing_new(const struct webhook *webhook, omnitron_list_fn *fn, void *arg)
{
    struct listing *listing = mem_new(1, sizeof *listing);
    listing->fn = fn;
    listing->arg = arg;
    listing->reader.listing = listing;
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
