/* Reading the list as a part of another call. For the omnitron_*.c files. */
#ifndef OMNIHOOK_COMMON_OMNITRON_LIST_H
#define OMNIHOOK_COMMON_OMNITRON_LIST_H

#include "common/omnitron_call.h"

/* omnitron_find whose call is ended by its owner (omnitron_call_end), not by the omnitron's end. */
struct omnitron_call *omnitron_find_part(struct omnitron *omnitron, const struct webhook *webhook,
                                         omnitron_list_fn *fn, void *arg);

#endif
