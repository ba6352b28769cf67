/* omnihook-api: the HTTP front. */
#include "api/api.h"
#include "common/command_line.h"
#include "common/listen_socket.h"
#include "common/log.h"

static int run_one_of_many(const struct service_config *config, struct settings *settings_take,
                           struct api_process *process, struct listen_sockets *sockets)
{
    if (process->slot != NULL) {
        process->listener = listen_sockets_take(sockets, supervisor_slot_number(process->slot));
    } else {
        listen_sockets_close(sockets);
    }
    int exit_code = api_run(config, settings_take, process);
    supervisor_ops_free(process->ops);
    return exit_code;
}

/* What the parent holds for its children. */
struct held {
    const struct service_config *config;
    struct listen_sockets *sockets;
};

/* Once: whoever connects from here on is refused, or, where the socket was passed to us, waits for
   the next instance. The file goes first, or it might be that of a successor. */
static void let_go(void *arg)
{
    const struct held *held = arg;
    if (held->sockets->count > 0 && !held->sockets->is_inherited) {
        listen_socket_remove(&held->config->listen);
    }
    listen_sockets_close(held->sockets);
}

/* Several processes under one supervisor; this function goes on in each of them and in their
   parent. */
static int run_many(const struct service_config *config, struct settings *settings_take,
                    struct listen_sockets *sockets)
{
    struct api_process process = {.slot = NULL};
    struct held held = {.config = config, .sockets = sockets};
    const struct supervisor_options options = {
        .config = config, .program = METRICS_API, .on_stop = let_go, .arg = &held};
    int exit_code = EXIT_FAILED;
    if (supervisor_start(&options, &process.slot, &process.ops, &exit_code)) {
        return run_one_of_many(config, settings_take, &process, sockets);
    }
    settings_unref(settings_take);
    let_go(&held); /* when it could not start */
    return exit_code;
}

static int run(const struct service_config *config, struct settings *settings_take)
{
    struct api_process only = {.listener = -1};
    if (config->processes == 1 && !listen_socket_is_inherited()) {
        return api_run(config, settings_take, &only);
    }
    struct error err;
    struct listen_sockets sockets;
    if (!listen_sockets_open(&sockets, &config->listen, (size_t)config->processes, &err)) {
        log_error("cannot_start", log_reason(&err));
        settings_unref(settings_take);
        return EXIT_FAILED;
    }
    if (config->processes == 1) {
        only.listener = listen_sockets_take(&sockets, 0);
        return api_run(config, settings_take, &only);
    }
    return run_many(config, settings_take, &sockets);
}

int main(int argc, char **argv)
{
    struct service_config config;
    struct settings *settings = NULL;
    int exit_code = EXIT_FAILED;
    if (command_line_start(PROGRAM_API, argc, argv, &config, &settings, &exit_code)) {
        exit_code = run(&config, settings);
        service_config_clear(&config);
    }
    return exit_code;
}
