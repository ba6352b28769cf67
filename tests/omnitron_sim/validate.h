/* Django REST framework's field validation of a webhook: the messages are DRF's own. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_VALIDATE_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_VALIDATE_H

#include "tests/omnitron_sim/settings.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct validation {
    json_t *fields; /* owned: what is to be stored, when errors is NULL */
    json_t *errors; /* owned: field -> messages; NULL when all is well */
    bool is_crash;  /* the real serializer would end in an uncaught exception here: a 500 */
};

/* is_partial: PATCH, where nothing is required. */
void validate_hook(const struct settings *settings, const json_t *data, bool is_partial,
                   struct validation *result);
void validation_clear(struct validation *validation);

/* ["message"] */
json_t *validation_messages(const char *format, ...) PRINTF_LIKE(1, 2);

/* {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]} */
json_t *validation_not_an_object(const json_t *data);

/* A CharField: the text without the white space around it (Python's str.strip), a number as its
   text; or NULL and *messages. */
struct text_rule {
    size_t max_length; /* in code points; 0: no limit */
    bool allows_blank;
};
json_t *validate_text(const struct text_rule *rule, const json_t *value, json_t **messages);

#endif
