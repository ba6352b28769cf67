/* What every forked child of a test does first. */
#ifndef OMNIHOOK_TESTS_SUPPORT_CHILD_H
#define OMNIHOOK_TESTS_SUPPORT_CHILD_H

#include <sys/types.h>

/* Called in the child. It will be killed when the test (parent) ends, however that ends; the test's
   descriptors above stderr are closed, but for the two given (-1 = none): a copy here would keep
   connections open that the test has closed. Ends the child when the test has gone already. Only
   async-signal-safe calls. */
void child_begin(pid_t parent, int keep, int keep_too);

#endif
