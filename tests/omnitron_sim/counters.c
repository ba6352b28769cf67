#include "tests/omnitron_sim/counters.h"

#include "common/mem.h"
#include "tests/omnitron_sim/map.h"

#include <stdio.h>

struct user_load {
    int64_t in_flight;
    int64_t max_in_flight;
    int64_t created;
};

struct counters {
    int64_t values[COUNTER_COUNT];
    int64_t in_flight;
    int64_t max_in_flight;
    struct map *loads; /* username -> struct user_load */
    json_t *by_route;  /* route -> status -> count */
};

static const char *const counter_names[COUNTER_COUNT] = {
    [COUNTER_CONNECTIONS] = "connections",
    [COUNTER_REQUESTS] = "requests",
    [COUNTER_LOGINS] = "logins",
    [COUNTER_LIST_READS] = "list_reads",
    [COUNTER_LOOKUPS] = "lookups",
    [COUNTER_DUPLICATE_POSTS] = "duplicate_posts",
    [COUNTER_TOKENS_SEEN_WRONG] = "tokens_seen_wrong",
};

struct counters *counters_new(void)
{
    struct counters *counters = mem_new(1, sizeof *counters);
    counters->loads = map_new();
    counters->by_route = json_object();
    return counters;
}

static void free_load(const char *key, void *value, void *context)
{
    (void)key;
    (void)context;
    mem_free(value);
}

void counters_free(struct counters *counters)
{
    map_each(counters->loads, free_load, NULL);
    map_free(counters->loads);
    json_decref(counters->by_route);
    mem_free(counters);
}

static void reset_load(const char *key, void *value, void *context)
{
    (void)key;
    (void)context;
    struct user_load *load = value;
    load->max_in_flight = load->in_flight;
    load->created = 0;
}

void counters_reset(struct counters *counters)
{
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        counters->values[i] = 0;
    }
    counters->max_in_flight = counters->in_flight;
    map_each(counters->loads, reset_load, NULL);
    json_object_clear(counters->by_route);
}

void counters_add(struct counters *counters, enum counter counter)
{
    counters->values[counter]++;
}

static struct user_load *load_of(struct counters *counters, const char *username)
{
    struct user_load *load = map_get(counters->loads, username);
    if (load == NULL) {
        load = mem_new(1, sizeof *load);
        map_put(counters->loads, username, load);
    }
    return load;
}

void counters_add_created(struct counters *counters, const char *username)
{
    load_of(counters, username)->created++;
}

static void enter(int64_t *in_flight, int64_t *max)
{
    ++*in_flight;
    *max = *in_flight > *max ? *in_flight : *max;
}

struct user_load *counters_enter(struct counters *counters, const char *username)
{
    enter(&counters->in_flight, &counters->max_in_flight);
    if (username == NULL) {
        return NULL;
    }
    struct user_load *load = load_of(counters, username);
    enter(&load->in_flight, &load->max_in_flight);
    return load;
}

void counters_leave(struct counters *counters, struct user_load *load)
{
    counters->in_flight--;
    if (load != NULL) {
        load->in_flight--;
    }
}

void counters_add_answer(struct counters *counters, const char *route, int status)
{
    json_t *statuses = json_object_get(counters->by_route, route);
    if (statuses == NULL) {
        statuses = json_object();
        json_object_set_new(counters->by_route, route, statuses);
    }
    char name[16];
    (void)snprintf(name, sizeof name, "%d", status);
    json_int_t count = json_integer_value(json_object_get(statuses, name));
    json_object_set_new(statuses, name, json_integer(count + 1));
}

struct per_user {
    json_t *max_in_flight;
    json_t *created;
};

static void add_load(const char *key, void *value, void *context)
{
    const struct user_load *load = value;
    struct per_user *per_user = context;
    if (load->max_in_flight > 0) {
        json_object_set_new(per_user->max_in_flight, key, json_integer(load->max_in_flight));
    }
    if (load->created > 0) {
        json_object_set_new(per_user->created, key, json_integer(load->created));
    }
}

json_t *counters_to_json(const struct counters *counters)
{
    json_t *object = json_object();
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        json_object_set_new(object, counter_names[i], json_integer(counters->values[i]));
    }
    json_object_set_new(object, "max_in_flight", json_integer(counters->max_in_flight));
    json_object_set_new(object, "in_flight", json_integer(counters->in_flight));
    struct per_user per_user = {.max_in_flight = json_object(), .created = json_object()};
    map_each(counters->loads, add_load, &per_user);
    json_object_set_new(object, "max_in_flight_by_user", per_user.max_in_flight);
    json_object_set_new(object, "created_by_user", per_user.created);
    json_object_set_new(object, "by_route", json_deep_copy(counters->by_route));
    return object;
}
