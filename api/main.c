/* omnihook-api: the HTTP front. */
#include "api/api.h"
#include "common/command_line.h"
#include "common/listen_socket.h"
#include "common/log.h"

#include <unistd.h>

/* Several processes under one supervisor; this function goes on in each of them and in their
   parent. */
static int run_many(const struct service_config *config, struct settings *settings_take)
{
    struct error err;
    struct api_process process = {.reserved = listen_socket_reserve(&config->listen, &err)};
    if (process.reserved < 0) {
        log_error("cannot_start", log_reason(&err));
        settings_unref(settings_take);
        return EXIT_FAILED;
    }
    int exit_code = EXIT_FAILED;
    if (supervisor_start(config, &process.slot, &exit_code)) {
        exit_code = api_run(config, settings_take, &process);
    } else {
        settings_unref(settings_take);
        listen_socket_remove(&config->listen);
    }
    (void)close(process.reserved);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct service_config config;
    struct settings *settings = NULL;
    int exit_code = EXIT_FAILED;
    if (command_line_start(PROGRAM_API, argc, argv, &config, &settings, &exit_code)) {
        exit_code =
            config.processes > 1 ? run_many(&config, settings) : api_run(&config, settings, NULL);
        service_config_clear(&config);
    }
    return exit_code;
}
