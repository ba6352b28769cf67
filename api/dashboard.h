/* The ops listener of omnihook-api: the pages of ops_pages.h for machines, the dashboard for
   people, and under /ops/ what both the dashboard and an operator's scripts read and do.
   docs/dashboard.md has the calls. */
#ifndef OMNIHOOK_API_DASHBOARD_H
#define OMNIHOOK_API_DASHBOARD_H

#include "api/handlers.h"
#include "common/loop.h"
#include "common/ops_pages.h"
#include "common/redis_url.h"
#include "common/service_config.h"

struct dashboard;

enum { DASHBOARD_CONNECTIONS_MAX = 256 };

/* All borrowed for the dashboard's life. */
struct dashboard_options {
    const struct service_config *config;
    const struct redis_address *redis_address;
    struct settings_store *store;
    const struct services *services; /* filled before the loop runs, and until dashboard_stop */
    ops_health_fn *get_health;
    void *health_arg;              /* of get_health */
    void (*on_drained)(void *arg); /* after dashboard_stop: the last connection has closed */
    void *arg;
    int listener; /* of ops_server_listen, taken over; -1 = there is none: nobody calls */
};

struct dashboard *dashboard_new(struct loop *loop, const struct dashboard_options *options);
/* Answers from here on; who called before has waited. Does nothing the second time. */
void dashboard_serve(struct dashboard *dashboard);

/* Where pages are added. */
struct ops_pages *dashboard_pages(struct dashboard *dashboard);

/* What the client of services' queue says of its connection; why_down is NULL when it is up. */
void dashboard_on_redis_state(struct dashboard *dashboard, const struct error *why_down);

/* The store has a newer version. */
void dashboard_on_new_settings(struct dashboard *dashboard);

/* Ends the streams. From here on only the pages are answered, and files, and each answer closes its
   connection. */
void dashboard_stop(struct dashboard *dashboard);
/* Stopped, and no connection is open. */
bool dashboard_is_drained(const struct dashboard *dashboard);

/* Every call must have been answered: what they wait for is freed before. NULL is legal. */
void dashboard_free(struct dashboard *dashboard);

#endif
