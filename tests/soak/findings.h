/* What a run has found wrong. Each finding is printed when it is found. */
#ifndef OMNIHOOK_TESTS_SOAK_FINDINGS_H
#define OMNIHOOK_TESTS_SOAK_FINDINGS_H

#include "common/error.h"

#include <stddef.h>

enum finding {
    FOUND_LOST,       /* an accepted call that was not done, or a change of settings not applied */
    FOUND_DUPLICATED, /* a webhook that was created twice */
    FOUND_STUCK,      /* something that does not end, or does not come back */
    FOUND_CRASHED,    /* a program that ended by itself, badly, or with a sanitizer's report */
    FOUND_WRONG,      /* anything else that must not be: an answer, a key, a sum */
    FINDING_KINDS,
};

void findings_add(enum finding finding, const char *format, ...) PRINTF_LIKE(2, 3);
size_t findings_count(enum finding finding);
size_t findings_total(void);

#endif
