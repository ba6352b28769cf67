/* What tests ask of a server afterwards: how often, how many at once, how many twice. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_COUNTERS_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_COUNTERS_H

#include <jansson.h>
#include <stdint.h>

struct counters;

/* What is counted per user; lives as long as the counters. */
struct user_load;

enum counter {
    COUNTER_CONNECTIONS,
    COUNTER_REQUESTS,
    COUNTER_LOGINS,          /* POSTs to the login, whatever their answer */
    COUNTER_LIST_READS,      /* unfiltered GETs of a first page */
    COUNTER_LOOKUPS,         /* GETs of a list filtered by target_url or event_type */
    COUNTER_DUPLICATE_POSTS, /* 406 webhook_100_2 */
    COUNTER_TOKENS_SEEN_WRONG,
    COUNTER_COUNT
};

struct counters *counters_new(void);
void counters_free(struct counters *counters);

/* To zero, but for what is in flight now. */
void counters_reset(struct counters *counters);

void counters_add(struct counters *counters, enum counter counter);

/* A row made by POST. */
void counters_add_created(struct counters *counters, const char *username);

/* From here to counters_leave a request is in flight. username may be NULL, and so may the result,
   which goes to counters_leave. */
struct user_load *counters_enter(struct counters *counters, const char *username);
void counters_leave(struct counters *counters, struct user_load *load);

/* An answer to a route ("GET /whisperer/hooks/"); status 0: closed without one. */
void counters_add_answer(struct counters *counters, const char *route, int status);

/* The caller owns the object. */
json_t *counters_to_json(const struct counters *counters);

#endif
