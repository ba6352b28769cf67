#include "tests/soak/findings.h"

#include "common/now.h"

#include <stdarg.h>
#include <stdio.h>

enum { PRINTED_MAX = 40 }; /* of each kind: one fault can show in every account */

static size_t counts[FINDING_KINDS];

void findings_add(enum finding finding, const char *format, ...)
{
    static const char *const names[FINDING_KINDS] = {
        [FOUND_LOST] = "LOST",       [FOUND_DUPLICATED] = "DUPLICATED", [FOUND_STUCK] = "STUCK",
        [FOUND_CRASHED] = "CRASHED", [FOUND_WRONG] = "WRONG",
    };
    if (counts[finding]++ >= PRINTED_MAX) {
        return;
    }
    char at[NOW_ISO_SIZE];
    char words[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    (void)printf("%s %s: %s\n", now_iso(at, now_wall_ms()), names[finding], words);
    (void)fflush(stdout);
}

size_t findings_count(enum finding finding)
{
    return counts[finding];
}

size_t findings_total(void)
{
    size_t total = 0;
    for (int i = 0; i < FINDING_KINDS; i++) {
        total += counts[i];
    }
    return total;
}
