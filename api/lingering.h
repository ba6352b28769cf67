/* Connections that are over for us while their caller may still be sending. Closing one at once
   would make the kernel answer those bytes with a reset, which destroys our last answer on its way;
   so what comes is thrown away for a while first. */
#ifndef OMNIHOOK_API_LINGERING_H
#define OMNIHOOK_API_LINGERING_H

#include "common/loop.h"

struct lingering;

enum { LINGERING_MAX = 256 }; /* descriptors at once; beyond, the oldest is closed */

struct lingering *lingering_new(struct loop *loop);
/* Closes all. */
void lingering_free(struct lingering *lingering);

/* Takes a share of the descriptor, which its owner then shuts down and closes as usual. The loop is
   one that knows at once when a descriptor is watched no more (loop_new). */
void lingering_add(struct lingering *lingering, int descriptor);

#endif
