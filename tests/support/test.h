/* What cmocka needs before it, in the order it needs it, and cmocka. */
#ifndef OMNIHOOK_TESTS_SUPPORT_TEST_H
#define OMNIHOOK_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* How much less than a timer's time may seem to have passed: its clock is not the one that is
   looked at (libevent's is coarse, curl has its own), and both are cut to whole ms. */
enum { CLOCK_SLACK_MS = 10 };

#endif
