/* Everything that is wrong with a configuration, collected so that all of it is told at once. */
#ifndef OMNIHOOK_COMMON_FAULTS_H
#define OMNIHOOK_COMMON_FAULTS_H

#include "common/error.h"

#include <stddef.h>

enum { FAULTS_SHOWN_MAX = 100 };

/* Zeroed = empty. Owns its lines; pair with faults_clear. */
struct faults {
    char *lines[FAULTS_SHOWN_MAX];
    size_t count; /* of all faults; only the first FAULTS_SHOWN_MAX have a line */
    /* Owned: things that work but are probably not meant; behind FAULTS_SHOWN_MAX of them one line
       that says how many more there are. */
    char **warnings;
    size_t warning_count; /* lines */
    size_t more_warnings; /* without a line */
};

/* One line, "<place>: <what was expected>", without a secret. */
void faults_add(struct faults *faults, const char *format, ...) PRINTF_LIKE(2, 3);
void faults_warn(struct faults *faults, const char *format, ...) PRINTF_LIKE(2, 3);

/* Writes each fault as a line on stderr, then "… and N more" when there are more than shown. */
void faults_print(const struct faults *faults);
void faults_clear(struct faults *faults);

#endif
