/* Prepares what a command needs, runs the loop until the command ends, and takes it all down. */
#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

/* Configuration, settings and the account; false when one is bad, which has been said. */
static bool load(struct cli *cli)
{
    extern char **environ;
    struct faults faults = {0};
    bool is_good = service_config_load(&cli->config, PROGRAM_CLI, environ, &faults);
    log_setup("omnihook", LOG_WARN, LOG_LOGFMT);
    cli->settings = settings_load(&cli->config, environ, &faults);
    faults_print(&faults);
    faults_clear(&faults);
    if (!is_good || cli->settings == NULL) {
        return false;
    }
    if (cli->account_name == NULL) {
        return true;
    }
    cli->account = settings_find_account(cli->settings, cli->account_name);
    if (cli->account == NULL) {
        (void)fprintf(stderr, "omnihook: there is no account '%s'\n", cli->account_name);
    }
    return cli->account != NULL;
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

static void on_redis_state(void *arg, bool is_up, const struct error *why_down)
{
    struct cli *cli = arg;
    if (is_up && !cli->is_started) {
        cli->is_started = true;
        cli->command->start(cli);
    } else if (!is_up && !cli->is_started) {
        cli_fail(cli, "Redis cannot be used", why_down);
    }
}

/* Connects; the command starts when Redis is there. False when REDIS_URL is bad. */
static bool connect_redis(struct cli *cli)
{
    struct error err;
    if (!redis_address_parse(&cli->redis_address, cli->config.redis_url.value, &err)) {
        (void)fprintf(stderr, "REDIS_URL: %s\n", err.text);
        return false;
    }
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
    };
    cli->queue = job_queue_new(cli->redis, &queue_options);
    return true;
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
    if (cli->command->need != CLI_NEEDS_REDIS) {
        loop_timer_start(start, 0);
    } else if (!connect_redis(cli)) {
        loop_quit(cli->loop);
        event_free(start);
        return CLI_USAGE;
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
    service_config_clear(&cli->config);
    loop_free(cli->loop);
}
