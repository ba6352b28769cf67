/* Prepares what a command needs, runs the loop until the command ends, and takes it all down. */
#include "cli/cli.h"
#include "cli/terminal.h"

#include "common/now.h"
#include "common/service_redis.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ACCOUNTS_SHOWN = 10, AWAY_MAX_MS = 60000 };

static bool read_redis_url(struct cli *cli)
{
    struct error err;
    bool is_good = service_redis_address(&cli->config, &cli->redis_address, &err);
    if (!is_good) {
        (void)fprintf(stderr, "REDIS_URL: %s\n", err.text);
    }
    return is_good;
}

static bool needs_settings(const struct cli *cli)
{
    return cli->command->need == CLI_NEEDS_SETTINGS ||
           cli->command->need == CLI_NEEDS_SETTINGS_AND_REDIS;
}

static bool needs_redis(const struct cli *cli)
{
    return cli->command->need == CLI_NEEDS_REDIS ||
           cli->command->need == CLI_NEEDS_SETTINGS_AND_REDIS;
}

/* The account does not exist, or none is named: which do. */
static void say_accounts(const struct cli *cli)
{
    size_t count = settings_account_count(cli->settings);
    if (cli->account_name == NULL) {
        (void)fprintf(stderr, "omnihook: %s needs an ACCOUNT", cli->command->name);
    } else {
        char name[256];
        (void)snprintf(name, sizeof name, "%s", cli->account_name);
        text_make_plain(name);
        (void)fprintf(stderr, "omnihook: there is no account '%s'", name);
    }
    (void)fputs("; the settings have", stderr);
    for (size_t i = 0; i < count && i < ACCOUNTS_SHOWN; i++) {
        (void)fprintf(stderr, "%s %s", i == 0 ? "" : ",",
                      settings_account_at(cli->settings, i)->name);
    }
    if (count > ACCOUNTS_SHOWN) {
        (void)fprintf(stderr, " and %zu more", count - ACCOUNTS_SHOWN);
    }
    (void)fprintf(stderr, "%s\n", count == 0 ? " none" : "");
}

/* False when there is none such, which has been said. */
static bool find_account(struct cli *cli)
{
    if (cli->account_name == NULL && cli->command->argument != CLI_ONE_ACCOUNT) {
        return true;
    }
    if (cli->account_name == NULL && settings_account_count(cli->settings) == 1) {
        cli->account_name = settings_account_at(cli->settings, 0)->name;
    }
    cli->account =
        cli->account_name == NULL ? NULL : settings_find_account(cli->settings, cli->account_name);
    if (cli->account == NULL) {
        say_accounts(cli);
    }
    return cli->account != NULL;
}

/* Configuration, settings and the account, as needed; false when one is bad, which has been said.
 */
static bool load(struct cli *cli)
{
    extern char **environ;
    bool is_good = service_config_load(&cli->config, PROGRAM_CLI, environ, &cli->faults);
    log_setup("omnihook", LOG_WARN, LOG_LOGFMT);
    if (needs_settings(cli)) {
        cli->settings = settings_load(&cli->config, environ, &cli->faults);
        is_good = is_good && cli->settings != NULL;
    }
    faults_print(&cli->faults);
    return is_good && read_redis_url(cli) && find_account(cli);
}

void cli_end(struct cli *cli, int exit_code)
{
    cli->exit_code = exit_code;
    loop_quit(cli->loop);
}

void cli_fail(struct cli *cli, const char *what, const struct error *why)
{
    (void)fprintf(stderr, "omnihook: %s: %s\n", what, why->text);
    cli_end(cli, CLI_FAILED);
}

bool cli_may_read_again(struct cli *cli, const struct error *why_not, bool is_endless)
{
    if (!is_endless && why_not->code != ERROR_UNAVAILABLE && why_not->code != ERROR_TIMEOUT) {
        return false;
    }
    int64_t now_ms = now_mono_ms();
    if (cli->away_since_ms == 0) {
        cli->away_since_ms = now_ms;
        (void)fprintf(stderr, "%somnihook: the status cannot be read, and is tried again: %s\n",
                      terminal_is(stderr) ? "\r\033[K" : "", why_not->text);
    }
    return is_endless || now_ms - cli->away_since_ms < AWAY_MAX_MS;
}

void cli_has_read(struct cli *cli)
{
    cli->away_since_ms = 0;
}

bool cli_flush(struct cli *cli)
{
    errno = 0;
    bool is_written = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (!is_written && !cli->is_output_lost) {
        cli->is_output_lost = true;
        if (errno != EPIPE) {
            (void)fprintf(stderr, "omnihook: the output could not be written%s%s\n",
                          errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
        }
    }
    return !cli->is_output_lost;
}

void cli_fail_usage(struct cli *cli, const char *what)
{
    (void)fprintf(stderr, "omnihook: %s\nusage: omnihook %s %s\n", what, cli->command->name,
                  cli->command->usage);
    cli_end(cli, CLI_USAGE);
}

const char *cli_text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text == NULL ? "" : text;
}

int64_t cli_number_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

void cli_print_json(const json_t *document)
{
    (void)json_dumpf(document, stdout, JSON_COMPACT);
    (void)putchar('\n');
}

static void on_redis_state(void *arg, bool is_up, const struct error *why_down)
{
    struct cli *cli = arg;
    if (cli->is_redis_told) {
        return;
    }
    cli->is_redis_told = true;
    if (cli->on_redis != NULL) {
        cli->on_redis(cli->on_redis_arg, why_down);
    } else if (is_up) {
        cli->command->start(cli);
    } else {
        cli_fail(cli, "Redis cannot be used", why_down);
    }
}

/* Connects; the command starts, or goes on, when it is known whether Redis is there. */
static void connect_redis(struct cli *cli)
{
    const struct redis_options redis_options = {.address = &cli->redis_address,
                                                .name = "omnihook-cli",
                                                .timeout_ms = cli->config.redis_timeout_ms,
                                                .on_state = on_redis_state,
                                                .arg = cli};
    cli->redis = redis_client_new(cli->loop, &redis_options);
    const struct job_queue_options queue_options = {
        .namespace_name = cli->config.namespace_name,
        .lease_ms = cli->config.lease_ms,
        .queue_max = cli->config.queue_max,
        .result_ttl_s = cli->config.result_ttl_s,
        .job_attempts = cli->config.job_attempts,
        .job_max_age_ms = cli->config.job_max_age_ms,
        .retry = cli->config.retry,
        .wait_replicas = cli->config.redis_wait_replicas,
        .wait_ms = service_redis_wait_ms(&cli->config),
    };
    cli->queue = job_queue_new(cli->redis, &queue_options);
}

void cli_try_redis(struct cli *cli, cli_redis_fn *fn, void *arg)
{
    cli->on_redis = fn;
    cli->on_redis_arg = arg;
    connect_redis(cli);
}

static void on_start(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct cli *cli = arg;
    cli->command->start(cli);
}

int cli_run(struct cli *cli)
{
    if (cli->command->need != CLI_NEEDS_NOTHING && !load(cli)) {
        return CLI_USAGE;
    }
    cli->loop = loop_new();
    struct event *start = loop_timer_new(cli->loop, on_start, cli);
    if (needs_redis(cli)) {
        connect_redis(cli);
    } else {
        loop_timer_start(start, 0);
    }
    (void)loop_run(cli->loop);
    event_free(start);
    return cli->exit_code;
}

void cli_clear(struct cli *cli)
{
    redis_client_free(cli->redis);
    job_queue_free(cli->queue);
    redis_address_clear(&cli->redis_address);
    if (cli->settings != NULL) {
        settings_unref(cli->settings);
    }
    faults_clear(&cli->faults);
    service_config_clear(&cli->config);
    loop_free(cli->loop);
}
