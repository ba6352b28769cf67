#include "tests/model/call.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const accounts[MODEL_ACCOUNTS] = {"acme", "beta", "corp"};
static const char *const outcomes[] = {"ok", "failed", "retry", "parked", "released"};

const char *model_account_name(int account)
{
    return accounts[account];
}

const char *model_outcome_name(enum model_outcome outcome)
{
    return outcomes[outcome];
}

/* ---- Names from numbers, and back ---- */

/* The scripts take the first digits for chance, so they must differ. */
#define TOKEN_FORMAT "%08x%08x"

static unsigned token_chance(unsigned token)
{
    return token * 2654435761U;
}

unsigned model_job_number(const char *name)
{
    return (unsigned)strtoul(name, NULL, 16);
}

unsigned model_token_number(const char *name)
{
    return name[0] == '\0' ? 0 : (unsigned)strtoul(name + 8, NULL, 16);
}

unsigned model_worker_number(const char *name)
{
    return name[0] == '\0' ? 0 : (unsigned)strtoul(name + 1, NULL, 10);
}

/* ---- Arguments ---- */

void call_args_add(struct call_args *args, const char *text)
{
    call_args_addf(args, "%s", text);
}

void call_args_addf(struct call_args *args, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    size_t room = sizeof args->bytes - args->used;
    int size = vsnprintf(args->bytes + args->used, room, format, values);
    va_end(values);
    assert(size >= 0 && (size_t)size < room && args->count < CALL_ARGS_MAX);
    args->args[args->count++] = args->bytes + args->used;
    args->used += (size_t)size + 1;
}

static void call_args_add_int(struct call_args *args, int64_t number)
{
    call_args_addf(args, "%" PRId64, number);
}

/* ---- What each script is given; the heads of common/lua/ tell it ---- */

static void add_worker(struct call_args *args, unsigned worker)
{
    call_args_addf(args, "w%u", worker);
}

static void add_token(struct call_args *args, unsigned token)
{
    call_args_addf(args, TOKEN_FORMAT, token_chance(token), token);
}

static void add_enqueue(struct call_args *args, const struct call *call)
{
    call_args_add(args, accounts[call->account]);
    call_args_addf(args, "%08x", call->job);
    call_args_add_int(args, MODEL_QUEUE_MAX);
    call_args_add_int(args, MODEL_ATTEMPTS);
}

static void add_claim(struct call_args *args, const struct call *call)
{
    add_worker(args, call->worker);
    call_args_add(args, call->element);
    add_token(args, call->token);
    call_args_add_int(args, MODEL_ATTEMPTS);
}

static void add_lease(struct call_args *args, const struct call *call)
{
    add_worker(args, call->worker);
    call_args_add_int(args, MODEL_LEASE_MS);
    call_args_add(args, "host");
    call_args_add(args, "model");
}

static void add_progress(struct call_args *args, const struct call *call)
{
    call_args_add(args, accounts[call->account]);
    add_token(args, call->token);
    call_args_add_int(args, 0);
    call_args_add(args, "");
    call_args_add(args, "done");
    call_args_add_int(args, 1);
    call_args_add(args, "total");
    call_args_add_int(args, 2);
}

static void add_finish(struct call_args *args, const struct call *call)
{
    call_args_add(args, accounts[call->account]);
    add_token(args, call->token);
    call_args_add(args, outcomes[call->outcome]);
    call_args_add(args, call->outcome == OUTCOME_OK ? "" : "no");
    call_args_add_int(args, call->delay_ms);
    call_args_add_int(args, call->backoff_ms);
    call_args_add_int(args, MODEL_MAX_AGE_MS);
    call_args_add_int(args, MODEL_RESULT_TTL_S);
    call_args_add_int(args, 1);
    call_args_add(args, "\"webhooks\":[]");
    call_args_add(args, "done");
    call_args_add_int(args, 2);
    call_args_add(args, "total");
    call_args_add_int(args, 2);
}

static void add_death_policy(struct call_args *args)
{
    call_args_add_int(args, MODEL_RESULT_TTL_S);
    call_args_add_int(args, MODEL_MAX_AGE_MS);
    call_args_add_int(args, MODEL_DEATH_BACKOFF_MS);
}

static void add_take_back(struct call_args *args, const struct call *call)
{
    call_args_add_int(args, MODEL_LEASE_MS);
    call_args_add_int(args, MODEL_GRACE_MS);
    if (call->has_expected) {
        call_args_add_int(args, call->expected_ms);
    } else {
        call_args_add(args, "");
    }
    call_args_add_int(args, MODEL_TAKE_PIECE);
    add_death_policy(args);
}

static void add_take_back_own(struct call_args *args, const struct call *call)
{
    char tokens[CALL_KNOWN_MAX * 17 + 1] = "";
    size_t size = 0;
    for (size_t i = 0; i < CALL_KNOWN_MAX && call->known[i] != 0; i++) {
        size += (size_t)snprintf(tokens + size, sizeof tokens - size, TOKEN_FORMAT " ",
                                 token_chance(call->known[i]), call->known[i]);
    }
    add_worker(args, call->worker);
    call_args_add(args, tokens);
    call_args_add_int(args, MODEL_RESULT_TTL_S);
}

static void add_audit(struct call_args *args)
{
    call_args_add_int(args, MODEL_PIECE);
    call_args_add_int(args, MODEL_PIECE);
    call_args_add_int(args, MODEL_PIECE);
    call_args_add_int(args, MODEL_LEASE_MS);
    add_death_policy(args);
    call_args_add_int(args, MODEL_ATTEMPTS);
}

void call_add_args(const struct call *call, struct call_args *args)
{
    switch (call->script) {
    case MODEL_ENQUEUE:
        add_enqueue(args, call);
        break;
    case MODEL_ABORT:
        call_args_add(args, accounts[call->account]);
        call_args_add_int(args, MODEL_RESULT_TTL_S);
        break;
    case MODEL_POP:
    case MODEL_UNREGISTER:
        add_worker(args, call->worker);
        break;
    case MODEL_CLAIM:
        add_claim(args, call);
        break;
    case MODEL_REGISTER:
    case MODEL_BEAT:
        add_lease(args, call);
        break;
    case MODEL_PROGRESS:
        add_progress(args, call);
        break;
    case MODEL_FINISH:
        add_finish(args, call);
        break;
    case MODEL_PROMOTE:
        call_args_add_int(args, MODEL_PIECE);
        break;
    case MODEL_WATCH:
        call_args_add_int(args, call->connected_ms);
        break;
    case MODEL_TAKE_BACK:
        add_take_back(args, call);
        break;
    case MODEL_TAKE_BACK_OWN:
        add_take_back_own(args, call);
        break;
    case MODEL_AUDIT:
        add_audit(args);
        break;
    case MODEL_SCRIPTS:
        break;
    }
}
