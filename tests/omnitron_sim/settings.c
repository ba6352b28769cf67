#include "tests/omnitron_sim/settings.h"

#include "common/mem.h"

#include <stddef.h>
#include <string.h>

static const char *const pagination_names[] = {"array", "page", "cursor", NULL};
static const char *const ordering_names[] = {"sort", "ordering", "both", "none", NULL};

enum kind { KIND_INT, KIND_BOOL, KIND_CHOICE, KIND_REGISTRY, KIND_TEXT };

static const struct row {
    const char *name;
    enum kind kind;
    size_t offset;
    int64_t min, max;           /* KIND_INT */
    const char *const *choices; /* KIND_CHOICE */
} rows[] = {
    {.name = "latency_ms",
     .kind = KIND_INT,
     .offset = offsetof(struct settings, latency_ms),
     .min = 0,
     .max = 3600000},
    {.name = "page_size",
     .kind = KIND_INT,
     .offset = offsetof(struct settings, page_size),
     .min = 1,
     .max = 1000000},
    {.name = "max_page_size",
     .kind = KIND_INT,
     .offset = offsetof(struct settings, max_page_size),
     .min = 1,
     .max = 1000000},
    {.name = "pagination",
     .kind = KIND_CHOICE,
     .offset = offsetof(struct settings, pagination),
     .choices = pagination_names},
    {.name = "ordering",
     .kind = KIND_CHOICE,
     .offset = offsetof(struct settings, ordering),
     .choices = ordering_names},
    {.name = "filters", .kind = KIND_BOOL, .offset = offsetof(struct settings, has_filters)},
    {.name = "restrict_event_types",
     .kind = KIND_BOOL,
     .offset = offsetof(struct settings, restricts_event_types)},
    {.name = "exponential_factor",
     .kind = KIND_BOOL,
     .offset = offsetof(struct settings, has_exponential_factor)},
    {.name = "auth_failure_status",
     .kind = KIND_INT,
     .offset = offsetof(struct settings, auth_failure_status),
     .min = 401,
     .max = 403},
    {.name = "registry", .kind = KIND_REGISTRY, .offset = offsetof(struct settings, registry)},
    {.name = "next_base", .kind = KIND_TEXT, .offset = offsetof(struct settings, next_base)},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

_Static_assert(sizeof(enum pagination) == sizeof(unsigned), "a choice is kept as an unsigned");
_Static_assert(sizeof(enum ordering) == sizeof(unsigned), "a choice is kept as an unsigned");

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .page_size = 100,
        .max_page_size = 1000,
        .pagination = PAGINATION_PAGE,
        .ordering = ORDERING_BOTH,
        .has_filters = true,
        .auth_failure_status = 401,
    };
}

void settings_clear(struct settings *settings)
{
    json_decref(settings->registry);
    mem_free(settings->next_base);
    *settings = (struct settings){0};
}

void settings_copy(struct settings *to, const struct settings *from)
{
    *to = *from;
    to->registry = json_incref(from->registry);
    to->next_base = mem_copy_text(from->next_base);
}

static void *place_of(struct settings *settings, const struct row *row)
{
    return (char *)settings + row->offset;
}

static int choice_of(const char *const *choices, const char *name)
{
    for (int i = 0; name != NULL && choices[i] != NULL; i++) {
        if (strcmp(choices[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static bool is_list_of_texts(const json_t *value)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item)) {
            return false;
        }
    }
    return json_is_array(value);
}

static bool set_int(int64_t *place, const struct row *row, const json_t *value)
{
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < row->min || number > row->max) {
        return false;
    }
    *place = number;
    return true;
}

static bool set_choice(unsigned *place, const struct row *row, const json_t *value)
{
    int choice = choice_of(row->choices, json_string_value(value));
    if (choice < 0) {
        return false;
    }
    *place = (unsigned)choice;
    return true;
}

static bool set_registry(json_t **place, json_t *value)
{
    if (!json_is_null(value) && !is_list_of_texts(value)) {
        return false;
    }
    json_decref(*place);
    *place = json_is_null(value) ? NULL : json_incref(value);
    return true;
}

static bool set_text(char **place, const json_t *value)
{
    if (!json_is_null(value) && !json_is_string(value)) {
        return false;
    }
    mem_free(*place);
    *place = mem_copy_text(json_string_value(value));
    return true;
}

static bool set_row(struct settings *settings, const struct row *row, json_t *value)
{
    void *place = place_of(settings, row);
    switch (row->kind) {
    case KIND_INT:
        return set_int(place, row, value);
    case KIND_BOOL:
        *(bool *)place = json_is_true(value);
        return json_is_boolean(value);
    case KIND_CHOICE:
        return set_choice(place, row, value);
    case KIND_REGISTRY:
        return set_registry(place, value);
    case KIND_TEXT:
        return set_text(place, value);
    }
    return false;
}

static bool set_named(struct settings *settings, const char *name, json_t *value, struct error *err)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return set_row(settings, &rows[i], value) ||
                   error_set(err, ERROR_BAD_INPUT, "%s: not a legal value", name);
        }
    }
    return error_set(err, ERROR_BAD_INPUT, "%s: no such setting", name);
}

bool settings_patch(struct settings *settings, json_t *patch, struct error *err)
{
    if (!json_is_object(patch)) {
        return error_set(err, ERROR_BAD_INPUT, "settings must be an object");
    }
    struct settings changed;
    settings_copy(&changed, settings);
    const char *name = NULL;
    json_t *value = NULL;
    bool is_legal = true;
    json_object_foreach(patch, name, value)
    {
        is_legal = is_legal && set_named(&changed, name, value, err);
    }
    if (!is_legal) {
        settings_clear(&changed);
        return false;
    }
    settings_clear(settings);
    *settings = changed;
    return true;
}

static json_t *row_to_json(const struct settings *settings, const struct row *row)
{
    const void *place = (const char *)settings + row->offset;
    switch (row->kind) {
    case KIND_INT:
        return json_integer(*(const int64_t *)place);
    case KIND_BOOL:
        return json_boolean(*(const bool *)place);
    case KIND_CHOICE:
        return json_string(row->choices[*(const unsigned *)place]);
    case KIND_REGISTRY:
        return settings->registry == NULL ? json_null() : json_incref(settings->registry);
    case KIND_TEXT:
        return settings->next_base == NULL ? json_null() : json_string(settings->next_base);
    }
    return json_null();
}

json_t *settings_to_json(const struct settings *settings)
{
    json_t *object = json_object();
    for (size_t i = 0; i < ROW_COUNT; i++) {
        json_object_set_new(object, rows[i].name, row_to_json(settings, &rows[i]));
    }
    return object;
}
