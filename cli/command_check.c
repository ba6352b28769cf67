/* omnihook check [ACCOUNT]: a line for the settings, Redis and how it is set up, and each step of
   the way to each account's Omnitron: connection, login, hooks path, event types. What fails, or
   may lose jobs, comes with what to do. */
#include "cli/cli.h"
#include "cli/terminal.h"

#include "common/http_client.h"
#include "common/login_ledger.h"
#include "common/mem.h"
#include "common/omnitron.h"
#include "common/redis_checkup.h"

#include <string.h>

enum { TRIES = 1, DETAIL_SIZE = ERROR_TEXT_SIZE + 64, LOOK_AGAIN_MS = 5 };

enum result { RESULT_OK, RESULT_WARNING, RESULT_FAILED };

struct check {
    struct cli *cli;
    struct http_client *http;
    struct login_ledger *ledger; /* NULL = none */
    struct omnitron_pool *pool;
    size_t next_account;
    size_t end_account;
    const struct account *account; /* whose Omnitron is asked */
    struct omnitron *omnitron;
    struct event *next; /* what has called back is freed on a later turn */
    struct event *end;
    bool is_failed;
};

/* ---- Lines ---- */

static void say(struct check *check, enum result result, const char *what, const char *detail,
                const char *hint)
{
    static const struct {
        const char *word;
        enum tone tone;
    } looks[] = {[RESULT_OK] = {"ok", TONE_GOOD},
                 [RESULT_WARNING] = {"warning", TONE_WARN},
                 [RESULT_FAILED] = {"failed", TONE_BAD}};
    const char *account = check->account == NULL ? NULL : check->account->name;
    check->is_failed = check->is_failed || result == RESULT_FAILED;
    if (check->cli->is_json) {
        json_t *line = json_pack("{s:s?, s:s, s:s, s:s, s:s?}", "account", account, "check", what,
                                 "result", looks[result].word, "detail", detail, "hint", hint);
        cli_print_json(line);
        json_decref(line);
        return;
    }
    terminal_tone(stdout, looks[result].tone);
    (void)printf("%-8s", looks[result].word);
    terminal_tone(stdout, TONE_PLAIN);
    (void)printf(" %s%s%s: %s\n", account == NULL ? "" : account, account == NULL ? "" : " ", what,
                 detail);
    if (hint != NULL) {
        (void)printf("         %s\n", hint);
    }
    (void)fflush(stdout);
}

/* ---- Omnitron ---- */

/* In the order in which a call gets through them. */
enum stage { STAGE_CONNECTION, STAGE_LOGIN, STAGE_HOOKS, STAGES };

static const char *const stage_names[STAGES] = {
    [STAGE_CONNECTION] = "connection", [STAGE_LOGIN] = "login", [STAGE_HOOKS] = "hooks path"};

static const struct {
    enum stage stage;
    const char *hint;
} faults[] = {
    [OMNITRON_UNREACHABLE] = {STAGE_CONNECTION, "Is omnitron.url right, and can this machine reach "
                                                "it (DNS, firewall, omnitron.proxy)?"},
    [OMNITRON_TIMEOUT] = {STAGE_CONNECTION, "Is it slow, or does a firewall swallow the packets? "
                                            "omnitron.timeout_ms is the limit of one try."},
    [OMNITRON_TLS] = {STAGE_CONNECTION, "Is the name in omnitron.url the certificate's? For a "
                                        "private authority set omnitron.ca_file."},
    [OMNITRON_CREDENTIALS] = {STAGE_LOGIN, "Check the account's token, or username and password: "
                                           "they may have been changed in Omnitron."},
    [OMNITRON_THROTTLED] = {STAGE_HOOKS, "Omnitron asks for a pause: try again later."},
    [OMNITRON_BROKEN] = {STAGE_HOOKS, "Is omnitron.url the API root (such as "
                                      "https://.../api/v1/), and omnitron.hooks_path right?"},
    [OMNITRON_INVALID] = {STAGE_HOOKS, "Check omnitron.hooks_path."},
    [OMNITRON_FORBIDDEN] = {STAGE_HOOKS, "The Omnitron user lacks the permission for webhooks."},
    [OMNITRON_WRONG_PATH] = {STAGE_HOOKS, "Check omnitron.hooks_path and omnitron.url."},
    [OMNITRON_REDIRECTED] = {STAGE_HOOKS,
                             "Redirects are not followed: set omnitron.url to where it "
                             "points, if that is right."},
    [OMNITRON_REJECTED] = {STAGE_HOOKS, "Check omnitron.hooks_path and the user's permissions."},
    [OMNITRON_CANCELLED] = {STAGE_HOOKS, NULL},
};

static void go_on(struct check *check)
{
    loop_timer_start(check->next, 0);
}

static bool is_known(const char *const *event_types, size_t count, const char *event_type)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(event_types[i], event_type) == 0) {
            return true;
        }
    }
    return false;
}

static void say_event_types(struct check *check, const char *const *event_types, size_t count)
{
    char detail[DETAIL_SIZE];
    size_t unknown = 0;
    for (size_t i = 0; i < check->account->webhook_count; i++) {
        const char *event_type = check->account->webhooks[i].event_type;
        if (!is_known(event_types, count, event_type) && unknown++ == 0) {
            (void)snprintf(detail, sizeof detail, "Omnitron does not know \"%s\"", event_type);
        }
    }
    if (unknown == 0) {
        (void)snprintf(detail, sizeof detail, "all of the setting are among the %zu that it knows",
                       count);
        say(check, RESULT_OK, "event types", detail, NULL);
        return;
    }
    char hint[64];
    (void)snprintf(hint, sizeof hint, "%zu of the setting's webhooks will be refused.", unknown);
    say(check, RESULT_WARNING, "event types", detail, hint);
}

static void on_registry(void *arg, const char *const *event_types, size_t count,
                        const struct omnitron_failure *failure)
{
    struct check *check = arg;
    if (failure != NULL) {
        say(check, RESULT_WARNING, "event types", failure->error.text,
            "They cannot be checked before a run.");
    } else if (event_types == NULL) {
        say(check, RESULT_OK, "event types", "this Omnitron does not list those that it knows",
            NULL);
    } else {
        say_event_types(check, event_types, count);
    }
    go_on(check);
}

static void say_stages_before(struct check *check, enum stage end, enum omnitron_login login)
{
    static const char *const logins[] = {
        [OMNITRON_NOT_LOGGED_IN] = "not needed",
        [OMNITRON_SET_TOKEN] = "the token is accepted",
        [OMNITRON_LOGGED_IN] = "logged in",
        [OMNITRON_SHARED_LOGIN] = "the token that another process logged in for is accepted",
    };
    if (end > STAGE_CONNECTION) {
        say(check, RESULT_OK, stage_names[STAGE_CONNECTION], check->account->omnitron.url, NULL);
    }
    if (end > STAGE_LOGIN) {
        say(check, RESULT_OK, stage_names[STAGE_LOGIN], logins[login], NULL);
    }
}

static void on_list(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    struct check *check = arg;
    enum omnitron_login login = omnitron_get_login(check->omnitron);
    if (failure != NULL && failure->kind == OMNITRON_THROTTLED && failure->status == 0 &&
        login == OMNITRON_NOT_LOGGED_IN) {
        /* Nothing was sent at all. */
        say(check, RESULT_FAILED, stage_names[STAGE_LOGIN], failure->error.text,
            "Give omnihook an Omnitron user of its own, or a token; try again in some minutes.");
        go_on(check);
        return;
    }
    enum stage end = failure == NULL ? STAGES : faults[failure->kind].stage;
    say_stages_before(check, end, login);
    if (failure != NULL) {
        say(check, RESULT_FAILED, stage_names[end], failure->error.text,
            faults[failure->kind].hint);
        go_on(check);
        return;
    }
    char detail[DETAIL_SIZE];
    (void)snprintf(detail, sizeof detail, "%zu %s registered", list->count,
                   list->count == 1 ? "webhook is" : "webhooks are");
    hook_list_free(list);
    say(check, RESULT_OK, stage_names[STAGE_HOOKS], detail, NULL);
    (void)omnitron_read_registry(check->omnitron, on_registry, check);
}

/* ---- One after the other ---- */

static void on_end(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct check *check = arg;
    if (check->ledger != NULL && login_ledger_is_settling(check->ledger)) {
        loop_timer_start(check->end, LOOK_AGAIN_MS);
        return;
    }
    struct cli *cli = check->cli;
    int exit_code = check->is_failed ? CLI_FAILED : CLI_OK;
    omnitron_pool_free(check->pool);
    login_ledger_free(check->ledger);
    http_client_free(check->http);
    event_free(check->next);
    event_free(check->end);
    mem_free(check);
    cli_end(cli, exit_code);
}

static void on_next(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct check *check = arg;
    const struct cli *cli = check->cli;
    omnitron_free(check->omnitron);
    check->omnitron = NULL;
    if (check->next_account == check->end_account) {
        loop_timer_start(check->end, 0);
        return;
    }
    check->account = cli->account != NULL ? cli->account
                                          : settings_account_at(cli->settings, check->next_account);
    check->next_account++;
    check->omnitron = omnitron_new(check->pool, cli->settings, check->account);
    (void)omnitron_list(check->omnitron, on_list, check);
}

static void start_accounts(struct check *check)
{
    const struct cli *cli = check->cli;
    const struct omnitron_pool_options options = {
        .tries = TRIES,
        .retry = cli->config.retry,
        .retry_after_max_ms = cli->config.retry_after_max_ms,
        .ledger = check->ledger,
    };
    check->pool = omnitron_pool_new(cli->loop, check->http, &options);
    check->end_account = cli->account != NULL ? 1 : settings_account_count(cli->settings);
    go_on(check);
}

/* ---- Redis ---- */

static void on_redis_finding(void *arg, const struct redis_finding *finding)
{
    static const char *const whats[] = {[REDIS_VERSION] = "Redis version",
                                        [REDIS_EVICTION] = "Redis eviction",
                                        [REDIS_PERSISTENCE] = "Redis persistence"};
    struct check *check = arg;
    char detail[DETAIL_SIZE];
    char hint[128];
    if (finding == NULL) {
        start_accounts(check);
        return;
    }
    const char *what = whats[finding->aspect];
    switch (finding->verdict) {
    case REDIS_IS_FINE:
        (void)snprintf(detail, sizeof detail, "%s %s", finding->setting, finding->value);
        say(check, RESULT_OK, what, finding->aspect == REDIS_VERSION ? finding->value : detail,
            NULL);
        return;
    case REDIS_IS_UNTOLD:
        (void)snprintf(detail, sizeof detail, "Redis does not say (%s)",
                       finding->why_not == NULL ? "no such line" : finding->why_not->text);
        say(check, RESULT_OK, what, detail, NULL);
        return;
    case REDIS_MAY_LOSE_JOBS:
        (void)snprintf(detail, sizeof detail, "%s (%s is \"%s\")", finding->risk, finding->setting,
                       finding->value);
        (void)snprintf(hint, sizeof hint, "In redis.conf %s.", finding->advice);
        say(check, RESULT_WARNING, what, detail, hint);
        return;
    }
}

static void on_redis(void *arg, const struct error *why_not)
{
    struct check *check = arg;
    struct cli *cli = check->cli;
    if (why_not != NULL) {
        say(check, RESULT_FAILED, "Redis", why_not->text,
            "Check REDIS_URL; execute answers 503 and workers wait until it is there.");
        start_accounts(check);
        return;
    }
    say(check, RESULT_OK, "Redis", "it can be used", NULL);
    check->ledger = login_ledger_new(cli->redis, cli->config.namespace_name);
    redis_checkup_look(cli->redis, on_redis_finding, check);
}

void command_check(struct cli *cli)
{
    struct check *check = mem_new(1, sizeof *check);
    check->cli = cli;
    check->next = loop_timer_new(cli->loop, on_next, check);
    check->end = loop_timer_new(cli->loop, on_end, check);
    check->http = http_client_new(cli->loop, 1);
    char detail[64];
    for (size_t i = 0; i < cli->faults.warning_count; i++) {
        say(check, RESULT_WARNING, "settings", cli->faults.warnings[i], NULL);
    }
    size_t accounts = settings_account_count(cli->settings);
    (void)snprintf(detail, sizeof detail, "%zu %s", accounts,
                   accounts == 1 ? "account" : "accounts");
    say(check, RESULT_OK, "settings", detail, NULL);
    cli_try_redis(cli, on_redis, check);
}
