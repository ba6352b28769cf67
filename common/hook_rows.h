/* The rows of Omnitron's list while its pages come in: each id once, however often pages repeat it,
   and over several readings of the whole list. For omnitron_list.c. */
#ifndef OMNIHOOK_COMMON_HOOK_ROWS_H
#define OMNIHOOK_COMMON_HOOK_ROWS_H

#include "common/webhook.h"

#include <stddef.h>

/* Embedded: pair hook_rows_init with hook_rows_clear. */
struct hook_rows {
    struct registered_hook *hooks; /* owned */
    unsigned *readings;            /* in which reading each was seen last */
    size_t count;
    size_t capacity;
    size_t bytes;     /* of the rows' texts */
    unsigned reading; /* 1 = the first */
    size_t seen;      /* of count: in this reading */
    size_t *slots;    /* open addressing: an index + 1; 0 = free */
    size_t slot_count;
    uint64_t seed; /* ids come from outside */
};

void hook_rows_init(struct hook_rows *rows);
void hook_rows_clear(struct hook_rows *rows);

/* The list is read once more, from its start. What was seen before stays. */
void hook_rows_start_reading(struct hook_rows *rows);

/* Adds the hook, or puts it in the place of the one with its id: the later answer knows better.
   Takes what it owns. False when that id was already seen in this reading. */
bool hook_rows_take(struct hook_rows *rows, struct registered_hook *hook);

/* Drops what was not seen in this reading: it is gone from the list. */
void hook_rows_keep_seen(struct hook_rows *rows);

#endif
