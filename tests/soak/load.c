#include "tests/soak/load.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/soak/dice.h"
#include "tests/soak/findings.h"
#include "tests/soak/wish.h"
#include "tests/support/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define API_PREFIX "/api/v1/oms/setup/webhooks/"

enum {
    NAME_SIZE = 24,
    PATH_SIZE = 128,
    POLL_MS = 100,  /* between two looks at the status */
    PRESS_MS = 100, /* between two versions of the settings file */
    CALL_LIMIT_MS = 15000,
    GHOST_MS = 60000, /* how long a call without an answer may still be on its way */
    CHANGE_PERCENT = 80,
    REPEAT_PERCENT = 35,
    ABORT_PERCENT = 8,
};

/*   RESTING -> CHANGING -> EXECUTING -> POLLING -> REPORTING -> COMPARING -> RESTING
                   ^                      |  |  ^
                   +--- once more --------+  +- ABORTING                              */
enum account_state {
    ACCOUNT_RESTING,   /* between two stories */
    ACCOUNT_CHANGING,  /* waits for the settings file to be written with its new version */
    ACCOUNT_EXECUTING, /* calls execute until it is accepted */
    ACCOUNT_POLLING,   /* asks for the status until it has ended */
    ACCOUNT_ABORTING,
    ACCOUNT_REPORTING, /* asks for the report of what has ended */
    ACCOUNT_COMPARING, /* asks the simulator what it holds */
};

struct account {
    struct load *load;
    char name[NAME_SIZE];
    struct dice dice;
    struct wish wish;
    enum account_state state;
    bool is_calling;
    int64_t due_ms; /* mono: nothing is done before */
    /* The story: */
    size_t executes_left;
    bool wants_abort;
    size_t polls_left;      /* until the next of these */
    int64_t first_ms;       /* mono: its first 204; 0 = none yet */
    bool may_be_aborted;    /* an abort was sent, and no execute accepted since */
    int64_t ghost_until_ms; /* mono: until then an abort without an answer may still arrive */
    /* The last accepted execute: */
    int64_t sending_wall_ms; /* of the call under way */
    int64_t sent_wall_ms;    /* 0 = none yet */
    char end_state[16];      /* of the last story */
};

struct load {
    struct load_options options;
    struct plant *plant;
    struct stack_account *stack_accounts;
    struct account *accounts; /* options.accounts of them */
    char *first_webhooks;
    FILE *ledger;
    int64_t next_press_ms;
    bool is_draining;
    bool is_last_round;
    struct load_counts counts;
};

/* ---- The ledger ---- */

static void note(const struct account *account, const char *what, const char *detail)
{
    char at[NOW_ISO_SIZE];
    (void)fprintf(account->load->ledger, "%s %s v%u %s %s\n", now_iso(at, now_wall_ms()),
                  account->name, account->wish.version, what, detail);
}

/* ---- Calls ---- */

static void enter(struct account *account, enum account_state state, int64_t delay_ms)
{
    account->state = state;
    account->due_ms = now_mono_ms() + delay_ms;
}

static void call_api(struct account *account, const char *method, const char *path,
                     http_answered_fn *fn)
{
    struct plant *plant = account->load->plant;
    char full_path[PATH_SIZE];
    char authorization[PATH_SIZE];
    (void)snprintf(full_path, sizeof full_path, API_PREFIX "%s", path);
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s",
                   stack_key(plant->stack, account->name));
    const char *const headers[] = {authorization, NULL};
    struct http_call call = {
        .method = method,
        .address = plant_api(plant, dice_roll(&account->dice, PLANT_APIS))->address,
        .path = full_path,
        .headers = headers,
        .limit_ms = CALL_LIMIT_MS,
    };
    account->is_calling = true;
    http_calls_start(plant->calls, &call, fn, account);
}

/* True when the API has done what was asked. Else the account's state is tried again a little
   later; 503 and no answer at all are what an outage looks like, everything else is a finding. */
static bool is_done(struct account *account, const struct http_answer *answer, int wanted)
{
    struct load_counts *counts = &account->load->counts;
    account->is_calling = false;
    if (answer->status == wanted) {
        return true;
    }
    counts->unanswered += answer->status == 0;
    counts->refused += answer->status == 503;
    if (answer->status != 0 && answer->status != 503) {
        findings_add(FOUND_WRONG, "%s: the API answers %d: %.200s", account->name, answer->status,
                     answer->body);
    }
    account->due_ms = now_mono_ms() + dice_between(&account->dice, 50, 250);
    return false;
}

/* ---- The end of a story ---- */

static void end_story(struct account *account, const char *end_state)
{
    struct load *load = account->load;
    int64_t took_ms = now_mono_ms() - account->first_ms;
    note(account, "ended", end_state);
    (void)snprintf(account->end_state, sizeof account->end_state, "%s", end_state);
    load->counts.stories++;
    load->counts.longest_ms = took_ms > load->counts.longest_ms ? took_ms : load->counts.longest_ms;
    account->first_ms = 0;
    enter(account, ACCOUNT_RESTING, dice_between(&account->dice, 0, 2 * load->options.rest_ms));
}

static void on_rows(void *arg, const struct http_answer *answer)
{
    struct account *account = arg;
    account->is_calling = false;
    if (answer->status != 200 || answer->json == NULL) {
        account->due_ms = now_mono_ms() + POLL_MS; /* the simulator is stopped at the moment */
        return;
    }
    const char *fault = wish_find_fault(&account->wish, answer->json);
    if (fault != NULL) {
        findings_add(FOUND_LOST, "%s is FINISHED: %s", account->name, fault);
    }
    account->load->counts.checked++;
    end_story(account, "FINISHED");
}

static void ask_rows(struct account *account)
{
    struct plant *plant = account->load->plant;
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "/_sim/hooks?username=%s", account->name);
    struct http_call call = {
        .address = sim_address(stack_sim(plant->stack)), .path = path, .limit_ms = CALL_LIMIT_MS};
    account->is_calling = true;
    http_calls_start(plant->calls, &call, on_rows, account);
}

static void end_failed(struct account *account, const struct http_answer *report)
{
    const char *error = http_answer_text(report, "error");
    const char *deaths = "the worker died while running this job, 3 times in a row";
    if (error == NULL || strcmp(error, deaths) != 0 || account->load->is_last_round) {
        findings_add(FOUND_LOST, "%s is FAILED: %s", account->name, error == NULL ? "?" : error);
    }
    account->load->counts.failed++;
    end_story(account, "FAILED");
}

static void end_aborted(struct account *account)
{
    bool is_legal = account->may_be_aborted || now_mono_ms() < account->ghost_until_ms;
    if (!is_legal) {
        findings_add(FOUND_LOST, "%s is ABORTED, but nobody asked for it after the last execute",
                     account->name);
    }
    account->load->counts.aborted++;
    if (account->load->is_last_round) {
        enter(account, ACCOUNT_EXECUTING, 0); /* once more: it must be FINISHED */
        return;
    }
    end_story(account, "ABORTED");
}

static void on_report(void *arg, const struct http_answer *answer)
{
    struct account *account = arg;
    if (!is_done(account, answer, 200)) {
        return;
    }
    const char *state = http_answer_text(answer, "state");
    const char *finished_at = http_answer_text(answer, "finished_at");
    char sent_at[NOW_ISO_SIZE];
    (void)now_iso(sent_at, account->sent_wall_ms);
    if (state == NULL || strcmp(state, "WORKING") == 0) {
        /* A call that got no answer has arrived after all. */
        enter(account, ACCOUNT_POLLING, POLL_MS);
        return;
    }
    if (finished_at == NULL || strcmp(finished_at, sent_at) < 0) {
        findings_add(FOUND_LOST, "%s ended at %s, but execute was accepted later (sent %s)",
                     account->name, finished_at == NULL ? "?" : finished_at, sent_at);
    }
    if (strcmp(state, "FINISHED") == 0) {
        account->load->counts.finished++;
        enter(account, ACCOUNT_COMPARING, 0);
    } else if (strcmp(state, "FAILED") == 0) {
        end_failed(account, answer);
    } else {
        end_aborted(account);
    }
}

/* ---- In the middle ---- */

static void on_status(void *arg, const struct http_answer *answer)
{
    struct account *account = arg;
    if (!is_done(account, answer, 200)) {
        return;
    }
    const char *result = http_answer_text(answer, "result");
    if (result == NULL || strcmp(result, "READY") == 0) {
        findings_add(FOUND_LOST, "%s is READY after execute was accepted", account->name);
        end_story(account, "READY");
    } else if (strcmp(result, "WORKING") != 0) {
        enter(account, ACCOUNT_REPORTING, 0);
    } else if (account->polls_left > 0) {
        account->polls_left--;
        enter(account, ACCOUNT_POLLING, dice_between(&account->dice, POLL_MS / 2, POLL_MS));
    } else if (account->wants_abort) {
        account->wants_abort = false;
        enter(account, ACCOUNT_ABORTING, 0);
    } else if (account->executes_left > 0) {
        enter(account, ACCOUNT_CHANGING, 0);
    } else {
        enter(account, ACCOUNT_POLLING, POLL_MS);
    }
}

static void on_aborted(void *arg, const struct http_answer *answer)
{
    struct account *account = arg;
    account->may_be_aborted = true;
    if (is_done(account, answer, 204)) {
        account->load->counts.aborts++;
        note(account, "abort", "204");
    } else {
        account->ghost_until_ms = now_mono_ms() + GHOST_MS;
        note(account, "abort", answer->status == 0 ? answer->error : "refused");
    }
    account->state = account->executes_left > 0 ? ACCOUNT_CHANGING : ACCOUNT_POLLING;
}

static void on_executed(void *arg, const struct http_answer *answer)
{
    struct account *account = arg;
    bool is_accepted = is_done(account, answer, 204);
    note(account, "execute", is_accepted ? "204" : answer->status == 0 ? answer->error : "refused");
    account->load->counts.sent++;
    if (!is_accepted) {
        return;
    }
    account->load->counts.accepted++;
    account->may_be_aborted = false;
    account->sent_wall_ms = account->sending_wall_ms;
    account->first_ms = account->first_ms == 0 ? now_mono_ms() : account->first_ms;
    account->executes_left -= account->executes_left > 0;
    account->polls_left = dice_roll(&account->dice, 4);
    enter(account, ACCOUNT_POLLING, dice_between(&account->dice, 0, POLL_MS));
}

/* ---- The beginning ---- */

static void begin_story(struct account *account)
{
    struct dice *dice = &account->dice;
    bool is_last = account->load->is_last_round;
    account->executes_left = !is_last && dice_percent(dice, REPEAT_PERCENT) ? 2 : 1;
    account->wants_abort = !is_last && dice_percent(dice, ABORT_PERCENT);
    account->polls_left = 0;
    bool has_change = is_last || dice_percent(dice, CHANGE_PERCENT);
    enter(account, has_change ? ACCOUNT_CHANGING : ACCOUNT_EXECUTING, 0);
}

/* Writes one new file for all that wait for it. */
static void press_settings(struct load *load)
{
    struct stack *stack = load->plant->stack;
    bool is_changed = false;
    for (size_t i = 0; i < load->options.accounts; i++) {
        struct account *account = &load->accounts[i];
        if (account->state == ACCOUNT_CHANGING) {
            is_changed = true;
            wish_change(&account->wish, &account->dice);
            json_object_set_new(stack_settings(stack, account->name), "OMNITRON_WEBHOOKS",
                                wish_print(&account->wish));
        }
    }
    if (!is_changed) {
        return;
    }
    stack_write_settings(stack);
    for (size_t i = 0; i < load->options.accounts; i++) {
        if (load->accounts[i].state == ACCOUNT_CHANGING) {
            enter(&load->accounts[i], ACCOUNT_EXECUTING, 0);
        }
    }
}

static void step_account(struct account *account)
{
    switch (account->state) {
    case ACCOUNT_RESTING:
        if (!account->load->is_draining) {
            begin_story(account);
        }
        return;
    case ACCOUNT_CHANGING:
        return;
    case ACCOUNT_EXECUTING:
        account->sending_wall_ms = now_wall_ms();
        call_api(account, "POST", "execute/", on_executed);
        return;
    case ACCOUNT_POLLING:
        call_api(account, "GET", "get_async_status/", on_status);
        return;
    case ACCOUNT_ABORTING:
        call_api(account, "POST", "abort/", on_aborted);
        return;
    case ACCOUNT_REPORTING:
        call_api(account, "GET", "report/", on_report);
        return;
    case ACCOUNT_COMPARING:
        ask_rows(account);
        return;
    }
}

void load_step(struct load *load)
{
    int64_t now = now_mono_ms();
    if (now >= load->next_press_ms) {
        load->next_press_ms = now + PRESS_MS;
        press_settings(load);
    }
    for (size_t i = 0; i < load->options.accounts; i++) {
        struct account *account = &load->accounts[i];
        if (!account->is_calling && now >= account->due_ms) {
            step_account(account);
        }
    }
}

/* ---- The whole ---- */

struct load *load_new(const struct load_options *options)
{
    struct load *load = mem_new(1, sizeof *load);
    load->options = *options;
    load->accounts = mem_new(options->accounts, sizeof *load->accounts);
    load->stack_accounts = mem_new(options->accounts, sizeof *load->stack_accounts);
    for (size_t i = 0; i < options->accounts; i++) {
        struct account *account = &load->accounts[i];
        account->load = load;
        (void)snprintf(account->name, sizeof account->name, "a%zu", i);
        dice_init(&account->dice, options->seed, 1000 + i);
        wish_init(&account->wish);
        if (load->first_webhooks == NULL) {
            json_t *first = wish_print(&account->wish);
            load->first_webhooks = json_dumps(first, JSON_COMPACT);
            json_decref(first);
        }
        load->stack_accounts[i] = (struct stack_account){
            .name = account->name,
            .webhooks = load->first_webhooks,
            .extra = "{\"drift\":\"update\",\"omnitron\":{\"timeout_ms\":2000}}",
        };
    }
    return load;
}

void load_free(struct load *load)
{
    if (load->ledger != NULL) {
        (void)fclose(load->ledger);
    }
    mem_free(load->first_webhooks);
    mem_free(load->stack_accounts);
    mem_free(load->accounts);
    mem_free(load);
}

const struct stack_account *load_accounts(const struct load *load, size_t *count)
{
    *count = load->options.accounts;
    return load->stack_accounts;
}

void load_start(struct load *load, struct plant *plant)
{
    load->plant = plant;
    char *path = temp_dir_join(stack_dir(plant->stack), "ledger.txt");
    load->ledger = fopen(path, "w");
    if (load->ledger == NULL) {
        fail_because("cannot write %s", path);
    }
    mem_free(path);
    for (size_t i = 0; i < load->options.accounts; i++) {
        struct account *account = &load->accounts[i];
        enter(account, ACCOUNT_RESTING, dice_between(&account->dice, 0, 2 * load->options.rest_ms));
    }
}

void load_drain(struct load *load)
{
    load->is_draining = true;
}

bool load_is_quiet(const struct load *load)
{
    bool is_quiet = load->is_draining;
    for (size_t i = 0; i < load->options.accounts; i++) {
        const struct account *account = &load->accounts[i];
        is_quiet = is_quiet && account->state == ACCOUNT_RESTING && !account->is_calling;
    }
    return is_quiet;
}

void load_last_round(struct load *load)
{
    load->is_last_round = true;
    for (size_t i = 0; i < load->options.accounts; i++) {
        begin_story(&load->accounts[i]);
    }
}

void load_report_stuck(struct load *load)
{
    static const char *const states[] = {
        [ACCOUNT_RESTING] = "resting",     [ACCOUNT_CHANGING] = "changing",
        [ACCOUNT_EXECUTING] = "executing", [ACCOUNT_POLLING] = "polling",
        [ACCOUNT_ABORTING] = "aborting",   [ACCOUNT_REPORTING] = "reporting",
        [ACCOUNT_COMPARING] = "comparing",
    };
    struct redis_fixture *redis = plant_redis(load->plant);
    for (size_t i = 0; i < load->options.accounts; i++) {
        const struct account *account = &load->accounts[i];
        if (account->state == ACCOUNT_RESTING) {
            continue;
        }
        const char *phase =
            redis == NULL ? NULL
                          : redis_text(redis, "HGET {omnihook}:status:%s phase", account->name);
        findings_add(FOUND_STUCK, "%s does not come to an end: %s, the phase is %s", account->name,
                     states[account->state], phase == NULL ? "?" : phase);
    }
}

void load_check_statuses(struct load *load)
{
    struct redis_fixture *redis = plant_redis(load->plant);
    for (size_t i = 0; i < load->options.accounts; i++) {
        const struct account *account = &load->accounts[i];
        const char *state = redis_text(redis, "HGET {omnihook}:status:%s state", account->name);
        const char *end = redis_text(redis, "HGET {omnihook}:status:%s finished_at", account->name);
        char sent_at[NOW_ISO_SIZE];
        (void)now_iso(sent_at, account->sent_wall_ms);
        if (state == NULL || strcmp(state, account->end_state) != 0) {
            findings_add(FOUND_STUCK, "%s is %s, not %s", account->name,
                         state == NULL ? "READY" : state, account->end_state);
        } else if (end == NULL || strcmp(end, sent_at) < 0) {
            findings_add(FOUND_LOST, "%s: the execute of %s is not covered (the end: %s)",
                         account->name, sent_at, end == NULL ? "none" : end);
        }
    }
}

struct load_counts load_counts(const struct load *load)
{
    return load->counts;
}
