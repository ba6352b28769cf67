#include "tests/support/fail.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORDS_SIZE = 1024 }; /* cmocka cuts its messages there, too */

_Noreturn void fail_at(const char *file, int line, const char *format, ...)
{
    char words[WORDS_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    print_error("%s\n", words);
    _fail(file, line);
    abort(); /* never reached: _fail leaves the test, or the process */
}
