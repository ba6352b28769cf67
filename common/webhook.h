/* One webhook, of the setting or of Omnitron's list: parse, check, compare, print.
   Limits and normalising are those of Omnitron's serializers (dj-whisperer 0.2.x on Django REST
   framework). */
#ifndef OMNIHOOK_COMMON_WEBHOOK_H
#define OMNIHOOK_COMMON_WEBHOOK_H

#include "common/faults.h"
#include "common/json_slice.h"
#include "common/secret.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The fields that can drift, as bits. */
enum webhook_field {
    WEBHOOK_IS_ACTIVE = 1 << 0,
    WEBHOOK_SECRET_KEY = 1 << 1,
    WEBHOOK_CALLBACK = 1 << 2,
    WEBHOOK_RETRY_COUNTDOWN_CONFIG = 1 << 3,
    WEBHOOK_ADDITIONAL_HEADERS = 1 << 4,
    WEBHOOK_CONFIG = 1 << 5,
};
enum { WEBHOOK_FIELD_COUNT = 6 };

/* A webhook of the setting. */
struct webhook {
    char *event_type;
    char *target_url;
    bool is_active;
    struct secret secret_key;       /* unset = null */
    char *callback;                 /* NULL = null */
    json_t *retry_countdown_config; /* normalised as the server does */
    json_t *additional_headers;
    json_t *config;
    unsigned named; /* enum webhook_field bits that the setting names: only these can drift */
};

/* A row of Omnitron's list. Texts are trimmed as the server trims them. */
struct registered_hook {
    int64_t id;
    char *event_type;
    char *target_url;
    bool is_active;    /* a row that does not say counts as active */
    struct secret row; /* the JSON text of all of it, as answered */
};

/* Reads entry; adds one fault for each thing wrong, each starting with path, e.g.
   "accounts.acme.OMNITRON_WEBHOOKS[2]". Secrets given as secret_key_file or secret_key_env are read
   through settings' own reader before: here entry holds the plain "secret_key". entry is borrowed
   and not changed; webhook keeps references to parts of it. False when a fault was added; webhook
   is then cleared. Pair with webhook_clear. */
MUST_CHECK bool webhook_parse(struct webhook *webhook, json_t *entry, const char *path,
                              struct faults *faults);
void webhook_clear(struct webhook *webhook);

/* Equal in every field; which ones are named does not matter. */
bool webhook_equals(const struct webhook *left, const struct webhook *right);

/* The body that creates it (all fields Omnitron needs; secret_key and callback only when set), or a
   PATCH of just the given enum webhook_field bits. Owned by the caller. Holds secrets. */
json_t *webhook_create_body(const struct webhook *webhook);
json_t *webhook_patch_body(const struct webhook *webhook, unsigned fields);

/* The named fields that differ between the setting and the row, as bits; a field that the row does
   not show does not differ. Compares after the server's normalising. is_active is not looked at. */
unsigned webhook_drift(const struct webhook *webhook, const struct registered_hook *hook);

/* "secret_key" ...; static. field is one bit. */
const char *webhook_field_name(enum webhook_field field);

/* Copies what it needs of a row of the list. ERROR_PROTOCOL when a key field
   is missing or of a wrong type: the whole list makes no sense. ERROR_BAD_INPUT when only is_active
   is of a wrong type: leave this row out, with a warning. Pair with registered_hook_clear. */
MUST_CHECK bool registered_hook_parse(struct registered_hook *hook, const struct json_slice *row,
                                      struct error *err);
void registered_hook_clear(struct registered_hook *hook);

#endif
