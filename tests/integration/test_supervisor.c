/* The supervisor and its children, in the test's own process. */
#include "common/supervisor.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/* Shared by all processes. */
struct record {
    _Atomic int born;
    _Atomic int drained;
    _Atomic int reloaded;
};

static struct record *record;

/* Before anything that the supervisor does in the child. */
static void on_birth(void)
{
    if (atomic_fetch_add(&record->born, 1) == 0) {
        (void)kill(getpid(), SIGHUP);
        (void)kill(getpid(), SIGTERM);
    }
}

static void on_drain(void *arg)
{
    (void)atomic_fetch_add(&record->drained, 1);
    loop_quit(arg);
}

static void on_reload(void *arg)
{
    (void)arg;
    (void)atomic_fetch_add(&record->reloaded, 1);
}

static void get_health(void *arg, struct ops_health *health)
{
    (void)arg;
    health->not_ready = NULL;
}

/* All that a child does; the second one stops the supervisor. */
static void work(struct supervisor_slot *slot)
{
    struct loop *loop = loop_new();
    struct supervisor_beat *beat = supervisor_beat_new(loop, slot, get_health, NULL);
    const struct loop_handlers handlers = {
        .on_drain = on_drain, .on_reload = on_reload, .arg = loop};
    loop_handle_signals(loop, &handlers);
    if (atomic_load(&record->born) == 2) {
        (void)kill(getppid(), SIGTERM);
    }
    bool is_graceful = loop_run(loop);
    supervisor_beat_free(beat);
    loop_free(loop);
    _exit(is_graceful ? 0 : 1);
}

static void signals_that_a_new_child_gets_are_its_own_and_not_its_parents(void **state)
{
    (void)state;
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(record != MAP_FAILED);
    assert_int_equal(pthread_atfork(NULL, NULL, on_birth), 0);
    const struct service_config config = {.processes = 1};
    const struct supervisor_options options = {.config = &config, .program = METRICS_WORKER};
    struct supervisor_slot *slot = NULL;
    int exit_code = -1;
    if (supervisor_start(&options, &slot, NULL, &exit_code)) {
        work(slot);
    }
    assert_int_equal(exit_code, 0);
    assert_int_equal(atomic_load(&record->born), 2);
    assert_int_equal(atomic_load(&record->reloaded), 1);
    assert_int_equal(atomic_load(&record->drained), 2);
    assert_int_equal(munmap(record, sizeof *record), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_that_a_new_child_gets_are_its_own_and_not_its_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
