#include "tests/omnitron_sim/validate.h"

#include "common/mem.h"
#include "tests/omnitron_sim/countdown.h"
#include "tests/omnitron_sim/text.h"

#include <stdarg.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_BOOL, KIND_JSON, KIND_COUNTDOWN };

static const struct rule {
    const char *name;
    enum kind kind;
    bool is_required;
    bool allows_null;
    struct text_rule text;
} rules[] = {
    {.name = "retry_countdown_config", .kind = KIND_COUNTDOWN, .is_required = true},
    {.name = "target_url", .kind = KIND_TEXT, .is_required = true, .text = {.max_length = 255}},
    {.name = "is_active", .kind = KIND_BOOL},
    {.name = "secret_key",
     .kind = KIND_TEXT,
     .allows_null = true,
     .text = {.max_length = 124, .allows_blank = true}},
    {.name = "event_type", .kind = KIND_TEXT, .is_required = true, .text = {.max_length = 124}},
    {.name = "callback",
     .kind = KIND_TEXT,
     .allows_null = true,
     .text = {.max_length = 64, .allows_blank = true}},
    {.name = "additional_headers", .kind = KIND_JSON},
    {.name = "config", .kind = KIND_JSON},
};

json_t *validation_messages(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    json_t *text = json_vsprintf(format, args);
    va_end(args);
    return json_pack("[o]", text);
}

static const char *python_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "dict";
    case JSON_ARRAY:
        return "list";
    case JSON_STRING:
        return "str";
    case JSON_INTEGER:
        return "int";
    case JSON_REAL:
        return "float";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    case JSON_NULL:
        break;
    }
    return "NoneType";
}

json_t *validation_not_an_object(const json_t *data)
{
    json_t *messages = json_is_null(data)
                           ? validation_messages("No data provided")
                           : validation_messages("Invalid data. Expected a dictionary, but got %s.",
                                                 python_type(data));
    return json_pack("{s:o}", "non_field_errors", messages);
}

json_t *validate_text(const struct text_rule *rule, const json_t *value, json_t **messages)
{
    if (!json_is_string(value) && !json_is_number(value)) {
        *messages = validation_messages("Not a valid string.");
        return NULL;
    }
    char *number = json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    const char *text = number == NULL ? json_string_value(value) : number;
    size_t size = number == NULL ? json_string_length(value) : strlen(number);
    text_strip(&text, &size);
    json_t *found = json_array();
    if (size == 0 && !rule->allows_blank) {
        json_array_append_new(found, json_string("This field may not be blank."));
    }
    if (rule->max_length > 0 && text_code_points(text, size) > rule->max_length) {
        json_array_append_new(
            found,
            json_sprintf("Ensure this field has no more than %zu characters.", rule->max_length));
    }
    if (memchr(text, '\0', size) != NULL) {
        json_array_append_new(found, json_string("Null characters are not allowed."));
    }
    json_t *clean = json_array_size(found) == 0 ? json_stringn(text, size) : NULL;
    if (clean == NULL) {
        *messages = json_incref(found);
    }
    json_decref(found);
    mem_free(number);
    return clean;
}

static bool is_one_of(const char *const *texts, const char *text)
{
    while (text != NULL && *texts != NULL && strcmp(*texts, text) != 0) {
        texts++;
    }
    return text != NULL && *texts != NULL;
}

/* BooleanField.TRUE_VALUES and FALSE_VALUES. */
static json_t *validate_bool(const json_t *value, json_t **messages)
{
    static const char *const truths[] = {"t",    "T",    "y",  "Y",  "yes", "Yes", "YES", "true",
                                         "True", "TRUE", "on", "On", "ON",  "1",   NULL};
    static const char *const lies[] = {"f",     "F",     "n",   "N",   "no",  "No", "NO", "false",
                                       "False", "FALSE", "off", "Off", "OFF", "0",  NULL};
    const char *text = json_string_value(value);
    double number = json_is_number(value) ? json_number_value(value) : -1;
    if (json_is_true(value) || number == 1 || is_one_of(truths, text)) {
        return json_true();
    }
    if (json_is_false(value) || number == 0 || is_one_of(lies, text)) {
        return json_false();
    }
    *messages = validation_messages("Must be a valid boolean.");
    return NULL;
}

static void add_error(struct validation *result, const char *name, json_t *messages)
{
    if (result->errors == NULL) {
        result->errors = json_object();
    }
    json_object_set_new(result->errors, name, messages);
}

static bool is_registered(const struct settings *settings, const char *event_type)
{
    size_t i = 0;
    const json_t *known = NULL;
    json_array_foreach(settings->registry, i, known)
    {
        if (strcmp(json_string_value(known), event_type) == 0) {
            return true;
        }
    }
    return false;
}

/* WebhookSerializer.validate_event_type of the newer versions. */
static json_t *check_event_type(const struct settings *settings, json_t *event_type,
                                json_t **messages)
{
    const char *name = json_string_value(event_type);
    if (!settings->restricts_event_types || is_registered(settings, name)) {
        return event_type;
    }
    *messages = validation_messages("\"%s\" is not a valid choice.", name);
    json_decref(event_type);
    return NULL;
}

static json_t *validate_countdown(const struct settings *settings, const json_t *value,
                                  bool is_partial, struct validation *result, json_t **messages)
{
    struct validation nested = {0};
    json_t *clean = countdown_validate(settings, value, is_partial, &nested);
    *messages = nested.errors;
    result->is_crash = result->is_crash || nested.is_crash;
    return clean;
}

static json_t *validate_value(const struct settings *settings, const struct rule *rule,
                              json_t *value, json_t **messages)
{
    json_t *clean = NULL;
    switch (rule->kind) {
    case KIND_TEXT:
        clean = validate_text(&rule->text, value, messages);
        break;
    case KIND_BOOL:
        return validate_bool(value, messages);
    case KIND_JSON:
    case KIND_COUNTDOWN:
        return json_incref(value);
    }
    bool is_event_type = strcmp(rule->name, "event_type") == 0;
    return clean != NULL && is_event_type ? check_event_type(settings, clean, messages) : clean;
}

static void validate_field(const struct settings *settings, const struct rule *rule,
                           const json_t *data, bool is_partial, struct validation *result)
{
    json_t *value = json_object_get(data, rule->name);
    json_t *messages = NULL;
    json_t *clean = NULL;
    if (value == NULL) {
        messages = rule->is_required && !is_partial ? validation_messages("This field is required.")
                                                    : NULL;
    } else if (json_is_null(value)) {
        messages = rule->allows_null ? NULL : validation_messages("This field may not be null.");
        clean = rule->allows_null ? json_null() : NULL;
    } else if (rule->kind == KIND_COUNTDOWN) {
        clean = validate_countdown(settings, value, is_partial, result, &messages);
    } else {
        clean = validate_value(settings, rule, value, &messages);
    }
    if (messages != NULL) {
        add_error(result, rule->name, messages);
    } else if (clean != NULL) {
        json_object_set_new(result->fields, rule->name, clean);
    }
}

void validate_hook(const struct settings *settings, const json_t *data, bool is_partial,
                   struct validation *result)
{
    *result = (struct validation){.fields = json_object()};
    if (!json_is_object(data)) {
        result->errors = validation_not_an_object(data);
        return;
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        validate_field(settings, &rules[i], data, is_partial, result);
    }
}

void validation_clear(struct validation *validation)
{
    json_decref(validation->fields);
    json_decref(validation->errors);
    *validation = (struct validation){0};
}
