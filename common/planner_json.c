/* A plan in words, and as the plan document of the HTTP API. */
#include "common/planner.h"

static const char *const kind_names[PLAN_KIND_COUNT] = {
    [PLAN_CREATE] = "create",   [PLAN_REACTIVATE] = "reactivate", [PLAN_UPDATE] = "update",
    [PLAN_DRIFTED] = "drifted", [PLAN_REGISTERED] = "registered",
};

const char *plan_kind_name(enum plan_kind kind)
{
    return kind_names[kind];
}

const char *plan_warning_name(enum plan_warning_kind kind)
{
    switch (kind) {
    case PLAN_NEAR_MISS:
        return "near_miss";
    case PLAN_DOUBLE:
        return "double";
    case PLAN_INACTIVE:
        return "inactive";
    case PLAN_LIST_UNSTABLE:
        return "list_unstable";
    case PLAN_NOTHING_VISIBLE:
        return "nothing_visible";
    }
    return "unknown";
}

/* {"event_type":, "target_url":}, both null when it is about no single webhook. */
static json_t *key_to_json(const struct webhook *webhook)
{
    json_t *object = json_object();
    json_object_set_new(object, "event_type",
                        webhook == NULL ? json_null() : json_string(webhook->event_type));
    json_object_set_new(object, "target_url",
                        webhook == NULL ? json_null() : json_string(webhook->target_url));
    return object;
}

static json_t *action_to_json(const struct plan_action *action)
{
    json_t *fields = json_array();
    for (unsigned bit = 0; bit < WEBHOOK_FIELD_COUNT; bit++) {
        if ((action->fields & 1U << bit) != 0) {
            json_array_append_new(fields, json_string(webhook_field_name(1U << bit)));
        }
    }
    json_t *object = key_to_json(action->webhook);
    json_object_set_new(object, "action", json_string(plan_kind_name(action->kind)));
    json_object_set_new(object, "fields", fields);
    return object;
}

static json_t *counts_to_json(const struct plan *plan)
{
    json_t *counts = json_object();
    for (unsigned kind = 0; kind < PLAN_KIND_COUNT; kind++) {
        json_object_set_new(counts, kind_names[kind], json_integer((json_int_t)plan->counts[kind]));
    }
    return counts;
}

json_t *plan_to_json(const struct plan *plan, const struct account *account)
{
    json_t *webhooks = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        json_array_append_new(webhooks, action_to_json(&plan->actions[i]));
    }
    json_t *warnings = json_array();
    for (size_t i = 0; i < plan->warning_count; i++) {
        const struct plan_warning *warning = &plan->warnings[i];
        json_t *object = key_to_json(warning->webhook);
        json_object_set_new(object, "warning", json_string(plan_warning_name(warning->kind)));
        json_object_set_new(object, "detail", json_string(warning->detail));
        json_array_append_new(warnings, object);
    }
    json_t *document = json_object();
    json_object_set_new(document, "account", json_string(account->name));
    json_object_set_new(document, "required", json_boolean(plan_is_required(plan)));
    json_object_set_new(document, "counts", counts_to_json(plan));
    json_object_set_new(document, "webhooks", webhooks);
    json_object_set_new(document, "warnings", warnings);
    return document;
}
