#include "common/redis_checkup.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/redis_info.h"

#include <stdio.h>
#include <string.h>

/* One look: INFO, then CONFIG where INFO leaves something open. */
struct look {
    struct redis_client *client;
    struct redis_checkup *checkup; /* only a server that it has not seen is told of; NULL = any */
    redis_finding_fn *fn;
    void *arg;
};

static void end(struct look *look)
{
    look->fn(look->arg, NULL);
    mem_free(look);
}

static void tell_untold(const struct look *look, enum redis_aspect aspect, const char *setting,
                        const struct error *why_not)
{
    look->fn(look->arg, &(struct redis_finding){.aspect = aspect,
                                                .verdict = REDIS_IS_UNTOLD,
                                                .setting = setting,
                                                .why_not = why_not});
}

/* ---- Looking ---- */

static void tell_persistence(const struct look *look, const char *setting, const char *value)
{
    bool is_kept = value[0] != '\0';
    look->fn(look->arg,
             &(struct redis_finding){
                 .aspect = REDIS_PERSISTENCE,
                 .verdict = is_kept ? REDIS_IS_FINE : REDIS_MAY_LOSE_JOBS,
                 .setting = setting,
                 .value = value,
                 .risk = is_kept
                             ? NULL
                             : "neither AOF nor snapshots are on: when Redis ends, all jobs are "
                               "lost",
                 .advice = is_kept ? NULL : "set appendonly yes"});
}

static void on_save_points(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct look *look = arg;
    const struct redis_reply *value = why_not == NULL ? redis_reply_at(reply, 1) : NULL;
    const char *points = value == NULL ? NULL : redis_reply_text(value, NULL);
    if (points == NULL) {
        /* A managed Redis, or an ACL: whoever set it up knows what it keeps. */
        tell_untold(look, REDIS_PERSISTENCE, "save", why_not);
    } else {
        tell_persistence(look, "save", points);
    }
    end(look);
}

static void look_at_persistence(struct look *look, const char *info)
{
    if (redis_info_is(info, "aof_enabled", "1")) {
        tell_persistence(look, "appendonly", "yes");
        end(look);
        return;
    }
    struct redis_command command;
    redis_command_init(&command, "CONFIG");
    redis_command_add(&command, "GET");
    redis_command_add(&command, "save");
    redis_client_send(look->client, &command, 0, on_save_points, look);
}

/* A value of INFO's; false when there is none. */
static bool read_value(const char *info, const char *name, char *value, size_t value_size)
{
    size_t size = 0;
    const char *found = redis_info_value(info, name, &size);
    (void)snprintf(value, value_size, "%.*s", (int)size, found == NULL ? "" : found);
    return found != NULL;
}

static void look_at_eviction(const struct look *look, const char *info)
{
    char policy[32];
    if (!read_value(info, "maxmemory_policy", policy, sizeof policy)) {
        tell_untold(look, REDIS_EVICTION, "maxmemory-policy", NULL);
        return;
    }
    bool is_kept = strcmp(policy, "noeviction") == 0;
    look->fn(look->arg,
             &(struct redis_finding){.aspect = REDIS_EVICTION,
                                     .verdict = is_kept ? REDIS_IS_FINE : REDIS_MAY_LOSE_JOBS,
                                     .setting = "maxmemory-policy",
                                     .value = policy,
                                     .risk = is_kept ? NULL : "at full memory Redis deletes jobs",
                                     .advice = is_kept ? NULL : "set maxmemory-policy noeviction"});
}

/* One that is too old has not come up at all. */
static void look_at_version(const struct look *look, const char *info)
{
    char version[32];
    if (read_value(info, "redis_version", version, sizeof version)) {
        look->fn(look->arg, &(struct redis_finding){.aspect = REDIS_VERSION,
                                                    .verdict = REDIS_IS_FINE,
                                                    .setting = "redis_version",
                                                    .value = version});
    }
}

/* True the first time that this server is looked at. A restart gives it another run id. */
static bool is_new(struct redis_checkup *checkup, const char *info)
{
    char run_id[sizeof checkup->run_id];
    if (!read_value(info, "run_id", run_id, sizeof run_id)) {
        (void)snprintf(run_id, sizeof run_id, "-");
    }
    bool is_same = strcmp(run_id, checkup->run_id) == 0;
    memcpy(checkup->run_id, run_id, sizeof run_id);
    return !is_same;
}

static void on_info(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct look *look = arg;
    const char *info = why_not == NULL ? redis_reply_text(reply, NULL) : NULL;
    if (look->checkup != NULL && (info == NULL || !is_new(look->checkup, info))) {
        end(look); /* nothing new; or the connection is gone, and the next one is looked at */
    } else if (info == NULL) {
        tell_untold(look, REDIS_EVICTION, "maxmemory-policy", why_not);
        tell_untold(look, REDIS_PERSISTENCE, "save", why_not);
        end(look);
    } else {
        look_at_version(look, info);
        look_at_eviction(look, info);
        look_at_persistence(look, info);
    }
}

static void start(const struct look *template)
{
    struct look *look = mem_new(1, sizeof *look);
    *look = *template;
    struct redis_command command;
    redis_command_init(&command, "INFO");
    redis_client_send(look->client, &command, 0, on_info, look);
}

void redis_checkup_look(struct redis_client *client, redis_finding_fn *fn, void *arg)
{
    start(&(struct look){.client = client, .fn = fn, .arg = arg});
}

/* ---- The log ---- */

static void log_risk(const struct redis_finding *finding)
{
    char reason[192];
    (void)snprintf(reason, sizeof reason, "%s; %s", finding->risk, finding->advice);
    if (finding->aspect == REDIS_EVICTION) {
        log_warn("redis_may_evict", log_text("policy", finding->value), log_text("reason", reason));
    } else {
        log_warn("redis_keeps_nothing", log_text("reason", reason));
    }
}

static void log_untold(const struct redis_finding *finding)
{
    if (finding->aspect == REDIS_EVICTION) {
        log_debug("redis_eviction_unknown", log_reason(finding->why_not));
    } else {
        log_debug("redis_persistence_unknown", log_reason(finding->why_not));
    }
}

static void log_finding(void *arg, const struct redis_finding *finding)
{
    (void)arg;
    if (finding == NULL) {
        return;
    }
    if (finding->verdict == REDIS_MAY_LOSE_JOBS) {
        log_risk(finding);
    } else if (finding->verdict == REDIS_IS_UNTOLD) {
        log_untold(finding);
    } else if (finding->aspect == REDIS_PERSISTENCE) {
        log_debug("redis_persists", log_text(finding->setting, finding->value));
    }
}

void redis_checkup_init(struct redis_checkup *checkup, struct redis_client *client)
{
    *checkup = (struct redis_checkup){.client = client};
}

void redis_checkup_start(struct redis_checkup *checkup)
{
    start(&(struct look){.client = checkup->client, .checkup = checkup, .fn = log_finding});
}
