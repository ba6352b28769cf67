/* The rows of Omnitron's webhook table. Rows are kept in the order of their ids. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_HOOKS_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_HOOKS_H

#include "common/strbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct user;
struct hook;
struct hooks;

struct hook_list {
    struct hook **rows; /* in the order of their ids */
    size_t count;
    size_t capacity;
};

struct hooks *hooks_new(void);
void hooks_free(struct hooks *hooks);

/* Adds a row with the fields of the object (all of them checked by the caller, target_url and
   event_type present); what is left out gets the model's default. Uniqueness is not checked. */
struct hook *hooks_insert(struct hooks *hooks, struct user *owner, const json_t *fields);

/* Changes the fields that the object names, and the row's modified_date. */
void hooks_update(struct hooks *hooks, struct hook *hook, const json_t *fields);

/* Whether the owner has a row with this key that is not except (which may be NULL). */
bool hooks_is_taken(const struct hooks *hooks, const struct user *owner, const json_t *fields,
                    const struct hook *except);

/* NULL when there is none. */
struct hook *hooks_by_id(const struct hooks *hooks, int64_t id);

/* Everybody's rows. */
const struct hook_list *hooks_all(const struct hooks *hooks);

/* Removes the owner's rows, or everybody's when owner is NULL, as no call of Omnitron's own can. */
void hooks_remove(struct hooks *hooks, struct user *owner);

/* Removes all rows and starts again with id 1. */
void hooks_reset(struct hooks *hooks);

/* The keys that more than one row of a user has: username, target_url, event_type, count of each.
   The caller owns the array. */
json_t *hooks_duplicates(const struct hooks *hooks);

int64_t hook_id(const struct hook *hook);
struct user *hook_owner(const struct hook *hook);
const char *hook_target_url(const struct hook *hook);
const char *hook_event_type(const struct hook *hook);
bool hook_is_active(const struct hook *hook);

/* Appends the row as JSON, in the order of the serializer's fields; with its owner's name when
   with_owner, which Omnitron never shows. */
void hook_print(const struct hook *hook, bool with_owner, struct strbuf *text);

#endif
