#include "common/run_report.h"

#include "common/mem.h"
#include "common/quote.h"
#include "common/strbuf.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

enum {
    WARNINGS_MAX = 1000,
    PRINT_MAX_BYTES = 16 * 1024 * 1024,
    URL_SHOWN_BYTES = 120,
};

/* One row a webhook, in the setting's order. */
struct row {
    enum webhook_outcome outcome;
    int status;
    char *error;     /* owned; NULL = none */
    bool is_earlier; /* an earlier run's doing */
};

struct warning {
    const struct webhook *webhook; /* borrowed; NULL = about the whole */
    const char *name;
    char *detail; /* owned */
};

struct run_report {
    const struct account *account;
    struct row *rows;
    struct row *earlier; /* of the job's run before, as long; NULL = nothing is known */
    int64_t counts[OUTCOME_COUNT];
    struct warning *warnings;
    size_t warning_count;
};

const char *webhook_outcome_name(enum webhook_outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_PENDING] = "pending",         [OUTCOME_CREATED] = "created",
        [OUTCOME_REACTIVATED] = "reactivated", [OUTCOME_UPDATED] = "updated",
        [OUTCOME_ALREADY] = "already",         [OUTCOME_DRIFTED] = "drifted",
        [OUTCOME_FAILED] = "failed",
    };
    return names[outcome];
}

struct run_report *run_report_new(const struct account *account)
{
    struct run_report *report = mem_new(1, sizeof *report);
    report->account = account;
    report->rows = mem_new(account->webhook_count, sizeof *report->rows);
    report->counts[OUTCOME_PENDING] = (int64_t)account->webhook_count;
    return report;
}

void run_report_free(struct run_report *report)
{
    if (report == NULL) {
        return;
    }
    for (size_t i = 0; i < report->account->webhook_count; i++) {
        mem_free(report->rows[i].error);
        mem_free(report->earlier == NULL ? NULL : report->earlier[i].error);
    }
    for (size_t i = 0; i < report->warning_count; i++) {
        mem_free(report->warnings[i].detail);
    }
    mem_free(report->rows);
    mem_free(report->earlier);
    mem_free(report->warnings);
    mem_free(report);
}

static enum webhook_outcome outcome_of_name(const char *name)
{
    for (int i = 0; name != NULL && i < OUTCOME_COUNT; i++) {
        if (strcmp(name, webhook_outcome_name((enum webhook_outcome)i)) == 0) {
            return (enum webhook_outcome)i;
        }
    }
    return OUTCOME_PENDING;
}

/* The document that details are a part of; NULL when they are none. */
static json_t *parse_details(const char *details, size_t size)
{
    struct strbuf text;
    strbuf_init(&text, size + 2);
    strbuf_add_text(&text, "{");
    strbuf_add(&text, details, size);
    strbuf_add_text(&text, "}");
    json_t *document = json_loadb(text.bytes, text.size, 0, NULL);
    strbuf_clear(&text);
    return document;
}

void run_report_recall(struct run_report *report, const char *details, size_t size)
{
    assert(report->earlier == NULL);
    if (size == 0) {
        return;
    }
    json_t *document = parse_details(details, size);
    const char *digest = json_string_value(json_object_get(document, "settings"));
    if (digest != NULL && strcmp(digest, report->account->digest) == 0) {
        size_t count = report->account->webhook_count;
        const json_t *rows = json_object_get(document, "webhooks");
        report->earlier = mem_new(count, sizeof *report->earlier);
        for (size_t i = 0; i < count && i < json_array_size(rows); i++) {
            const json_t *row = json_array_get(rows, i);
            report->earlier[i] = (struct row){
                .outcome = outcome_of_name(json_string_value(json_object_get(row, "outcome"))),
                .status = (int)json_integer_value(json_object_get(row, "status")),
                .error = mem_copy_text(json_string_value(json_object_get(row, "error"))),
            };
        }
    }
    json_decref(document);
}

enum webhook_outcome run_report_earlier(const struct run_report *report, size_t index, int *status)
{
    if (report->earlier == NULL) {
        return OUTCOME_PENDING;
    }
    *status = report->earlier[index].status;
    return report->earlier[index].outcome;
}

void run_report_keep_earlier(struct run_report *report, size_t index)
{
    const struct row *earlier = &report->earlier[index];
    run_report_set(report, index, earlier->outcome, earlier->status, earlier->error);
    report->rows[index].is_earlier = true;
}

void run_report_keep_all_earlier(struct run_report *report)
{
    for (size_t i = 0; report->earlier != NULL && i < report->account->webhook_count; i++) {
        if (report->rows[i].outcome == OUTCOME_PENDING &&
            report->earlier[i].outcome != OUTCOME_PENDING) {
            run_report_keep_earlier(report, i);
        }
    }
}

bool run_report_is_earlier(const struct run_report *report, size_t index)
{
    return report->rows[index].is_earlier;
}

void run_report_set(struct run_report *report, size_t index, enum webhook_outcome outcome,
                    int status, const char *error)
{
    assert(index < report->account->webhook_count);
    struct row *row = &report->rows[index];
    report->counts[row->outcome]--;
    report->counts[outcome]++;
    mem_free(row->error);
    *row = (struct row){.outcome = outcome, .status = status, .error = mem_copy_text(error)};
}

enum webhook_outcome run_report_outcome(const struct run_report *report, size_t index)
{
    assert(index < report->account->webhook_count);
    return report->rows[index].outcome;
}

void run_report_warn(struct run_report *report, const struct webhook *webhook, const char *name,
                     const char *detail)
{
    if (report->warning_count == WARNINGS_MAX) {
        return;
    }
    report->warnings =
        mem_resize(report->warnings, report->warning_count + 1, sizeof *report->warnings);
    report->warnings[report->warning_count++] =
        (struct warning){.webhook = webhook, .name = name, .detail = mem_copy_text(detail)};
}

struct run_counts run_report_counts(const struct run_report *report)
{
    const int64_t *counts = report->counts;
    int64_t total = (int64_t)report->account->webhook_count;
    return (struct run_counts){
        .done = total - counts[OUTCOME_PENDING],
        .total = total,
        .created = counts[OUTCOME_CREATED],
        .reactivated = counts[OUTCOME_REACTIVATED],
        .updated = counts[OUTCOME_UPDATED],
        .already = counts[OUTCOME_ALREADY],
        .drifted = counts[OUTCOME_DRIFTED],
        .failed = counts[OUTCOME_FAILED],
    };
}

/* The member's text, or null, behind the given `"key":` with its comma. */
static void add_member(struct strbuf *json, const char *key, const char *text)
{
    strbuf_add_text(json, key);
    quote_json(json, text);
}

static void add_row(struct strbuf *json, const struct webhook *webhook, const struct row *row)
{
    add_member(json, "{\"event_type\":", webhook->event_type);
    add_member(json, ",\"target_url\":", webhook->target_url);
    add_member(json, ",\"outcome\":", webhook_outcome_name(row->outcome));
    if (row->status == 0) {
        strbuf_add_text(json, ",\"status\":null");
    } else {
        strbuf_addf(json, ",\"status\":%d", row->status);
    }
    add_member(json, ",\"error\":", row->error);
    strbuf_add_text(json, "}");
}

static void add_warning(struct strbuf *json, const struct warning *warning)
{
    const struct webhook *webhook = warning->webhook;
    add_member(json, "{\"event_type\":", webhook == NULL ? NULL : webhook->event_type);
    add_member(json, ",\"target_url\":", webhook == NULL ? NULL : webhook->target_url);
    add_member(json, ",\"warning\":", warning->name);
    add_member(json, ",\"detail\":", warning->detail);
    strbuf_add_text(json, "}");
}

/* Appends element to an array as a whole, or not at all: a document that is cut stays JSON. */
static bool add_element(struct strbuf *json, struct strbuf *element, bool is_first)
{
    bool fits = json->size + element->size + 1 <= PRINT_MAX_BYTES;
    if (fits) {
        strbuf_add_text(json, is_first ? "" : ",");
        strbuf_add(json, element->bytes, element->size);
    }
    strbuf_reset(element);
    return fits;
}

char *run_report_print(const struct run_report *report)
{
    struct strbuf json;
    struct strbuf element;
    /* Room for the frame of the document past the last element that fits. */
    strbuf_init(&json, PRINT_MAX_BYTES + 256);
    strbuf_init(&element, PRINT_MAX_BYTES);
    strbuf_addf(&json, "\"settings\":\"%s\",\"webhooks\":[", report->account->digest);
    for (size_t i = 0; i < report->account->webhook_count; i++) {
        add_row(&element, &report->account->webhooks[i], &report->rows[i]);
        if (!add_element(&json, &element, i == 0)) {
            break;
        }
    }
    strbuf_add_text(&json, "],\"warnings\":[");
    for (size_t i = 0; i < report->warning_count; i++) {
        add_warning(&element, &report->warnings[i]);
        if (!add_element(&json, &element, i == 0)) {
            break;
        }
    }
    strbuf_add_text(&json, "]");
    strbuf_clear(&element);
    return strbuf_take(&json);
}

void run_report_failure(const struct run_report *report, struct error *err)
{
    size_t count = report->account->webhook_count;
    size_t first = 0;
    while (first < count && report->rows[first].outcome != OUTCOME_FAILED) {
        first++;
    }
    assert(first < count);
    const struct webhook *webhook = &report->account->webhooks[first];
    const char *reason = report->rows[first].error;
    size_t url_size = strcspn(webhook->target_url, "?#");
    bool is_cut = url_size > URL_SHOWN_BYTES;
    error_set(err, ERROR_REFUSED,
              "%lld of %zu webhooks could not be registered; first: %s -> %.*s%s: %s",
              (long long)report->counts[OUTCOME_FAILED], count, webhook->event_type,
              is_cut ? (int)URL_SHOWN_BYTES : (int)url_size, webhook->target_url,
              is_cut ? "..." : "", reason == NULL ? "no reason known" : reason);
}
