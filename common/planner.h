/* Setting + registered list + policies -> what has to be done. Pure: one piece of code decides it
   for is_required, plan, execute and report. O(n). */
#ifndef OMNIHOOK_COMMON_PLANNER_H
#define OMNIHOOK_COMMON_PLANNER_H

#include "common/omnitron.h"
#include "common/settings.h"

enum plan_kind {
    PLAN_CREATE,     /* not registered */
    PLAN_REACTIVATE, /* registered but inactive, and the policy is to switch it on */
    PLAN_UPDATE,     /* fields differ, and the policy is to update them */
    PLAN_DRIFTED,    /* fields differ; only reported */
    PLAN_REGISTERED, /* nothing to do */
};
enum { PLAN_KIND_COUNT = 5 };

struct plan_action {
    const struct webhook *webhook; /* borrowed from the account */
    enum plan_kind kind;
    int64_t id;            /* of the row; 0 with PLAN_CREATE */
    unsigned fields;       /* enum webhook_field bits: that a PATCH has to set, or that drifted */
    bool is_kept_inactive; /* registered, inactive, and left so by the policy */
};

enum plan_warning_kind {
    PLAN_NEAR_MISS,     /* not registered, but a row differs only in slash, case, port or scheme */
    PLAN_DOUBLE,        /* two rows with one key: every event is delivered twice */
    PLAN_INACTIVE,      /* left inactive by the policy */
    PLAN_LIST_UNSTABLE, /* webhook is NULL */
    PLAN_NOTHING_VISIBLE, /* the list is empty, the setting is not: an ordinary user? webhook NULL
                           */
};

struct plan_warning {
    const struct webhook *webhook; /* borrowed; NULL = about the whole */
    enum plan_warning_kind kind;
    char *detail; /* owned; no secret */
};

struct plan {
    struct plan_action *actions; /* one for each webhook of the setting, in its order */
    size_t count;
    size_t counts[PLAN_KIND_COUNT];
    size_t kept_inactive;          /* actions that are so */
    struct plan_warning *warnings; /* at most 1000 */
    size_t warning_count;
};

/* Borrows account (for the plan's life) and list (until return). */
struct plan *plan_make(const struct account *account, const struct hook_list *list);
void plan_free(struct plan *plan);

/* execute would change something on Omnitron: create, reactivate or update. */
bool plan_is_required(const struct plan *plan);

const char *plan_kind_name(enum plan_kind kind);            /* "create" ...; static */
const char *plan_warning_name(enum plan_warning_kind kind); /* "near_miss" ...; static */

/* The plan document of the HTTP API (docs/http-api.md). Owned by the caller; no secret. */
json_t *plan_to_json(const struct plan *plan, const struct account *account);

#endif
