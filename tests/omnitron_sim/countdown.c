#include "tests/omnitron_sim/countdown.h"

#include "common/mem.h"
#include "tests/omnitron_sim/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KWARGS_MAX = 3 };

struct kwarg {
    const char *name; /* NULL ends the list */
    json_int_t min;
    bool is_required;
    bool allows_null;
    bool is_factor; /* 1 by default, and only where the version has it */
};

static const struct choice {
    const char *name;
    struct kwarg kwargs[KWARGS_MAX + 1];
} choices[] = {
    {"fixed", {{.name = "seconds", .is_required = true}}},
    {"linear", {{.name = "base", .is_required = true}, {.name = "limit", .allows_null = true}}},
    {"exponential",
     {{.name = "base", .is_required = true},
      {.name = "factor", .min = 1, .is_factor = true},
      {.name = "limit", .allows_null = true}}},
    {"random",
     {{.name = "min_value", .is_required = true}, {.name = "max_value", .is_required = true}}},
};

static const struct choice *choice_of(const char *name)
{
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(choices[i].name, name) == 0) {
            return &choices[i];
        }
    }
    return NULL;
}

/* int(re.sub(r'\.0*\s*$', '', str(value))), as IntegerField does it. */
static bool to_int(const json_t *value, json_int_t *number)
{
    if (!json_is_string(value) && !json_is_number(value)) {
        return false;
    }
    char *dumped = json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    const char *text = dumped == NULL ? json_string_value(value) : dumped;
    size_t size = strlen(text);
    text_strip(&text, &size);
    char *copy = mem_copy_bytes(text, size);
    char *point = strchr(copy, '.');
    if (point != NULL && strspn(point + 1, "0") == strlen(point + 1)) {
        *point = '\0';
    }
    char *end = NULL;
    errno = 0;
    *number = strtoll(copy, &end, 10);
    bool is_number = errno == 0 && end != copy && *end == '\0';
    mem_free(copy);
    mem_free(dumped);
    return is_number;
}

static json_t *validate_kwarg(const struct kwarg *rule, const json_t *value, json_t **messages)
{
    json_int_t number = 0;
    if (value == NULL && rule->is_factor) {
        return json_integer(1);
    }
    if (value == NULL) {
        *messages = rule->is_required ? validation_messages("This field is required.") : NULL;
    } else if (json_is_null(value)) {
        *messages = rule->allows_null ? NULL : validation_messages("This field may not be null.");
        return rule->allows_null ? json_null() : NULL;
    } else if (!to_int(value, &number)) {
        *messages = validation_messages("A valid integer is required.");
    } else if (number < rule->min) {
        *messages = validation_messages(
            "Ensure this value is greater than or equal to %" JSON_INTEGER_FORMAT ".", rule->min);
    } else {
        return json_integer(number);
    }
    return NULL;
}

static bool is_random_range_empty(const struct choice *choice, const json_t *clean)
{
    return strcmp(choice->name, "random") == 0 &&
           json_integer_value(json_object_get(clean, "min_value")) >=
               json_integer_value(json_object_get(clean, "max_value"));
}

static json_t *validate_kwargs(const struct settings *settings, const struct choice *choice,
                               const json_t *kwargs, json_t **errors)
{
    if (!json_is_object(kwargs)) {
        *errors = validation_not_an_object(kwargs);
        return NULL;
    }
    json_t *clean = json_object();
    json_t *found = json_object();
    for (const struct kwarg *rule = choice->kwargs; rule->name != NULL; rule++) {
        json_t *messages = NULL;
        json_t *value = rule->is_factor && !settings->has_exponential_factor
                            ? NULL
                            : validate_kwarg(rule, json_object_get(kwargs, rule->name), &messages);
        if (messages != NULL) {
            json_object_set_new(found, rule->name, messages);
        } else if (value != NULL) {
            json_object_set_new(clean, rule->name, value);
        }
    }
    if (json_object_size(found) == 0 && is_random_range_empty(choice, clean)) {
        json_object_set_new(found, "non_field_errors",
                            validation_messages("'max_value' must be greater than 'min_value'."));
    }
    if (json_object_size(found) == 0) {
        json_decref(found);
        return clean;
    }
    *errors = found;
    json_decref(clean);
    return NULL;
}

/* choice and kwargs as fields, before they are looked at together; NULL: *errors. */
static const struct choice *validate_fields(const json_t *value, json_t **errors)
{
    static const struct text_rule choice_rule = {0};
    const json_t *name = json_object_get(value, "choice");
    const json_t *kwargs = json_object_get(value, "kwargs");
    json_t *found = json_object();
    json_t *messages = NULL;
    const struct choice *choice = NULL;
    if (name == NULL || json_is_null(name)) {
        messages = validation_messages(name == NULL ? "This field is required."
                                                    : "This field may not be null.");
    } else {
        json_t *text = validate_text(&choice_rule, name, &messages);
        choice = text == NULL ? NULL : choice_of(json_string_value(text));
        if (text != NULL && choice == NULL) {
            messages =
                validation_messages("\"%s\" is not a valid choice.", json_string_value(text));
        }
        json_decref(text);
    }
    if (messages != NULL) {
        json_object_set_new(found, "choice", messages);
    }
    if (kwargs == NULL || json_is_null(kwargs)) {
        json_object_set_new(found, "kwargs",
                            validation_messages(kwargs == NULL ? "This field is required."
                                                               : "This field may not be null."));
    }
    if (json_object_size(found) > 0) {
        *errors = found;
        return NULL;
    }
    json_decref(found);
    return choice;
}

json_t *countdown_validate(const struct settings *settings, const json_t *value, bool is_partial,
                           struct validation *result)
{
    if (!json_is_object(value)) {
        result->errors = validation_not_an_object(value);
        return NULL;
    }
    /* In a PATCH the nested serializer is partial too, so a missing half is not an error of a
       field; its validate() then meets a KeyError. */
    if (is_partial &&
        (json_object_get(value, "choice") == NULL || json_object_get(value, "kwargs") == NULL)) {
        result->is_crash = true;
        return NULL;
    }
    const struct choice *choice = validate_fields(value, &result->errors);
    if (choice == NULL) {
        return NULL;
    }
    json_t *errors = NULL;
    json_t *kwargs = validate_kwargs(settings, choice, json_object_get(value, "kwargs"), &errors);
    if (kwargs == NULL) {
        result->errors = json_pack("{s:o}", "kwargs", errors);
        return NULL;
    }
    return json_pack("{s:s, s:o}", "choice", choice->name, "kwargs", kwargs);
}
