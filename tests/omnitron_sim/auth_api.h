/* {prefix}auth/login/, auth/logout/ and active_user/, as dj-rest-auth and Akinon's SDK have them.
 */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_AUTH_API_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_AUTH_API_H

#include "tests/omnitron_sim/routes.h"

void auth_api_login(struct sim *sim, const struct request *request, const struct route *route,
                    struct answer *answer);
void auth_api_logout(struct sim *sim, const struct request *request, const struct route *route,
                     struct answer *answer);
void auth_api_active_user(struct sim *sim, const struct request *request, const struct route *route,
                          struct answer *answer);

#endif
