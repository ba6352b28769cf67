/* What is read under /ops/: one answer of the job machine each, or one of Omnitron. */
#include "api/account_names.h"
#include "api/dashboard_internal.h"
#include "common/job_queue_view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    NOT_FOUND = 404,
    BAD_REQUEST = 400,
    INTERNAL_ERROR = 500,
    BAD_GATEWAY = 502,
    UNAVAILABLE = 503,
    GATEWAY_TIMEOUT = 504,
    DOCUMENT_MAX_BYTES = 16 << 20,
    DEAD_PAGE_MAX = 50,
    HISTORIES_MAX = 2,
};

/* Prints and releases document. */
static void reply_document(struct dashboard_request *request, json_t *document_take)
{
    char *text = json_dumps(document_take, JSON_ENSURE_ASCII);
    json_decref(document_take);
    dashboard_reply_json(request, text, strlen(text));
    free(text);
}

static void reply_text(struct dashboard_request *request, struct strbuf *text)
{
    if (text->is_full) {
        dashboard_reply_error(request, INTERNAL_ERROR, "The answer is too large.");
    } else {
        dashboard_reply_json(request, text->bytes, text->size);
    }
    strbuf_clear(text);
}

/* A document of the job machine as it is. */
static void on_document(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    if (why_not != NULL) {
        dashboard_reply_queue_error(request, why_not);
    } else if (document == NULL) {
        dashboard_reply_error(request, NOT_FOUND, "Nothing is remembered of this account.");
    } else {
        dashboard_reply_json(request, document, size);
    }
}

/* ---- session and overview ---- */

void dashboard_session(struct dashboard *dashboard, struct dashboard_request *request)
{
    const struct service_config *config = dashboard->options.config;
    reply_document(request, json_pack("{s:s, s:s, s:b, s:b}", "version", OMNIHOOK_VERSION,
                                      "namespace", config->namespace_name, "can_act",
                                      (int)dashboard_request_caller(request)->has_key,
                                      "keys_configured", (int)(config->operator_key_count > 0)));
}

void dashboard_print_overview(const struct dashboard *dashboard, const char *document, size_t size,
                              struct strbuf *text)
{
    size_t accounts = settings_account_count(settings_store_current(dashboard->options.store));
    /* The document is an object: goes on before its last brace. */
    (void)strbuf_add(text, document, size == 0 ? 0 : size - 1);
    (void)strbuf_addf(text, ",\"accounts\":%zu,\"redis\":{\"up\":true}}", accounts);
}

static void on_overview(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    if (why_not != NULL) {
        dashboard_reply_queue_error(request, why_not);
        return;
    }
    struct strbuf text;
    strbuf_init(&text, DOCUMENT_MAX_BYTES);
    dashboard_print_overview(dashboard_request_dashboard(request), document, size, &text);
    reply_text(request, &text);
}

void dashboard_overview(struct dashboard *dashboard, struct dashboard_request *request)
{
    job_queue_get_overview(dashboard->options.services->queue, on_overview, request);
}

/* ---- workers and the dead list ---- */

static void on_workers(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    if (why_not != NULL) {
        dashboard_reply_queue_error(request, why_not);
        return;
    }
    json_t *rows = json_loadb(document, size, 0, NULL);
    size_t total = json_array_size(rows);
    json_decref(rows);
    struct strbuf text;
    strbuf_init(&text, DOCUMENT_MAX_BYTES);
    (void)strbuf_add_text(&text, "{\"workers\":");
    (void)strbuf_add(&text, document, size);
    (void)strbuf_addf(&text, ",\"total\":%zu}", total);
    reply_text(request, &text);
}

void dashboard_workers(struct dashboard *dashboard, struct dashboard_request *request)
{
    job_queue_list_workers(dashboard->options.services->queue, on_workers, request);
}

void dashboard_dead(struct dashboard *dashboard, struct dashboard_request *request)
{
    const struct dashboard_query *query = dashboard_request_query(request);
    int64_t after = 0;
    int64_t limit = DEAD_PAGE_MAX;
    struct error err;
    if (!dashboard_query_number(query, "after", 0, JOB_DEAD_MAX, &after, &err) ||
        !dashboard_query_number(query, "limit", 1, DEAD_PAGE_MAX, &limit, &err)) {
        dashboard_reply_error(request, BAD_REQUEST, err.text);
        return;
    }
    job_queue_list_dead(dashboard->options.services->queue, after, limit, on_document, request);
}

/* ---- One account ---- */

bool dashboard_is_account_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strlen(name);
    return size > 0 && size <= ACCOUNT_NAME_MAX && strspn(name, letters) == size;
}

const char *dashboard_account_name(struct dashboard_request *request)
{
    const char *name = dashboard_query_text(dashboard_request_query(request), "account");
    if (name == NULL || !dashboard_is_account_name(name)) {
        dashboard_reply_error(request, BAD_REQUEST, "account: must be the name of an account.");
        return NULL;
    }
    return name;
}

void dashboard_report(struct dashboard *dashboard, struct dashboard_request *request)
{
    const char *name = dashboard_account_name(request);
    if (name != NULL) {
        job_queue_get_report(dashboard->options.services->queue, name, on_document, request);
    }
}

static void on_history(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    dashboard_request_dashboard(request)->open_histories--;
    on_document(request, document, size, why_not);
}

/* Up to JOB_HISTORY_BYTES_MAX each: many at once would hold up what else waits for Redis. */
void dashboard_history(struct dashboard *dashboard, struct dashboard_request *request)
{
    const char *name = dashboard_account_name(request);
    if (name == NULL) {
        return;
    }
    if (dashboard->open_histories == HISTORIES_MAX) {
        dashboard_reply_try_later(request, UNAVAILABLE, 1, "Too many histories are being read.");
        return;
    }
    dashboard->open_histories++;
    job_queue_list_history(dashboard->options.services->queue, name, on_history, request);
}

static void on_plan(void *arg, const struct plan *plan, const struct account *account,
                    const struct plan_failure *why_not)
{
    struct dashboard_request *request = arg;
    if (why_not == NULL) {
        reply_document(request, plan_to_json(plan, account));
        return;
    }
    int status = BAD_GATEWAY;
    int64_t wait_ms = why_not->retry_after_ms;
    if (why_not->error.code == ERROR_TIMEOUT) {
        status = GATEWAY_TIMEOUT;
    } else if (why_not->error.code == ERROR_CANCELLED) {
        status = UNAVAILABLE;
        wait_ms = 1;
    }
    if (wait_ms > 0) {
        dashboard_reply_try_later(request, status, (wait_ms + 999) / 1000, why_not->error.text);
    } else {
        dashboard_reply_error(request, status, why_not->error.text);
    }
}

void dashboard_plan(struct dashboard *dashboard, struct dashboard_request *request)
{
    const char *name = dashboard_account_name(request);
    if (name == NULL) {
        return;
    }
    struct settings *settings = settings_store_current(dashboard->options.store);
    const struct account *account = settings_find_account(settings, name);
    if (account == NULL) {
        dashboard_reply_error(request, NOT_FOUND, "No such account is configured.");
        return;
    }
    fresh_plans_ask(dashboard->options.services->plans, settings, account, on_plan, request);
}

/* ---- Many accounts ---- */

enum { ACCOUNTS_PAGE_MAX = JOB_STATUSES_MAX };

/* The name of the last one, when there are more, was noted as the request's subject. */
static void on_statuses(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    const struct dashboard_subject *subject = dashboard_request_subject(request);
    if (why_not != NULL) {
        dashboard_reply_queue_error(request, why_not);
        return;
    }
    struct strbuf text;
    strbuf_init(&text, DOCUMENT_MAX_BYTES);
    (void)strbuf_add_text(&text, "{\"accounts\":");
    (void)strbuf_add(&text, document, size);
    if (subject->account[0] == '\0') {
        (void)strbuf_add_text(&text, ",\"next\":null");
    } else { /* nothing in a name needs a quote */
        (void)strbuf_addf(&text, ",\"next\":\"%s\"", subject->account);
    }
    (void)strbuf_addf(&text, ",\"total\":%lld}", (long long)subject->number);
    reply_text(request, &text);
}

static void list_all(struct dashboard *dashboard, struct dashboard_request *request, size_t limit)
{
    const struct dashboard_query *query = dashboard_request_query(request);
    struct dashboard_subject *subject = dashboard_request_subject(request);
    const char *search = dashboard_query_text(query, "search");
    const char *after = dashboard_query_text(query, "after");
    char wanted[QUERY_VALUE_MAX_BYTES + 1] = "";
    for (size_t i = 0; search != NULL && search[i] != '\0'; i++) {
        wanted[i] = search[i];
        if (search[i] >= 'A' && search[i] <= 'Z') { /* names have no other letters */
            wanted[i] = (char)(search[i] - 'A' + 'a');
        }
    }
    const char *names[ACCOUNTS_PAGE_MAX];
    struct account_names_page page = {.names = names, .max = limit};
    account_names_find(dashboard->names, settings_store_current(dashboard->options.store), wanted,
                       after == NULL ? "" : after, &page);
    subject->number = (int64_t)page.total;
    if (page.has_more) {
        memcpy(subject->account, names[page.count - 1], strlen(names[page.count - 1]));
    }
    if (page.count == 0) {
        on_statuses(request, "[]", 2, NULL);
    } else {
        job_queue_list_statuses(dashboard->options.services->queue, names, page.count, on_statuses,
                                request);
    }
}

static void list_active(struct dashboard *dashboard, struct dashboard_request *request,
                        size_t limit)
{
    enum { CURSOR_DIGITS_MAX = 20 };
    const struct dashboard_query *query = dashboard_request_query(request);
    const char *cursor = dashboard_query_text(query, "after");
    cursor = cursor == NULL || cursor[0] == '\0' ? "0" : cursor;
    size_t size = strlen(cursor);
    if (size > CURSOR_DIGITS_MAX || strspn(cursor, "0123456789") != size) {
        dashboard_reply_error(request, BAD_REQUEST, "after: must be what `next` was.");
        return;
    }
    if (dashboard_query_text(query, "search") != NULL) {
        dashboard_reply_error(request, BAD_REQUEST, "search: is for view=all alone.");
        return;
    }
    job_queue_list_active(dashboard->options.services->queue, cursor, (int64_t)limit, on_document,
                          request);
}

void dashboard_accounts(struct dashboard *dashboard, struct dashboard_request *request)
{
    const struct dashboard_query *query = dashboard_request_query(request);
    const char *view = dashboard_query_text(query, "view");
    int64_t limit = ACCOUNTS_PAGE_MAX;
    struct error err;
    if (!dashboard_query_number(query, "limit", 1, ACCOUNTS_PAGE_MAX, &limit, &err)) {
        dashboard_reply_error(request, BAD_REQUEST, err.text);
    } else if (view == NULL || strcmp(view, "all") == 0) {
        list_all(dashboard, request, (size_t)limit);
    } else if (strcmp(view, "active") == 0) {
        list_active(dashboard, request, (size_t)limit);
    } else {
        dashboard_reply_error(request, BAD_REQUEST, "view: must be all or active.");
    }
}
