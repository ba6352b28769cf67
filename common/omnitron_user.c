/* Whether Omnitron accepts the token that a caller of ours showed. */
#include "common/mem.h"
#include "common/omnitron_call.h"
#include "common/strbuf.h"

#include <string.h>

struct token_check {
    struct omnitron_call call;
    struct exchange exchange;
    omnitron_user_fn *fn;
    void *arg;
};

static void check_free(struct omnitron_call *call)
{
    struct token_check *check = (struct token_check *)call;
    exchange_clear(&check->exchange);
    mem_free(check);
}

static enum exchange_verdict on_answer(void *arg, const struct http_response *response,
                                       struct omnitron_failure *failure)
{
    struct token_check *check = arg;
    int status = response->status;
    if (status == 401 || status == 403) {
        return exchange_refuse(&check->exchange, response, OMNITRON_CREDENTIALS, failure);
    }
    if (status < 200 || status >= 300) {
        return exchange_refuse(&check->exchange, response, omnitron_kind_of_status(status),
                               failure);
    }
    /* A proxy's page with status 200 must not let anybody in. */
    struct error why = {0};
    json_t *user = omnitron_parse_body(response, &why);
    bool is_user = json_is_object(user);
    json_decref(user);
    if (!is_user) {
        omnitron_failure_set(failure, OMNITRON_BROKEN, status,
                             "Omnitron's answer to who a token belongs to is no user%s%s",
                             why.text[0] == '\0' ? "" : ": ", why.text);
    }
    return is_user ? EXCHANGE_ACCEPTED : EXCHANGE_REPEAT;
}

static void on_done(void *arg, const struct omnitron_failure *failure)
{
    struct token_check *check = arg;
    omnitron_user_fn *fn = check->fn;
    void *fn_arg = check->arg;
    struct omnitron_failure why;
    if (failure != NULL) {
        why = *failure;
    }
    omnitron_call_end(&check->call);
    fn(fn_arg, failure == NULL ? NULL : &why);
}

/* Bytes that can stand in a header; anything else could end it. */
static bool can_be_token(const char *token)
{
    const char *c = token;
    while (*c > ' ' && *c < 0x7f) {
        c++;
    }
    return c != token && *c == '\0';
}

static void set_authorization(struct exchange *exchange, const char *token)
{
    struct strbuf header;
    strbuf_init(&header, SIZE_MAX / 2);
    strbuf_addf(&header, "Authorization: Token %s", token);
    secret_set(&exchange->callers_authorization, header.bytes, header.size);
    secret_wipe(header.bytes, header.size);
    strbuf_clear(&header);
}

struct omnitron_call *omnitron_check_token(struct omnitron *omnitron, const char *token,
                                           omnitron_user_fn *fn, void *arg)
{
    struct token_check *check = mem_new(1, sizeof *check);
    omnitron_call_init(&check->call, omnitron, check_free);
    check->fn = fn;
    check->arg = arg;
    omnitron_call_init_exchange(&check->call, &check->exchange, on_answer, on_done);
    check->exchange.token = EXCHANGE_CALLERS_TOKEN;
    if (!can_be_token(token)) {
        struct omnitron_failure failure;
        omnitron_failure_set(&failure, OMNITRON_CREDENTIALS, 0, "no token can look like that");
        exchange_fail_soon(&check->exchange, &failure);
        return &check->call;
    }
    set_authorization(&check->exchange, token);
    exchange_start(&check->exchange, "GET",
                   mem_copy_text(omnitron_call_settings(&check->call)->user_url), NULL);
    return &check->call;
}
