#include "tests/soak/recovery.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTS_MAX = 4, NAME_SIZE = 320, ELEMENTS_MAX = 20 };

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from == NULL ? "" : from);
}

/* The machine's own record: common/lua/prelude.lua lists its fields. */
static const struct redis_list *read_ctl(struct redis_fixture *redis, const char *account)
{
    return redis_list(redis, "HMGET {omnihook}:ctl:%s job claim last_claim phase", account);
}

static void add_job(struct held_jobs *held, struct redis_fixture *redis, const char *element)
{
    json_t *json = json_loads(element, 0, NULL);
    const char *account = json_string_value(json_object_get(json, "account"));
    if (account != NULL && held->count < HELD_MAX) {
        struct held_job *job = &held->jobs[held->count++];
        *job = (struct held_job){.is_recovered = false};
        copy(job->account, sizeof job->account, account);
        copy(job->job, sizeof job->job, json_string_value(json_object_get(json, "id")));
        const struct redis_list *ctl = read_ctl(redis, account);
        copy(job->claim, sizeof job->claim, ctl->items[1]);
        copy(job->last_claim, sizeof job->last_claim, ctl->items[2]);
    }
    json_decref(json);
}

void held_jobs_find(struct held_jobs *held, struct redis_fixture *redis, pid_t pid)
{
    /* More than one when a worker has come back under a new name. Replies are borrowed for a while
       only, so the names are copied. */
    char names[LISTS_MAX][NAME_SIZE];
    const struct redis_list *lists =
        redis_list(redis, "KEYS {omnihook}:processing:*:%ld:*", (long)pid);
    size_t count = lists->size < LISTS_MAX ? lists->size : LISTS_MAX;
    for (size_t i = 0; i < count; i++) {
        copy(names[i], NAME_SIZE, lists->items[i]);
    }
    held->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct redis_list *elements =
            redis_list(redis, "LRANGE %s 0 %d", names[i], ELEMENTS_MAX - 1);
        for (size_t j = 0; j < elements->size; j++) {
            add_job(held, redis, elements->items[j]);
        }
    }
}

static bool is_recovered(const struct held_job *job, struct redis_fixture *redis)
{
    const struct redis_list *ctl = read_ctl(redis, job->account);
    if (ctl->items[0] == NULL || strcmp(ctl->items[0], job->job) != 0) {
        return true; /* another job of the account has come since */
    }
    if (ctl->items[3] == NULL || ctl->items[3][0] == '\0') {
        return true; /* it has ended: aborted, or after its third death */
    }
    const char *claim = ctl->items[1] == NULL ? "" : ctl->items[1];
    const char *last_claim = ctl->items[2] == NULL ? "" : ctl->items[2];
    bool is_claimed_anew = claim[0] != '\0' && strcmp(claim, job->claim) != 0;
    return is_claimed_anew || strcmp(last_claim, job->last_claim) != 0;
}

bool held_jobs_are_recovered(struct held_jobs *held, struct redis_fixture *redis)
{
    bool are_all = true;
    for (size_t i = 0; i < held->count; i++) {
        struct held_job *job = &held->jobs[i];
        job->is_recovered = job->is_recovered || is_recovered(job, redis);
        are_all = are_all && job->is_recovered;
    }
    return are_all;
}

int64_t ended_jobs(struct redis_fixture *redis)
{
    const struct redis_list *totals =
        redis_list(redis, "HMGET {omnihook}:totals finished failed aborted");
    int64_t sum = 0;
    for (size_t i = 0; i < totals->size; i++) {
        sum += totals->items[i] == NULL ? 0 : strtoll(totals->items[i], NULL, 10);
    }
    return sum;
}
