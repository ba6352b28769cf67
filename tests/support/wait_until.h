/* Waiting for a fact, never for a time. */
#ifndef OMNIHOOK_TESTS_SUPPORT_WAIT_UNTIL_H
#define OMNIHOOK_TESTS_SUPPORT_WAIT_UNTIL_H

#include <stdbool.h>
#include <stdint.h>

/* Asks is_true(arg) again and again, a few ms apart, until it is true (true) or limit_ms have
   passed (false). It is asked at least once. */
bool wait_until(bool (*is_true)(void *), void *arg, int64_t limit_ms);

/* The same; the test fails, with the fact's words, when it does not come true. */
#define assert_becomes_true(is_true, arg, limit_ms)                                                \
    assert_becomes_true_at(is_true, arg, limit_ms, #is_true, __FILE__, __LINE__)

/* For assert_becomes_true only. */
void assert_becomes_true_at(bool (*is_true)(void *), void *arg, int64_t limit_ms, const char *fact,
                            const char *file, int line);

/* One pause between two looks at something. The only sleep in the tests: loops that poll call it,
   nothing else. */
void wait_a_little(void);

#endif
