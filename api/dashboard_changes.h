/* Thins out the news of jobs: at most one a CHANGES_GAP_MS for each account, of which the last is
   never lost. Bounded: of more accounts than CHANGES_ACCOUNTS_MAX at once it keeps none, and says
   so. Pure. */
#ifndef OMNIHOOK_API_DASHBOARD_CHANGES_H
#define OMNIHOOK_API_DASHBOARD_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHANGES_GAP_MS = 50, CHANGES_ACCOUNTS_MAX = 2048, CHANGE_MAX_BYTES = 2048 };

struct dashboard_changes;

/* line: a JSON object in one line, borrowed until it returns. */
typedef void dashboard_change_fn(void *arg, const char *line, size_t size);

struct dashboard_changes *dashboard_changes_new(dashboard_change_fn *fn, void *arg);
void dashboard_changes_free(struct dashboard_changes *changes);
void dashboard_changes_clear(struct dashboard_changes *changes);

/* Takes a message of the job machine's channel. Calls fn with it, or keeps it in the place of one
   that is kept. What is no message of ours is ignored. False: there are too many, all are
   forgotten, and whoever wants to know how things stand must ask. */
bool dashboard_changes_take(struct dashboard_changes *changes, const char *message, size_t size,
                            int64_t now_ms);

/* Calls fn with what has been kept for long enough. Gives whether there is more to come, so that it
   is to be called again. */
bool dashboard_changes_flush(struct dashboard_changes *changes, int64_t now_ms);

#endif
