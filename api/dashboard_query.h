/* The query of a request target: "account=acme&limit=50". Read strictly: what is not clear is
   refused, with a sentence that names the parameter. Pure. */
#ifndef OMNIHOOK_API_DASHBOARD_QUERY_H
#define OMNIHOOK_API_DASHBOARD_QUERY_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    QUERY_BYTES_MAX = 1024,
    QUERY_PARAMETERS_MAX = 8,
    QUERY_VALUE_MAX_BYTES = 256, /* decoded */
};

/* Embedded; zeroed = empty. Pair with dashboard_query_clear. */
struct dashboard_query {
    struct query_parameter {
        const char *name; /* one of the allowed */
        char *value;      /* owned; UTF-8 without control characters */
    } parameters[QUERY_PARAMETERS_MAX];
    size_t count;
};

/* text: what stands behind the question mark; NULL = nothing does. allowed: the names that may be
   there, each once; ends with NULL, borrowed for the query's life. False and err (ERROR_BAD_INPUT)
   when the query is not good; it is empty then. */
MUST_CHECK bool dashboard_query_parse(struct dashboard_query *query, const char *text,
                                      const char *const *allowed, struct error *err);
void dashboard_query_clear(struct dashboard_query *query);

/* NULL when it is not there. */
const char *dashboard_query_text(const struct dashboard_query *query, const char *name);

/* A whole number of min to max; *number stays as it is when it is not there. False and err when it
   is another. */
MUST_CHECK bool dashboard_query_number(const struct dashboard_query *query, const char *name,
                                       int64_t min, int64_t max, int64_t *number,
                                       struct error *err);

#endif
