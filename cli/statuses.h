/* The statuses of one account or of all, read from Redis a piece at a time, so that a long list
   needs no memory. */
#ifndef OMNIHOOK_CLI_STATUSES_H
#define OMNIHOOK_CLI_STATUSES_H

#include "cli/cli.h"

#include <jansson.h>

/* row is one object of list_statuses.lua, borrowed. */
typedef void status_row_fn(void *arg, const json_t *row);
typedef void statuses_done_fn(void *arg, const struct error *why_not);

/* Of the ACCOUNT argument, or of the settings' first accounts_max, in their order. on_done comes
   once, after this has returned and after the last row. */
void statuses_read(struct cli *cli, size_t accounts_max, status_row_fn *on_row,
                   statuses_done_fn *on_done, void *arg);

#endif
