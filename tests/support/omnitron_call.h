/* Calls to the simulated Omnitron's own API, as a client with a token makes them. */
#ifndef OMNIHOOK_TESTS_SUPPORT_OMNITRON_CALL_H
#define OMNIHOOK_TESTS_SUPPORT_OMNITRON_CALL_H

#include "tests/support/http_call.h"
#include "tests/support/sim.h"

/* request is the method and the path: "GET /whisperer/hooks/". token NULL: no Authorization
   header. body NULL: none; else it is sent as JSON. */
struct http_answer *omnitron_call(struct sim *sim, const char *token, const char *request,
                                  const char *body);

/* Makes the call; the test fails when the answer has another status (0: there must be none), or
   another body where expected is given (a JSON text, compared by value). */
void omnitron_expect(struct sim *sim, const char *token, const char *request, const char *body,
                     int status, const char *expected);

/* The JSON of a GET that must succeed, to be json_decref'd. */
json_t *omnitron_read(struct sim *sim, const char *token, const char *path);

/* POSTs a webhook of that key for the token's user, and gives the status. */
int omnitron_post_webhook(struct sim *sim, const char *token, const char *event_type,
                          const char *target_url);

#endif
