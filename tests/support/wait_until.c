#include "tests/support/wait_until.h"

#include "common/now.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <time.h>

enum { PAUSE_NS = 3 * 1000 * 1000 };

void wait_a_little(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};
    (void)nanosleep(&pause, NULL);
}

bool wait_until(bool (*is_true)(void *), void *arg, int64_t limit_ms)
{
    int64_t end_ms = now_mono_ms() + limit_ms;
    for (;;) {
        if (is_true(arg)) {
            return true;
        }
        if (now_mono_ms() >= end_ms) {
            return false;
        }
        wait_a_little();
    }
}

void assert_becomes_true_at(bool (*is_true)(void *), void *arg, int64_t limit_ms, const char *fact,
                            const char *file, int line)
{
    if (!wait_until(is_true, arg, limit_ms)) {
        print_error("%s: not true within %" PRId64 " ms\n", fact, limit_ms);
        _fail(file, line);
    }
}
