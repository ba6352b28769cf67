#include "common/redis_checkup.h"

#include "common/log.h"
#include "common/redis_info.h"

#include <stdio.h>
#include <string.h>

static void on_save_points(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    (void)arg;
    const struct redis_reply *value = why_not == NULL ? redis_reply_at(reply, 1) : NULL;
    const char *points = value == NULL ? NULL : redis_reply_text(value, NULL);
    if (points == NULL) {
        /* A managed Redis, or an ACL: whoever set it up knows what it keeps. */
        log_debug("redis_persistence_unknown", log_reason(why_not));
    } else if (points[0] != '\0') {
        log_debug("redis_persists", log_text("save", points));
    } else {
        log_warn("redis_keeps_nothing",
                 log_text("reason",
                          "neither AOF nor snapshots are on: when Redis ends, all jobs are "
                          "lost; set appendonly yes"));
    }
}

static void check_eviction(const char *info)
{
    size_t size = 0;
    const char *policy = redis_info_value(info, "maxmemory_policy", &size);
    char shown[32];
    if (policy == NULL) {
        log_debug("redis_eviction_unknown", log_nothing());
    } else if (!redis_info_is(info, "maxmemory_policy", "noeviction")) {
        (void)snprintf(shown, sizeof shown, "%.*s", (int)size, policy);
        log_warn("redis_may_evict", log_text("policy", shown),
                 log_text("reason", "at full memory Redis deletes jobs; set maxmemory-policy "
                                    "noeviction"));
    }
}

/* True the first time that this server is looked at. A restart gives it another run id. */
static bool is_new(struct redis_checkup *checkup, const char *info)
{
    char run_id[sizeof checkup->run_id];
    size_t size = 0;
    const char *value = redis_info_value(info, "run_id", &size);
    (void)snprintf(run_id, sizeof run_id, "%.*s", value == NULL ? 1 : (int)size,
                   value == NULL ? "-" : value);
    bool is_same = strcmp(run_id, checkup->run_id) == 0;
    memcpy(checkup->run_id, run_id, sizeof run_id);
    return !is_same;
}

static void on_info(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct redis_checkup *checkup = arg;
    const char *info = why_not == NULL ? redis_reply_text(reply, NULL) : NULL;
    if (info == NULL || !is_new(checkup, info)) {
        return;
    }
    check_eviction(info);
    if (redis_info_is(info, "aof_enabled", "1")) {
        log_debug("redis_persists", log_text("appendonly", "yes"));
        return;
    }
    struct redis_command command;
    redis_command_init(&command, "CONFIG");
    redis_command_add(&command, "GET");
    redis_command_add(&command, "save");
    redis_client_send(checkup->client, &command, 0, on_save_points, checkup);
}

void redis_checkup_init(struct redis_checkup *checkup, struct redis_client *client)
{
    *checkup = (struct redis_checkup){.client = client};
}

void redis_checkup_start(struct redis_checkup *checkup)
{
    struct redis_command command;
    redis_command_init(&command, "INFO");
    redis_client_send(checkup->client, &command, 0, on_info, checkup);
}
