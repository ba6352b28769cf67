/* omnihook-worker: takes jobs from Redis and registers webhooks with Omnitron. */
#include "common/command_line.h"
#include "common/log.h"
#include "common/metrics_page.h"
#include "common/ops_server.h"
#include "common/service_redis.h"
#include "common/supervisor.h"
#include "worker/worker.h"

extern char **environ;

struct process {
    struct settings_store *settings;
    struct worker *worker;
};

static const struct metrics_page metrics = {.program = METRICS_WORKER,
                                            .get_process = metrics_get_own_process};

static void on_drain(void *arg)
{
    const struct process *process = arg;
    worker_drain(process->worker);
}

static void on_reload(void *arg)
{
    const struct process *process = arg;
    settings_store_reload(process->settings);
}

/* Takes settings. slot is NULL in the only process, which answers on the ops listener itself.
   Returns the exit code. */
static int work(const struct service_config *config, const struct redis_address *redis,
                struct settings *settings, struct supervisor_slot *slot)
{
    struct loop *loop = loop_new_for_transfers();
    struct process process = {.settings =
                                  settings_store_new(loop, config, environ, settings, NULL, NULL)};
    process.worker = worker_start(loop, config, redis, process.settings);
    struct ops_server_options options = {
        .address = &config->ops_listen, .get_health = worker_get_health, .arg = process.worker};
    struct ops_server *ops = NULL;
    struct supervisor_beat *beat = NULL;
    struct error err;
    int exit_code = EXIT_OK;
    if (slot != NULL) {
        beat = supervisor_beat_new(loop, slot, worker_get_health, process.worker);
    } else if (!ops_server_start(loop, &options, &ops, &err)) {
        log_error("start_failed", log_reason(&err));
        exit_code = EXIT_FAILED;
    }
    metrics_page_add(ops_server_pages(ops), &metrics);
    if (exit_code == EXIT_OK) {
        struct loop_handlers handlers = {
            .on_drain = on_drain, .on_reload = on_reload, .arg = &process};
        loop_handle_signals(loop, &handlers);
        (void)loop_run(loop);
    }
    supervisor_beat_free(beat);
    ops_server_free(ops);
    worker_free(process.worker);
    settings_store_free(process.settings);
    loop_free(loop);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct service_config config;
    struct settings *settings = NULL;
    int exit_code = EXIT_FAILED;
    if (!command_line_start(PROGRAM_WORKER, argc, argv, &config, &settings, &exit_code)) {
        return exit_code;
    }
    struct supervisor_slot *slot = NULL;
    struct redis_address redis;
    struct error err;
    bool is_usable = service_redis_address(&config, &redis, &err);
    if (!is_usable) {
        log_error("bad_redis_url", log_reason(&err));
        exit_code = EXIT_USAGE;
    }
    const struct supervisor_options options = {.config = &config, .program = METRICS_WORKER};
    bool is_parent =
        is_usable && config.processes > 1 && !supervisor_start(&options, &slot, NULL, &exit_code);
    if (is_usable && !is_parent) {
        exit_code = work(&config, &redis, settings, slot);
    } else {
        settings_unref(settings);
    }
    redis_address_clear(&redis);
    service_config_clear(&config);
    return exit_code;
}
