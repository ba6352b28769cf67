/* What happens between evhttp and a handler: the checks, in the order that is promised. */
#ifndef OMNIHOOK_API_DISPATCH_H
#define OMNIHOOK_API_DISPATCH_H

#include "api/auth_omnitron.h"
#include "api/handlers.h"
#include "api/wrong_keys.h"

struct dispatch {
    const struct services *services;
    struct settings_store *store;
    struct auth_omnitron *auth_omnitron;
    struct wrong_keys *wrong_keys;
    const struct ip_ranges *trusted_proxies;
};

/* Answers request, or gives it to its handler; perhaps later, when Omnitron has been asked about
   the caller. dispatch is borrowed until then. */
void dispatch_request(const struct dispatch *dispatch, struct request *request);

#endif
