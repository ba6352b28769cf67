#include "common/queue_keys.h"

#include <assert.h>
#include <string.h>

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
    const char *const parts[] = {"{", namespace_name, "}:", names[key], of == NULL ? "" : of};
    size_t size = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t added = strlen(parts[i]);
        assert(added < QUEUE_KEY_SIZE - size);
        memcpy(text + size, parts[i], added);
        size += added;
    }
    text[size] = '\0';
    return text;
}
