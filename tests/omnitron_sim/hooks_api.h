/* dj-whisperer's WebhookViewSet: {hooks}, {hooks}{id}/ and {hooks}registry/. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_HOOKS_API_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_HOOKS_API_H

#include "tests/omnitron_sim/routes.h"

/* In hook_list.c: filters, order and pages. */
void hooks_api_list(struct sim *sim, const struct request *request, const struct route *route,
                    struct answer *answer);

void hooks_api_create(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer);
void hooks_api_detail(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer);
void hooks_api_update(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer);

/* Soft: the row stays, inactive. */
void hooks_api_delete(struct sim *sim, const struct request *request, const struct route *route,
                      struct answer *answer);

void hooks_api_registry(struct sim *sim, const struct request *request, const struct route *route,
                        struct answer *answer);

#endif
