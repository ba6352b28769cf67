/* Creating and patching a webhook. A POST may be repeated: Omnitron's unique key makes a second row
   impossible, and tells by 406 that the first one is there. */
#include "common/mem.h"
#include "common/omnitron_list.h"

#include <inttypes.h>
#include <stdio.h>

/* dj-whisperer's "Webhook already registered". 406 alone also means other things. */
static const char code_already[] = "webhook_100_2";

struct writing {
    struct omnitron_call call;
    struct exchange exchange;
    struct omnitron_call *look_up; /* NULL = none under way */
    const struct webhook *webhook;
    omnitron_write_fn *fn;
    void *arg;
    enum omnitron_written written;
    int status; /* of the last answer */
    bool is_to_confirm;
};

static void writing_free(struct omnitron_call *call)
{
    struct writing *writing = (struct writing *)call;
    exchange_clear(&writing->exchange);
    if (writing->look_up != NULL) {
        omnitron_call_end(writing->look_up);
    }
    mem_free(writing);
}

static void finish(struct writing *writing, const struct omnitron_failure *failure)
{
    omnitron_write_fn *fn = writing->fn;
    void *arg = writing->arg;
    enum omnitron_written written = writing->written;
    int status = writing->status;
    struct omnitron_failure why;
    if (failure != NULL) {
        why = *failure; /* it may be the exchange's */
        status = why.status;
    }
    omnitron_call_end(&writing->call);
    fn(arg, written, status, failure == NULL ? NULL : &why);
}

static char *dump_and_free(json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static bool is_2xx(const struct http_response *response)
{
    return response->status >= 200 && response->status < 300;
}

/* ---- Create ---- */

/* A row of Omnitron's, as it answers what it has created or changed. */
static bool is_webhook(const struct http_response *response)
{
    struct json_slice body;
    struct registered_hook hook;
    struct error err;
    if (!omnitron_read_body(response, &body, NULL) || !registered_hook_parse(&hook, &body, &err)) {
        return false;
    }
    registered_hook_clear(&hook);
    return true;
}

static enum exchange_verdict on_created(void *arg, const struct http_response *response,
                                        struct omnitron_failure *failure)
{
    struct writing *writing = arg;
    writing->status = response->status;
    if (is_2xx(response)) {
        /* Anything but a 201 with the webhook may be a page of some proxy: look whether it is
           there. */
        writing->is_to_confirm = response->status != 201 || !is_webhook(response);
        writing->written = OMNITRON_CREATED;
        return EXCHANGE_ACCEPTED;
    }
    if (response->status == 406 && omnitron_has_code(response, code_already)) {
        writing->written =
            writing->exchange.is_outcome_unknown ? OMNITRON_UNSURE : OMNITRON_ALREADY;
        return EXCHANGE_ACCEPTED;
    }
    enum omnitron_failure_kind kind =
        response->status == 400 ? OMNITRON_INVALID : omnitron_kind_of_status(response->status);
    return exchange_refuse(&writing->exchange, response, kind, failure);
}

static void on_looked_up(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    struct writing *writing = arg;
    writing->look_up = NULL;
    bool is_there = list != NULL && list->count > 0;
    hook_list_free(list);
    if (failure != NULL || is_there) {
        finish(writing, failure);
        return;
    }
    struct omnitron_failure missing;
    omnitron_failure_set(&missing, OMNITRON_BROKEN, writing->status,
                         "Omnitron answered %d to the creation, but the webhook is not there",
                         writing->status);
    finish(writing, &missing);
}

static void on_create_done(void *arg, const struct omnitron_failure *failure)
{
    struct writing *writing = arg;
    if (failure == NULL && writing->is_to_confirm) {
        writing->look_up =
            omnitron_find_part(writing->call.omnitron, writing->webhook, on_looked_up, writing);
        return;
    }
    finish(writing, failure);
}

static struct writing *writing_new(struct omnitron *omnitron, const struct webhook *webhook,
                                   omnitron_write_fn *fn, void *arg)
{
    struct writing *writing = mem_new(1, sizeof *writing);
    omnitron_call_init(&writing->call, omnitron, writing_free);
    writing->webhook = webhook;
    writing->fn = fn;
    writing->arg = arg;
    return writing;
}

struct omnitron_call *omnitron_create(struct omnitron *omnitron, const struct webhook *webhook,
                                      omnitron_write_fn *fn, void *arg)
{
    struct writing *writing = writing_new(omnitron, webhook, fn, arg);
    omnitron_call_init_exchange(&writing->call, &writing->exchange, on_created, on_create_done);
    writing->exchange.webhook = webhook;
    exchange_start(&writing->exchange, "POST",
                   mem_copy_text(omnitron_call_settings(&writing->call)->hooks_url),
                   dump_and_free(webhook_create_body(webhook)));
    return &writing->call;
}

/* ---- Patch ---- */

static enum exchange_verdict on_patched(void *arg, const struct http_response *response,
                                        struct omnitron_failure *failure)
{
    struct writing *writing = arg;
    writing->status = response->status;
    if (!is_2xx(response)) {
        /* 403, 404 and 405 are about this row, not about the path of all. */
        return exchange_refuse(&writing->exchange, response,
                               response->status == 400 ? OMNITRON_INVALID : OMNITRON_REJECTED,
                               failure);
    }
    writing->written = OMNITRON_PATCHED;
    if (response->body_size == 0 || is_webhook(response)) {
        return EXCHANGE_ACCEPTED;
    }
    omnitron_failure_set(failure, OMNITRON_BROKEN, response->status,
                         "Omnitron answered %d to the change, but not with the webhook",
                         response->status);
    return EXCHANGE_REPEAT;
}

static void on_patch_done(void *arg, const struct omnitron_failure *failure)
{
    finish(arg, failure);
}

struct omnitron_call *omnitron_patch(struct omnitron *omnitron, int64_t id,
                                     const struct webhook *webhook, unsigned fields,
                                     omnitron_write_fn *fn, void *arg)
{
    struct writing *writing = writing_new(omnitron, webhook, fn, arg);
    omnitron_call_init_exchange(&writing->call, &writing->exchange, on_patched, on_patch_done);
    writing->exchange.webhook = webhook;
    char row[32];
    (void)snprintf(row, sizeof row, "%" PRId64 "/", id);
    exchange_start(&writing->exchange, "PATCH", omnitron_call_url(&writing->call, row),
                   dump_and_free(webhook_patch_body(webhook, fields)));
    return &writing->call;
}
