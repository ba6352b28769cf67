/* What settings_store needs of the settings besides settings.h: the files they came from. */
#ifndef OMNIHOOK_COMMON_SETTINGS_READ_H
#define OMNIHOOK_COMMON_SETTINGS_READ_H

#include "common/file_watch.h"
#include "common/settings.h"

/* As settings_load; files (zeroed by the caller, to be cleared in any case) watches what was read,
   the main file first. */
MUST_CHECK struct settings *settings_read(const struct service_config *config,
                                          char *const *environment, struct file_watch *files,
                                          struct faults *faults);

/* Moves the watch that settings_load has kept to the caller. */
struct file_watch settings_take_files(struct settings *settings);

#endif
