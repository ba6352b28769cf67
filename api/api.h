/* The parts of omnihook-api, from start to stop. */
#ifndef OMNIHOOK_API_API_H
#define OMNIHOOK_API_API_H

#include "common/service_config.h"
#include "common/settings.h"
#include "common/supervisor.h"

/* One of several processes that serve one address. */
struct api_process {
    struct supervisor_slot *slot; /* where it tells its health; it has no ops listener of its own */
    int reserved;                 /* of listen_socket_reserve */
};

/* Runs until a signal ends it. config is borrowed; process is NULL when there is but one. Returns
   the process's exit code. */
int api_run(const struct service_config *config, struct settings *settings_take,
            const struct api_process *process);

#endif
