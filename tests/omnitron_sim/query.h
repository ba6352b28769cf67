/* The query of a URL as its name and value pairs. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_QUERY_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_QUERY_H

#include <stdbool.h>
#include <stddef.h>

struct query_pair {
    char *name; /* owned, decoded */
    char *value;
};

struct query {
    struct query_pair *pairs;
    size_t count;
};

/* text may be NULL. */
void query_parse(struct query *query, const char *text);
void query_clear(struct query *query);

/* The last value of that name, as Django's QueryDict gives it; NULL when there is none. */
const char *query_get(const struct query *query, const char *name);

/* Whether the name is there with a value that is not empty. */
bool query_has(const struct query *query, const char *name);

/* The query with the name's value replaced (or taken out, when value is NULL), sorted by name, as
   DRF's replace_query_param writes it. To be mem_freed. */
char *query_with(const struct query *query, const char *name, const char *value);

#endif
