/* A table of texts: as wide as its cells, the last column as long as it likes. */
#ifndef OMNIHOOK_CLI_TABLE_H
#define OMNIHOOK_CLI_TABLE_H

#include "cli/terminal.h"

#include <jansson.h>

struct table_column {
    const char *heading;
    const char *member; /* of the row's object: a text, a number, or null = "-" */
    bool is_never_cut;  /* the last one: a terminal is to break the line instead */
};

/* Prints one line for each object in the array rows, under a line of headings. Only a terminal gets
   lines cut at its width, and is told when there are no rows. Control characters are shown as '?'.
 */
void table_print(FILE *stream, const struct table_column *columns, size_t column_count,
                 const json_t *rows);

#endif
