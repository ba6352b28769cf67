/* Ends the running test with words: cmocka's fail_msg for functions that give something back. It
   tells the compiler that it does not return, and it is an expression, not a loop. */
#ifndef OMNIHOOK_TESTS_SUPPORT_FAIL_H
#define OMNIHOOK_TESTS_SUPPORT_FAIL_H

#include "common/error.h"

#define fail_because(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* Use the macro. Outside of a test (a benchmark) it ends the process. */
_Noreturn void fail_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
