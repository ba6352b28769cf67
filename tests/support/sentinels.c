#include "tests/support/sentinels.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { SENTINELS_MAX = 3, START_LIMIT_MS = 60000, ASK_LIMIT_S = 2, CONFIG_SIZE = 1024 };

struct sentinels {
    struct temp_dir *dir;
    struct sentinels_options options;
    char *password;
    struct process *processes[SENTINELS_MAX];
    uint16_t ports[SENTINELS_MAX];
    char hosts[SENTINELS_MAX * 24];
};

static redisContext *connect_to(const struct sentinels *all, size_t index)
{
    const struct timeval limit = {.tv_sec = ASK_LIMIT_S};
    redisContext *context = redisConnectWithTimeout("127.0.0.1", all->ports[index], limit);
    if (context == NULL || context->err != 0 || redisSetTimeout(context, limit) != REDIS_OK) {
        redisFree(context);
        return NULL;
    }
    if (all->password != NULL) {
        freeReplyObject(redisCommand(context, "AUTH %s", all->password));
    }
    return context;
}

/* The value of a field in SENTINEL MASTER's answer; -1 when there is none. */
static int64_t field_of(const redisReply *reply, const char *name)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        if (strcmp(reply->element[i]->str, name) == 0) {
            return strtoll(reply->element[i + 1]->str, NULL, 10);
        }
    }
    return -1;
}

static bool knows_all(struct sentinels *all, size_t index)
{
    redisContext *context = connect_to(all, index);
    redisReply *reply =
        context == NULL ? NULL : redisCommand(context, "SENTINEL MASTER " SENTINELS_SERVICE);
    bool is_array = reply != NULL && reply->type == REDIS_REPLY_ARRAY;
    bool knows = is_array && field_of(reply, "num-slaves") == (int64_t)all->options.replicas &&
                 field_of(reply, "num-other-sentinels") == (int64_t)all->options.count - 1;
    freeReplyObject(reply);
    redisFree(context);
    return knows;
}

static bool all_know_all(void *arg)
{
    struct sentinels *all = arg;
    for (size_t i = 0; i < all->options.count; i++) {
        if (!process_is_running(all->processes[i])) {
            char *log = process_read(all->processes[i], PROCESS_STDOUT);
            print_message("%.900s\n", log);
            mem_free(log);
            fail_because("a Sentinel ended");
        }
        if (!knows_all(all, i)) {
            return false;
        }
    }
    return true;
}

static void start(struct sentinels *all, size_t index)
{
    const struct sentinels_options *options = &all->options;
    char config[CONFIG_SIZE];
    char name[24];
    const char *master_port = strrchr(redis_fixture_address(options->master), ':') + 1;
    all->ports[index] = socket_free_port();
    (void)snprintf(name, sizeof name, "sentinel%zu", index);
    (void)snprintf(
        config, sizeof config,
        "port %u\nbind 127.0.0.1\ndir %s\n"
        "sentinel monitor " SENTINELS_SERVICE " 127.0.0.1 %s %zu\n"
        "sentinel down-after-milliseconds " SENTINELS_SERVICE " 700\n"
        "sentinel failover-timeout " SENTINELS_SERVICE " 3000\n"
        "%s%s\n%s%s\n",
        all->ports[index], temp_dir_path(all->dir), master_port, options->count / 2 + 1,
        all->password == NULL ? "" : "requirepass ", all->password == NULL ? "" : all->password,
        options->master_password == NULL ? "" : "sentinel auth-pass " SENTINELS_SERVICE " ",
        options->master_password == NULL ? "" : options->master_password);
    temp_dir_replace_file(all->dir, name, config);
    char *path = temp_dir_join(all->dir, name);
    const char *const argv[] = {redis_fixture_program(), path, "--sentinel", NULL};
    all->processes[index] =
        process_start(&(struct process_options){.name = name, .argv = argv, .dir = all->dir});
    mem_free(path);
    size_t used = strlen(all->hosts);
    (void)snprintf(all->hosts + used, sizeof all->hosts - used, "%s127.0.0.1:%u",
                   index == 0 ? "" : ",", all->ports[index]);
}

struct sentinels *sentinels_new(const struct sentinels_options *options)
{
    assert_in_range(options->count, 1, SENTINELS_MAX);
    struct sentinels *all = mem_new(1, sizeof *all);
    all->dir = temp_dir_new();
    all->options = *options;
    all->password = mem_copy_text(options->password);
    for (size_t i = 0; i < options->count; i++) {
        start(all, i);
    }
    if (!wait_until(all_know_all, all, START_LIMIT_MS)) {
        fail_because("the Sentinels do not find each other and the replicas");
    }
    return all;
}

void sentinels_free(struct sentinels *all)
{
    if (all == NULL) {
        return;
    }
    for (size_t i = 0; i < SENTINELS_MAX; i++) {
        process_free(all->processes[i]);
    }
    temp_dir_free(all->dir);
    mem_free(all->password);
    mem_free(all);
}

const char *sentinels_hosts(const struct sentinels *all)
{
    return all->hosts;
}

void sentinels_kill(struct sentinels *all, size_t index)
{
    process_kill(all->processes[index]);
}

void sentinels_pause(struct sentinels *all, size_t index)
{
    process_signal(all->processes[index], SIGSTOP);
}

void sentinels_resume(struct sentinels *all, size_t index)
{
    process_signal(all->processes[index], SIGCONT);
}

int sentinels_master_port(struct sentinels *all, size_t index)
{
    redisContext *context = connect_to(all, index);
    redisReply *reply =
        context == NULL
            ? NULL
            : redisCommand(context, "SENTINEL GET-MASTER-ADDR-BY-NAME " SENTINELS_SERVICE);
    bool is_known = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
    int port = is_known ? (int)strtol(reply->element[1]->str, NULL, 10) : 0;
    freeReplyObject(reply);
    redisFree(context);
    return port;
}

struct failover {
    struct sentinels *all;
    size_t index;
};

/* False while it has not heard enough of the replica yet. */
static bool is_failover_begun(void *arg)
{
    const struct failover *failover = arg;
    redisContext *context = connect_to(failover->all, failover->index);
    redisReply *reply =
        context == NULL ? NULL : redisCommand(context, "SENTINEL FAILOVER " SENTINELS_SERVICE);
    bool is_begun = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    redisFree(context);
    return is_begun;
}

void sentinels_fail_over(struct sentinels *all, size_t index)
{
    struct failover failover = {.all = all, .index = index};
    if (!wait_until(is_failover_begun, &failover, START_LIMIT_MS)) {
        fail_because("the Sentinel begins no failover");
    }
}
