#include "tests/soak/checks.h"

#include "common/mem.h"
#include "tests/soak/findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "{omnihook}:"

/* ---- Keys ---- */

/* What must be gone when nothing runs. Each is a prefix of a key's name. */
static const char *const passing[] = {"queue",    "delayed",     "active",
                                      "aborting", "processing:", NULL};

/* What may stay when all programs have stopped: what is remembered of ended jobs, what the
   housekeeping remembers for its next round, and the registration of a worker that did not reach
   Redis in its last moment: it is left to its lease, and to other workers. */
static const char *const lasting[] = {"status:", "ctl:",    "report:", "history:", "totals",
                                      "dead",    "clock",   "audit",   "watch",    "looked",
                                      "workers", "worker:", NULL};

struct key_names {
    char **names; /* owned, each of them, too; without the namespace */
    size_t count;
};

static struct key_names read_keys(struct redis_fixture *redis)
{
    const struct redis_list *list = redis_list(redis, "KEYS " NAMESPACE "*");
    struct key_names keys = {.names = mem_new(list->size + 1, sizeof(char *))};
    for (size_t i = 0; i < list->size; i++) {
        keys.names[keys.count++] = mem_copy_text(list->items[i] + strlen(NAMESPACE));
    }
    return keys;
}

static void free_keys(struct key_names *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        mem_free(keys->names[i]);
    }
    mem_free(keys->names);
}

static bool is_among(const char *name, const char *const *prefixes)
{
    bool is_found = false;
    for (; *prefixes != NULL; prefixes++) {
        is_found = is_found || strncmp(name, *prefixes, strlen(*prefixes)) == 0;
    }
    return is_found;
}

/* Calls fn for each key that is to be gone, and gives their number. */
static size_t each_passing(struct redis_fixture *redis, void (*fn)(const char *name))
{
    struct key_names keys = read_keys(redis);
    size_t count = 0;
    for (size_t i = 0; i < keys.count; i++) {
        if (is_among(keys.names[i], passing)) {
            count++;
            fn(keys.names[i]);
        }
    }
    free_keys(&keys);
    return count;
}

static void ignore(const char *name)
{
    (void)name;
}

/* Processes that work: the last worker has two. */
enum { LIVING_WORKERS = PLANT_WORKERS + 1 };

bool checks_are_leftovers_gone(struct plant *plant)
{
    struct redis_fixture *redis = plant_redis(plant);
    return redis_int(redis, "ZCARD " NAMESPACE "workers") == LIVING_WORKERS &&
           each_passing(redis, ignore) == 0;
}

static void tell_leftover(const char *name)
{
    findings_add(FOUND_STUCK, "the key %s is still there", name);
}

void check_leftovers(struct plant *plant)
{
    struct redis_fixture *redis = plant_redis(plant);
    (void)each_passing(redis, tell_leftover);
    int64_t workers = redis_int(redis, "ZCARD " NAMESPACE "workers");
    if (workers != LIVING_WORKERS) {
        findings_add(FOUND_STUCK, "%" PRId64 " workers are registered, %d live", workers,
                     LIVING_WORKERS);
    }
}

void check_keys(struct plant *plant)
{
    struct key_names keys = read_keys(plant_redis(plant));
    for (size_t i = 0; i < keys.count; i++) {
        if (!is_among(keys.names[i], lasting)) {
            findings_add(FOUND_WRONG, "the key %s has stayed", keys.names[i]);
        }
    }
    free_keys(&keys);
}

/* ---- The simulator ---- */

static void check_user(struct sim *sim, const json_t *created, const char *user)
{
    size_t rows = sim_hook_count(sim, user);
    json_int_t made = json_integer_value(json_object_get(created, user));
    if (made != (json_int_t)rows) {
        findings_add(FOUND_DUPLICATED, "%s: %lld webhooks were created, %zu are there", user,
                     (long long)made, rows);
    }
}

void check_simulator(struct plant *plant, const struct load *load)
{
    struct sim *sim = stack_sim(plant->stack);
    json_t *counters = sim_counters(sim);
    size_t index = 0;
    json_t *duplicate = NULL;
    json_array_foreach(json_object_get(counters, "duplicates"), index, duplicate)
    {
        char *text = json_dumps(duplicate, JSON_COMPACT);
        findings_add(FOUND_DUPLICATED, "the simulator has %s", text);
        mem_free(text);
    }
    size_t count = 0;
    const struct stack_account *accounts = load_accounts(load, &count);
    for (size_t i = 0; i < count; i++) {
        check_user(sim, json_object_get(counters, "created_by_user"), accounts[i].name);
    }
    json_decref(counters);
}

/* ---- Totals ---- */

static size_t total(struct redis_fixture *redis, const char *name)
{
    const char *text = redis_text(redis, "HGET " NAMESPACE "totals %s", name);
    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

void checks_print_totals(struct plant *plant)
{
    struct redis_fixture *redis = plant_redis(plant);
    static const char *const names[] = {"enqueued",   "coalesced",   "reruns",      "finished",
                                        "failed",     "aborted",     "retried",     "recovered",
                                        "fenced",     "lease_ended", "watch_ended", "watch_wrong",
                                        "clock_jumps"};
    if (redis == NULL) {
        return; /* ended in the middle of a fault */
    }
    (void)printf("totals in Redis:");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)printf(" %s=%zu", names[i], total(redis, names[i]));
    }
    (void)putchar('\n');
}

void check_totals(struct plant *plant, const struct load *load)
{
    struct redis_fixture *redis = plant_redis(plant);
    struct load_counts counts = load_counts(load);
    size_t enqueued = total(redis, "enqueued");
    size_t reruns = total(redis, "reruns");
    size_t failed = total(redis, "failed");
    size_t ended = total(redis, "finished") + failed + total(redis, "aborted");
    /* Each accepted call is one of the three; each sent one at most one of them. */
    size_t called = enqueued + total(redis, "coalesced") + reruns;
    if (called < counts.accepted || called > counts.sent) {
        findings_add(FOUND_WRONG, "%zu calls in Redis's totals; %zu were accepted, %zu sent",
                     called, counts.accepted, counts.sent);
    }
    /* A rerun that is booked becomes a job, unless an abort or the job's next run covers it. */
    if (ended < enqueued || ended > enqueued + reruns) {
        findings_add(FOUND_WRONG, "%zu jobs ended; %zu were enqueued, and %zu reruns booked", ended,
                     enqueued, reruns);
    }
    if (total(redis, "failed") != (size_t)redis_int(redis, "LLEN " NAMESPACE "dead")) {
        findings_add(FOUND_WRONG, "%zu jobs failed, but %" PRId64 " are in the dead list", failed,
                     redis_int(redis, "LLEN " NAMESPACE "dead"));
    }
}
