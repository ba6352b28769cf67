/* Our event loop inside a test: turned until a fact is true. */
#ifndef OMNIHOOK_TESTS_SUPPORT_LOOP_UNTIL_H
#define OMNIHOOK_TESTS_SUPPORT_LOOP_UNTIL_H

#include "common/loop.h"
#include "tests/support/fail.h"

#include <stdbool.h>
#include <stdint.h>

/* Turns the loop until is_true(arg) (true) or until limit_ms have passed (false). It is asked
   before and after each turn; a turn waits a few ms at most. */
bool loop_until(struct loop *loop, bool (*is_true)(void *), void *arg, int64_t limit_ms);

/* The same; the test fails, with the fact's words, when it does not come true. */
#define assert_loop_reaches(loop, is_true, arg, limit_ms)                                          \
    (loop_until(loop, is_true, arg, limit_ms)                                                      \
         ? (void)0                                                                                 \
         : fail_because("%s: not true within %d ms", #is_true, (int)(limit_ms)))

/* One turn, which waits for nothing. */
void loop_turn(struct loop *loop);

#endif
