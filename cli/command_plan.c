/* omnihook plan ACCOUNT: what execute would do now, as a diff. */
#include "cli/cli.h"
#include "cli/terminal.h"

#include "common/http_client.h"
#include "common/login_ledger.h"
#include "common/mem.h"
#include "common/omnitron.h"
#include "common/planner.h"

#include <stdio.h>

enum { TRIES = 3, LOOK_AGAIN_MS = 5 };

struct plan_command {
    struct cli *cli;
    struct http_client *http;
    struct login_ledger *ledger; /* NULL = none */
    struct omnitron_pool *pool;
    struct omnitron *omnitron;
    struct event *end; /* the parts are freed on a later turn than the callback they called */
    int exit_code;
};

static const struct {
    char sign;
    enum tone tone;
} looks[PLAN_KIND_COUNT] = {
    [PLAN_CREATE] = {'+', TONE_GOOD},      [PLAN_REACTIVATE] = {'~', TONE_BUSY},
    [PLAN_UPDATE] = {'~', TONE_BUSY},      [PLAN_DRIFTED] = {'!', TONE_BAD},
    [PLAN_REGISTERED] = {' ', TONE_QUIET},
};

static void print_action(const struct plan_action *action)
{
    terminal_tone(stdout, looks[action->kind].tone);
    (void)printf("%c %-11s %s -> %s", looks[action->kind].sign, plan_kind_name(action->kind),
                 action->webhook->event_type, action->webhook->target_url);
    for (int bit = 0; bit < WEBHOOK_FIELD_COUNT; bit++) {
        if ((action->fields & (1U << bit)) != 0) {
            (void)printf(" [%s]", webhook_field_name((enum webhook_field)(1U << bit)));
        }
    }
    terminal_tone(stdout, TONE_PLAIN);
    (void)putchar('\n');
}

static void print_text(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        print_action(&plan->actions[i]);
    }
    for (size_t i = 0; i < plan->warning_count; i++) {
        (void)printf("warning: %s: %s\n", plan_warning_name(plan->warnings[i].kind),
                     plan->warnings[i].detail);
    }
    (void)puts(plan_is_required(plan) ? "execute is required" : "nothing to do");
}

static void print_json(const struct plan *plan, const struct account *account)
{
    json_t *document = plan_to_json(plan, account);
    cli_print_json(document);
    json_decref(document);
}

static void on_end(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct plan_command *command = arg;
    if (command->ledger != NULL && login_ledger_is_settling(command->ledger)) {
        loop_timer_start(command->end, LOOK_AGAIN_MS);
        return;
    }
    omnitron_free(command->omnitron);
    omnitron_pool_free(command->pool);
    login_ledger_free(command->ledger);
    http_client_free(command->http);
    event_free(command->end);
    cli_end(command->cli, command->exit_code);
    mem_free(command);
}

static void on_list(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    struct plan_command *command = arg;
    struct cli *cli = command->cli;
    command->exit_code = CLI_FAILED;
    if (failure != NULL) {
        (void)fprintf(stderr, "omnihook: Omnitron's webhooks cannot be read: %s\n",
                      failure->error.text);
    } else {
        struct plan *plan = plan_make(cli->account, list);
        if (cli->is_json) {
            print_json(plan, cli->account);
        } else {
            print_text(plan);
        }
        command->exit_code = plan_is_required(plan) ? CLI_SOMETHING_TO_DO : CLI_OK;
        plan_free(plan);
    }
    hook_list_free(list);
    loop_timer_start(command->end, 0);
}

static void start(struct plan_command *command)
{
    struct cli *cli = command->cli;
    const struct omnitron_pool_options options = {
        .tries = TRIES,
        .retry = cli->config.retry,
        .retry_after_max_ms = cli->config.retry_after_max_ms,
        .ledger = command->ledger,
    };
    command->http = http_client_new(cli->loop, cli->account->omnitron.max_connections);
    command->pool = omnitron_pool_new(cli->loop, command->http, &options);
    command->omnitron = omnitron_new(command->pool, cli->settings, cli->account);
    (void)omnitron_list(command->omnitron, on_list, command);
}

static void on_redis(void *arg, const struct error *why_not)
{
    struct plan_command *command = arg;
    if (why_not == NULL) {
        command->ledger =
            login_ledger_new(command->cli->redis, command->cli->config.namespace_name);
    }
    start(command);
}

void command_plan(struct cli *cli)
{
    struct plan_command *command = mem_new(1, sizeof *command);
    command->cli = cli;
    command->end = loop_timer_new(cli->loop, on_end, command);
    /* An account that logs in shares its token with the other processes, where Redis is there. */
    if (secret_is_set(&cli->account->omnitron.username)) {
        cli_try_redis(cli, on_redis, command);
    } else {
        start(command);
    }
}
