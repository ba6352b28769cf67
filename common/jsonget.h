/* Typed, range-checked reads from a JSON object. Whatever is wrong becomes one fault,
   "<path>.<key>: <what was expected>", and the default is read instead, so that one pass finds all
   faults. A missing key and null both mean the default. */
#ifndef OMNIHOOK_COMMON_JSONGET_H
#define OMNIHOOK_COMMON_JSONGET_H

#include "common/faults.h"

#include <jansson.h>
#include <stdint.h>

struct jsonget {
    json_t *object;        /* borrowed */
    const char *path;      /* borrowed; "" = the whole document */
    struct faults *faults; /* borrowed */
    bool is_good;          /* no fault so far */
};

/* False, with a fault, when value is not an object. */
MUST_CHECK bool jsonget_init(struct jsonget *get, json_t *value, const char *path,
                             struct faults *faults);

/* One fault for each key that is not in known, which ends with NULL. */
void jsonget_check_keys(struct jsonget *get, const char *const *known);

/* The value; NULL when the key is missing or null. All borrow from the object. A value of another
   type gives a fault and NULL or fallback; so does a number outside min .. max. */
json_t *jsonget_value(const struct jsonget *get, const char *key);
json_t *jsonget_array(struct jsonget *get, const char *key);
json_t *jsonget_object(struct jsonget *get, const char *key);
const char *jsonget_text(struct jsonget *get, const char *key);
bool jsonget_bool(struct jsonget *get, const char *key, bool fallback);
int64_t jsonget_int(struct jsonget *get, const char *key, int64_t fallback, int64_t min,
                    int64_t max);
/* The place of the text in choices, which ends with NULL; the first one is the default. */
unsigned jsonget_choice(struct jsonget *get, const char *key, const char *const *choices);

/* False, with a fault, when the key is missing or null. */
bool jsonget_require(struct jsonget *get, const char *key);

/* A fault at <path>.<key>. */
void jsonget_fault(struct jsonget *get, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);

/* "<path>.<key>" and "<path>.<key>[<index>]"; owned. */
char *jsonget_path(const struct jsonget *get, const char *key);
char *jsonget_element_path(const struct jsonget *get, const char *key, size_t index);

#endif
