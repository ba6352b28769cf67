/* What Omnitron's answers say: JSON with its content type checked, and Django REST framework's
   error bodies flattened to one line without our secrets. For the omnitron_*.c files. Pure. */
#ifndef OMNIHOOK_COMMON_OMNITRON_QUOTE_H
#define OMNIHOOK_COMMON_OMNITRON_QUOTE_H

#include "common/http_client.h"
#include "common/json_slice.h"
#include "common/settings.h"

#include <jansson.h>

/* Texts that may not be repeated in a message, borrowed. Zeroed = none; pair with redaction_clear.
 */
struct redaction {
    const char **texts; /* owned array */
    size_t count;
};
void redaction_add(struct redaction *redaction, const char *text); /* NULL and "" are nothing */
/* Every text in value, however deep. Not the keys. */
void redaction_add_json(struct redaction *redaction, json_t *value);
/* What account and webhook (may be NULL) keep secret. */
void redaction_add_account(struct redaction *redaction, const struct account *account);
void redaction_add_webhook(struct redaction *redaction, const struct webhook *webhook);
void redaction_clear(struct redaction *redaction);

enum { OMNITRON_QUOTE_MAX = 200, OMNITRON_QUOTE_SIZE = OMNITRON_QUOTE_MAX + 4 };

/* The server's own words, at most OMNITRON_QUOTE_MAX bytes, as one printable line:
   `event_type: "x" is not a valid choice.; config.auth: This field is required.`
   What the answer says of a webhook or a login is data and not quoted. "" when the answer is not
   JSON. Returns text. */
char *omnitron_quote(char text[OMNITRON_QUOTE_SIZE], const struct http_response *response,
                     const struct redaction *redaction);

/* The JSON of an answer in place; false and err when its content type or its bytes are not JSON.
   Duplicate keys are tolerated: the last one counts. */
MUST_CHECK bool omnitron_read_body(const struct http_response *response, struct json_slice *body,
                                   struct error *err);

/* The same as a tree, to be decref'd; NULL and err when it is not JSON. For short answers. */
MUST_CHECK json_t *omnitron_parse_body(const struct http_response *response, struct error *err);

/* True when the body is an object whose "code" is code. */
bool omnitron_has_code(const struct http_response *response, const char *code);

/* True when the body looks like Django REST framework's own refusal: an object with the text
   "detail". A proxy's error page does not. */
bool omnitron_is_rest_refusal(const struct http_response *response);

#endif
