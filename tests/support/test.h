/* What cmocka needs before it, in the order it needs it, and cmocka. */
#ifndef OMNIHOOK_TESTS_SUPPORT_TEST_H
#define OMNIHOOK_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
