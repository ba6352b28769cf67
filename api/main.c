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

/* Several processes under one supervisor; this function goes on in each of them and in their
   parent. */
static int run_many(const struct service_config *config, struct settings *settings_take,
                    struct listen_sockets *sockets)
{
    struct api_process process = {.slot = NULL};
    int exit_code = EXIT_FAILED;
    if (supervisor_start(config, METRICS_API, &process.slot, &process.ops, &exit_code)) {
        return run_one_of_many(config, settings_take, &process, sockets);
    }
    settings_unref(settings_take);
    if (!sockets->is_inherited) {
        listen_socket_remove(&config->listen);
    }
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
    int exit_code = run_many(config, settings_take, &sockets);
    listen_sockets_close(&sockets);
    return exit_code;
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
