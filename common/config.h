/* Fills a struct from environment variables by a table of rows. An empty variable counts as unset;
   whatever is wrong becomes a fault that names the variable and never quotes its value. */
#ifndef OMNIHOOK_COMMON_CONFIG_H
#define OMNIHOOK_COMMON_CONFIG_H

#include "common/environment.h"
#include "common/faults.h"
#include "common/file_watch.h"

#include <stddef.h>
#include <stdint.h>

struct config_row;

/* Parses value (0-terminated, no 0 byte within) into the field of target at row->offset. Adds the
   faults and returns false when it is wrong; the field is then as before. */
typedef bool (*config_parse_fn)(const struct config_row *row, const struct secret *value,
                                void *target, struct faults *faults);

struct config_row {
    const char *name;
    config_parse_fn parse;
    size_t offset;
    const char *fallback; /* the default, as one would write it; NULL = the field stays zeroed */
    int64_t min, max;     /* of config_int */
    const char *const *choices; /* of config_choice; ends with NULL */
    size_t file_max_bytes;      /* of a NAME_FILE form's file; 0 = there is no such form */
    bool is_required;
};

/* Where values come from. All borrowed. */
struct config_source {
    const struct environment *environment;
    struct file_watch *files; /* watches the files of the NAME_FILE forms */
    struct faults *faults;
};

/* Strictly decimal, into an int64_t. */
bool config_int(const struct config_row *row, const struct secret *value, void *target,
                struct faults *faults);
/* UTF-8 without control characters, into a char * that the struct owns. */
bool config_text(const struct config_row *row, const struct secret *value, void *target,
                 struct faults *faults);
/* Any bytes but 0, into a char * that the struct owns. */
bool config_path(const struct config_row *row, const struct secret *value, void *target,
                 struct faults *faults);
/* Any bytes but 0, into a struct secret. */
bool config_secret(const struct config_row *row, const struct secret *value, void *target,
                   struct faults *faults);
/* One of row->choices, its place into an enum. */
bool config_choice(const struct config_row *row, const struct secret *value, void *target,
                   struct faults *faults);

/* The field of target that row is about. */
void *config_field(const struct config_row *row, void *target);

/* Reads each row from its variable, its NAME_FILE form, or its default. False when a fault was
   added. */
bool config_read(const struct config_row *rows, size_t count, void *target,
                 const struct config_source *source);

/* The variable or its NAME_FILE form is set. */
bool config_is_set(const struct environment *environment, const char *name);

/* The variable, or its NAME_FILE form, of the first size bytes of name is one of rows. */
bool config_knows(const struct config_row *rows, size_t count, const char *name, size_t size);

/* Reads a file's text as the NAME_FILE forms do: one newline ("\n" or "\r\n") at its end is
   dropped; an empty text and a 0 byte are errors. */
MUST_CHECK bool config_read_file(struct file_watch *files, const char *path, size_t max_bytes,
                                 struct secret *text, struct error *err);

#endif
