/* --probe: asks the ops listener of the daemon that runs with the same environment. For the health
   checks of containers, which then need neither a shell nor an HTTP client. */
#ifndef OMNIHOOK_COMMON_OPS_PROBE_H
#define OMNIHOOK_COMMON_OPS_PROBE_H

#include "common/listen_address.h"

/* Sends GET path to address and prints one line: what was answered on stdout, or on stderr what was
   wrong, after name. True when the answer was a 200. Blocks: only for a process that does nothing
   else, which is ended with status 1, and a line, when all of it takes over 3 s. */
MUST_CHECK bool ops_probe(const char *name, const struct listen_address *address, const char *path);

#endif
