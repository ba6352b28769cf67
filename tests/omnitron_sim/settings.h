/* How this Omnitron behaves: what differs from one deployment or version to the next. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_SETTINGS_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_SETTINGS_H

#include "common/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum pagination { PAGINATION_ARRAY, PAGINATION_PAGE, PAGINATION_CURSOR };

/* Which query parameter orders a list: sort=id (Akinon's own client), ordering=id (DRF's default),
   both of them, or none. */
enum ordering { ORDERING_SORT, ORDERING_ORDERING, ORDERING_BOTH, ORDERING_NONE };

struct settings {
    int64_t latency_ms;
    int64_t page_size;
    int64_t max_page_size; /* of the limit parameter */
    enum pagination pagination;
    enum ordering ordering;
    bool has_filters; /* false: target_url=, event_type= and is_active= are ignored */
    bool restricts_event_types;
    bool has_exponential_factor; /* as from dj-whisperer 0.5: "factor" exists, 1 by default */
    int64_t auth_failure_status; /* 401, or 403 as with SessionAuthentication first */
    json_t *registry;            /* owned: array of event types; NULL: no registry/ (old version) */
    char *next_base; /* owned: NULL: from the Host header; "relative"; "placeholder"; a base URL */
};

void settings_init(struct settings *settings);
void settings_clear(struct settings *settings);
void settings_copy(struct settings *to, const struct settings *from);

/* Changes what the object names. On failure nothing is changed. */
bool settings_patch(struct settings *settings, json_t *patch, struct error *err) MUST_CHECK;

/* All of them, in the names that settings_patch takes. The caller owns the object. */
json_t *settings_to_json(const struct settings *settings);

#endif
