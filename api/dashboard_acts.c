/* What is done under /ops/: the calls have a valid key, a JSON body, and are logged one by one. */
#include "api/dashboard_internal.h"
#include "common/job_queue_view.h"
#include "common/log.h"
#include "common/metrics.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { BAD_REQUEST = 400, NOT_FOUND = 404, KEY_DIGITS = 8 };

static const char no_account[] = "No such account is configured.";
static const char no_entry[] = "The dead list has no such job.";

/* result is a literal, one of the metric's. Before the answer, which frees request. */
static void note(struct dashboard_request *request, const char *result, const struct error *why_not)
{
    const struct dashboard_subject *subject = dashboard_request_subject(request);
    const struct dashboard_caller *caller = dashboard_request_caller(request);
    char address[DASHBOARD_CALLER_SIZE];
    char key[API_KEY_TEXT_SIZE];
    dashboard_print_address(&caller->address, address);
    api_key_print(key, &caller->key);
    char *digits = key + strlen("sha256:");
    digits[KEY_DIGITS] = '\0';
    log_info("operator_act", log_text("act", subject->act), log_text("result", result),
             log_text("account", subject->account[0] == '\0' ? NULL : subject->account),
             log_text("job", subject->job[0] == '\0' ? NULL : subject->job),
             log_text("caller", address), log_text("key", digits), log_reason(why_not));
    metrics_count(METRIC_OPERATOR_ACTS, subject->act, result);
}

static void reply_done(struct dashboard_request *request)
{
    note(request, "done", NULL);
    dashboard_reply_no_content(request);
}

static void reply_not_found(struct dashboard_request *request, const char *detail)
{
    note(request, "not_found", NULL);
    dashboard_reply_error(request, NOT_FOUND, detail);
}

static void reply_failure(struct dashboard_request *request, const struct error *why_not)
{
    note(request, "failed", why_not);
    dashboard_reply_queue_error(request, why_not);
}

/* ---- The body ---- */

/* Copies a text member that is made of what such texts are made of; false when it is not. */
static bool read_member(const json_t *body, const char *name, const char *letters,
                        char text[DASHBOARD_NAME_SIZE])
{
    const json_t *member = json_object_get(body, name);
    const char *value = json_string_value(member);
    size_t size = value == NULL ? 0 : json_string_length(member);
    if (size == 0 || size >= DASHBOARD_NAME_SIZE || strspn(value, letters) != size) {
        return false;
    }
    memcpy(text, value, size + 1);
    return true;
}

static bool refuse_body(struct dashboard_request *request, const char *detail)
{
    dashboard_reply_error(request, BAD_REQUEST, detail);
    return false;
}

static bool check_names(struct dashboard_request *request, json_t *body, bool has_account,
                        bool has_job)
{
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(body, name, member)
    {
        bool is_known =
            (has_account && strcmp(name, "account") == 0) || (has_job && strcmp(name, "job") == 0);
        if (!is_known) {
            char detail[DASHBOARD_BODY_MAX_BYTES + 32];
            (void)snprintf(detail, sizeof detail, "%s: is not known here.", name);
            return refuse_body(request, detail);
        }
    }
    return true;
}

static bool read_members(struct dashboard_request *request, json_t *body, bool has_account,
                         bool has_job)
{
    struct dashboard_subject *subject = dashboard_request_subject(request);
    if (!json_is_object(body)) {
        return refuse_body(request, "The body must be a JSON object, without a key twice.");
    }
    if (!check_names(request, body, has_account, has_job)) {
        return false;
    }
    if (has_account && (!read_member(body, "account", "abcdefghijklmnopqrstuvwxyz0123456789._-",
                                     subject->account) ||
                        !dashboard_is_account_name(subject->account))) {
        return refuse_body(request, "account: must be the name of an account.");
    }
    if (has_job && !read_member(body, "job", "0123456789abcdefABCDEF", subject->job)) {
        return refuse_body(request, "job: must be the id of a job.");
    }
    return true;
}

/* False when the call has been answered. */
static bool read_body(struct dashboard_request *request, const char *act, bool has_account,
                      bool has_job)
{
    const struct strbuf *bytes = dashboard_request_body(request);
    dashboard_request_subject(request)->act = act;
    json_t *body = json_loadb(bytes->bytes, bytes->size, JSON_REJECT_DUPLICATES, NULL);
    bool is_good = read_members(request, body, has_account, has_job);
    json_decref(body);
    return is_good;
}

static bool is_configured(const struct dashboard *dashboard, const char *name)
{
    struct settings *settings = settings_store_current(dashboard->options.store);
    return settings_find_account(settings, name) != NULL;
}

/* ---- execute ---- */

static void on_enqueued(void *arg, enum enqueue_result result, const char *job,
                        const struct error *why_not)
{
    struct dashboard_request *request = arg;
    struct dashboard_subject *subject = dashboard_request_subject(request);
    (void)result;
    if (why_not != NULL) {
        reply_failure(request, why_not);
        return;
    }
    (void)snprintf(subject->job, sizeof subject->job, "%s", job);
    reply_done(request);
}

void dashboard_execute(struct dashboard *dashboard, struct dashboard_request *request)
{
    if (!read_body(request, "execute", true, false)) {
        return;
    }
    const char *name = dashboard_request_subject(request)->account;
    if (!is_configured(dashboard, name)) {
        reply_not_found(request, no_account);
        return;
    }
    job_queue_enqueue(dashboard->options.services->queue, name, on_enqueued, request);
}

/* ---- abort ---- */

static void on_aborted(void *arg, bool found, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    const struct dashboard *dashboard = dashboard_request_dashboard(request);
    if (why_not != NULL) {
        reply_failure(request, why_not);
    } else if (!found && !is_configured(dashboard, dashboard_request_subject(request)->account)) {
        reply_not_found(request, no_account);
    } else {
        reply_done(request);
    }
}

/* Also of an account that is not configured any more: its job may still wait. */
void dashboard_abort(struct dashboard *dashboard, struct dashboard_request *request)
{
    if (read_body(request, "abort", true, false)) {
        job_queue_abort(dashboard->options.services->queue,
                        dashboard_request_subject(request)->account, on_aborted, request);
    }
}

/* ---- The dead list ---- */

static void on_dropped(void *arg, int64_t removed, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    if (why_not != NULL) {
        reply_failure(request, why_not);
    } else if (removed == 0) {
        reply_not_found(request, no_entry);
    } else {
        reply_done(request);
    }
}

void dashboard_drop(struct dashboard *dashboard, struct dashboard_request *request)
{
    if (read_body(request, "drop", false, true)) {
        job_queue_drop_dead(dashboard->options.services->queue,
                            dashboard_request_subject(request)->job, on_dropped, request);
    }
}

/* Nothing is left to be found when somebody else was faster: the account is queued all the same. */
static void on_retried_dropped(void *arg, int64_t removed, const struct error *why_not)
{
    (void)removed;
    if (why_not != NULL) {
        reply_failure(arg, why_not);
    } else {
        reply_done(arg);
    }
}

/* Only now is the entry dropped: whatever ends between the two steps, the job is not forgotten. */
static void on_retried(void *arg, enum enqueue_result result, const char *job,
                       const struct error *why_not)
{
    struct dashboard_request *request = arg;
    const struct dashboard *dashboard = dashboard_request_dashboard(request);
    (void)result;
    (void)job;
    if (why_not != NULL) {
        reply_failure(request, why_not);
        return;
    }
    job_queue_drop_dead(dashboard->options.services->queue, dashboard_request_subject(request)->job,
                        on_retried_dropped, request);
}

static void on_found(void *arg, const char *account, size_t size, const struct error *why_not)
{
    struct dashboard_request *request = arg;
    const struct dashboard *dashboard = dashboard_request_dashboard(request);
    const char *name = dashboard_request_subject(request)->account;
    if (why_not != NULL) {
        reply_failure(request, why_not);
    } else if (account == NULL || size != strlen(name) || memcmp(account, name, size) != 0) {
        reply_not_found(request, no_entry);
    } else if (!is_configured(dashboard, name)) {
        reply_not_found(request, no_account);
    } else {
        job_queue_enqueue(dashboard->options.services->queue, name, on_retried, request);
    }
}

void dashboard_retry(struct dashboard *dashboard, struct dashboard_request *request)
{
    if (read_body(request, "retry", true, true)) {
        job_queue_find_dead(dashboard->options.services->queue,
                            dashboard_request_subject(request)->job, on_found, request);
    }
}
