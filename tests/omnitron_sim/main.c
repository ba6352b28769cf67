/* omnitron-sim: an Omnitron for tests. Says where it listens in one line on stdout; ends at
   SIGTERM, SIGINT, and with its parent. */
#include "tests/omnitron_sim/listener.h"
#include "tests/omnitron_sim/options.h"
#include "tests/omnitron_sim/sim.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static void on_signal(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(context);
}

static bool run(struct event_base *base, const struct options *options, struct error *err)
{
    struct sim sim;
    sim_init(&sim, base, options);
    struct listener *listener = listener_start(&sim, err);
    if (listener != NULL) {
        (void)printf("listening on %s\n", listener_address(listener));
        (void)fflush(stdout);
        (void)event_base_dispatch(base);
    }
    sim_clear(&sim); /* before evhttp: see exchange_close_all */
    listener_free(listener);
    return listener != NULL;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(options_usage, stdout);
        return 0;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGPIPE, SIG_IGN);
    struct event_base *base = event_base_new();
    assert(base != NULL);
    struct event *signals[] = {evsignal_new(base, SIGTERM, on_signal, base),
                               evsignal_new(base, SIGINT, on_signal, base)};
    (void)event_add(signals[0], NULL);
    (void)event_add(signals[1], NULL);
    bool is_good = options_parse(&options, argc, argv, &err) && run(base, &options, &err);
    if (!is_good) {
        (void)fprintf(stderr, "omnitron-sim: %s\n%s", err.text, options_usage);
    }
    options_clear(&options);
    event_free(signals[0]);
    event_free(signals[1]);
    event_base_free(base);
    libevent_global_shutdown();
    return is_good ? 0 : 2;
}
