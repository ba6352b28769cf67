/* Who calls: from the Authorization header to an account, or to the answer that refuses the caller.
 */
#ifndef OMNIHOOK_API_AUTH_H
#define OMNIHOOK_API_AUTH_H

#include "api/dispatch.h"

/* Sets the request's account and calls then; or answers the request with 401, 429 or 503. Both at
   once where the API keys or what is remembered decide it, else when Omnitron has answered. */
void auth_start(const struct dispatch *dispatch, struct request *request,
                void (*then)(const struct dispatch *dispatch, struct request *request));

#endif
