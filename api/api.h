/* The parts of omnihook-api, from start to stop. */
#ifndef OMNIHOOK_API_API_H
#define OMNIHOOK_API_API_H

#include "common/service_config.h"
#include "common/settings.h"
#include "common/supervisor.h"

/* How this process was started. */
struct api_process {
    /* One of several: where it tells its health, having no ops listener of its own. NULL = the only
       one, or ... */
    struct supervisor_slot *slot;
    /* ... the one that has nothing but the ops listener, for all of several. */
    struct supervisor_ops *ops;
    int listener; /* of listen_sockets_take, owned by api_run; -1 = it opens its own */
};

/* Runs until a signal ends it. config and process are borrowed. Returns the process's exit code. */
int api_run(const struct service_config *config, struct settings *settings_take,
            const struct api_process *process);

#endif
