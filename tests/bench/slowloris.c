/* Quiet and attacked by turns in one run, with the defaults of the API: each connection sends one
   byte a second of a header that never ends, and when it is cut off another one takes its place. */
#include "tests/bench/slowloris.h"

#include "common/mem.h"
#include "tests/bench/measure.h"
#include "tests/bench/wrk.h"
#include "tests/support/sockets.h"
#include "tests/support/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ATTACKERS = 2000,
    CONNECTIONS = 16,
    ROUNDS = 5,
    SECONDS = 15, /* longer than the time that a request may take to arrive */
    TURN_US = 20000,
    TURNS_A_SECOND = 50,
};

#define PREFIX "/api/v1/oms/setup/webhooks/"

struct attack {
    const char *address;
    int fds[ATTACKERS];
    size_t turn;
    size_t cut_off; /* and replaced */
};

static void open_one(struct attack *attack, size_t i)
{
    static const char begin[] = "GET " PREFIX "plan/ HTTP/1.1\r\nHost: x\r\nX-A: ";
    int fd = socket_connect(attack->address);
    if (fd < 0 || send(fd, begin, sizeof begin - 1, MSG_NOSIGNAL) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        perror("slowloris: cannot connect");
        exit(1);
    }
    attack->fds[i] = fd;
}

static struct attack *start_attack(const char *address)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    struct attack *attack = mem_new(1, sizeof *attack);
    attack->address = address;
    for (size_t i = 0; i < ATTACKERS; i++) {
        open_one(attack, i);
    }
    return attack;
}

static void drip(struct attack *attack, size_t i)
{
    char answer[1024];
    bool is_open = send(attack->fds[i], "a", 1, MSG_NOSIGNAL) == 1 &&
                   recv(attack->fds[i], answer, sizeof answer, 0) < 0 && errno == EAGAIN;
    if (!is_open) {
        (void)close(attack->fds[i]);
        attack->cut_off++;
        open_one(attack, i);
    }
}

/* A part of them sends its byte: all have, after a second. */
static void go_on(struct attack *attack)
{
    for (size_t i = attack->turn++ % TURNS_A_SECOND; i < ATTACKERS; i += TURNS_A_SECOND) {
        drip(attack, i);
    }
}

static void end_attack(struct attack *attack)
{
    for (size_t i = 0; i < ATTACKERS; i++) {
        (void)close(attack->fds[i]);
    }
    mem_free(attack);
}

/* attack NULL = quiet. Gives the p99. */
static double measure(struct stack *stack, const char *keys, struct attack *attack)
{
    const struct wrk_options options = {.address = stack_api_address(stack, 0),
                                        .method = "GET",
                                        .path = PREFIX "get_async_status/",
                                        .keys = keys,
                                        .connections = CONNECTIONS,
                                        .seconds = SECONDS};
    pid_t api = process_pid(stack_api(stack, 0));
    double before = measure_cpu_s(api);
    struct wrk *wrk = wrk_start(&options, stack_dir(stack));
    while (wrk_is_running(wrk)) {
        if (attack != NULL) {
            go_on(attack);
        }
        (void)usleep(TURN_US);
    }
    struct wrk_result result = wrk_finish(wrk);
    (void)printf("%-10s %8.0f req/s  p50 %5.2f  p99 %5.2f ms  %5.2f CPU-s per 100k  %ld errors  "
                 "%.1f MiB",
                 attack == NULL ? "quiet" : "attacked", (double)result.requests / result.seconds,
                 result.p50_ms, result.p99_ms,
                 (measure_cpu_s(api) - before) * 1e5 / (double)result.requests, (long)result.errors,
                 measure_rss_mib(api));
    if (attack != NULL) {
        (void)printf("  %d open, %zu cut off and replaced", ATTACKERS, attack->cut_off);
    }
    (void)putchar('\n');
    (void)fflush(stdout);
    return result.p99_ms;
}

void slowloris_print(void)
{
    const struct stack_account account = {.name = "a0", .webhooks = "[]"};
    const struct stack_options options = {
        .accounts = &account, .account_count = 1, .api_count = 1, .is_tcp = true};
    struct stack *stack = stack_new(&options);
    char *keys = temp_dir_join(stack_dir(stack), "keys");
    char line[128];
    (void)snprintf(line, sizeof line, "%s\n", stack_key(stack, "a0"));
    temp_dir_replace_file(stack_dir(stack), "keys", line);
    (void)printf("get_async_status, %d connections, and %d whose requests never end\n", CONNECTIONS,
                 ATTACKERS);
    double quiet_ms[ROUNDS], attacked_ms[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        quiet_ms[i] = measure(stack, keys, NULL);
        struct attack *attack = start_attack(stack_api_address(stack, 0));
        attacked_ms[i] = measure(stack, keys, attack);
        end_attack(attack);
    }
    double quiet = measure_median(quiet_ms, ROUNDS);
    double attacked = measure_median(attacked_ms, ROUNDS);
    (void)printf("p99, medians of %d rounds: quiet %.2f ms, attacked %.2f ms: x%.2f\n", ROUNDS,
                 quiet, attacked, attacked / quiet);
    mem_free(keys);
    stack_free(stack);
}
