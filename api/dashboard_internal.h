/* What the dashboard_*.c files share: the dashboard's parts, and the handlers of its calls. */
#ifndef OMNIHOOK_API_DASHBOARD_INTERNAL_H
#define OMNIHOOK_API_DASHBOARD_INTERNAL_H

#include "api/dashboard.h"
#include "api/dashboard_request.h"
#include "api/dashboard_streams.h"
#include "api/wrong_keys.h"
#include "common/strbuf.h"

struct account_names;
struct connections;

struct dashboard {
    struct loop *loop;
    struct dashboard_options options;
    struct evhttp *http; /* NULL: nobody calls */
    struct connections *connections;
    struct dashboard_requests requests;
    struct ops_pages pages;
    struct wrong_keys *wrong_keys;
    struct account_names *names;
    struct dashboard_streams *streams;
    size_t open_histories; /* being read */
    bool is_stopping;
    bool is_going; /* nobody is to be told any more */
    bool is_redis_up;
    struct error why_down; /* when it is not */
};

/* The call may do what it asks for; or false, and it has been answered. Sets its caller. */
bool dashboard_access_check(const struct dashboard *dashboard, struct dashboard_request *request,
                            bool is_act);
/* A page of another site that a browser shows has sent the call. */
bool dashboard_access_is_foreign(const struct dashboard_request *request);
/* Whether a Host header names this listener by what no page of the internet can be called:
   localhost or an IP address, with or without a port. Pure. */
bool dashboard_access_is_plain_host(const char *host);

/* For the log: "192.0.2.1", "2001:db8::", or "unix" when it is no IP address. */
void dashboard_print_address(const struct ip_address *address, char text[DASHBOARD_CALLER_SIZE]);

/* The overview as callers see it, from what the queue tells. */
void dashboard_print_overview(const struct dashboard *dashboard, const char *document, size_t size,
                              struct strbuf *text);

/* The text of a query's account; NULL when it is none that could exist, and the call has been
   answered. */
const char *dashboard_account_name(struct dashboard_request *request);
bool dashboard_is_account_name(const char *name);

typedef void dashboard_handler_fn(struct dashboard *dashboard, struct dashboard_request *request);

dashboard_handler_fn dashboard_session;
dashboard_handler_fn dashboard_overview;
dashboard_handler_fn dashboard_accounts;
dashboard_handler_fn dashboard_workers;
dashboard_handler_fn dashboard_dead;
dashboard_handler_fn dashboard_report;
dashboard_handler_fn dashboard_history;
dashboard_handler_fn dashboard_plan;
dashboard_handler_fn dashboard_events;
dashboard_handler_fn dashboard_execute;
dashboard_handler_fn dashboard_abort;
dashboard_handler_fn dashboard_retry;
dashboard_handler_fn dashboard_drop;

#endif
