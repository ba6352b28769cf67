#include "common/queue_keys.h"

#include <assert.h>
#include <stdio.h>

char *queue_key_print(char text[QUEUE_KEY_SIZE], const char *namespace_name, enum queue_key key,
                      const char *of)
{
    static const char *const names[] = {
        [QUEUE_KEY_PREFIX] = "",
        [QUEUE_KEY_QUEUE] = "queue",
        [QUEUE_KEY_DELAYED] = "delayed",
        [QUEUE_KEY_ACTIVE] = "active",
        [QUEUE_KEY_DEAD] = "dead",
        [QUEUE_KEY_TOTALS] = "totals",
        [QUEUE_KEY_EVENTS] = "events",
        [QUEUE_KEY_HINTS] = "hints:",
        [QUEUE_KEY_WORKERS] = "workers",
        [QUEUE_KEY_WORKER] = "worker:",
        [QUEUE_KEY_PROCESSING] = "processing:",
        [QUEUE_KEY_STATUS] = "status:",
        [QUEUE_KEY_HISTORY] = "history:",
    };
    int size = snprintf(text, QUEUE_KEY_SIZE, "{%s}:%s%s", namespace_name, names[key],
                        of == NULL ? "" : of);
    assert(size > 0 && size < QUEUE_KEY_SIZE);
    return text;
}
