/* One request from its arrival to the end of its answer. The operation is done at the arrival, the
   answer goes out when the latency and a fault's delay are over: so a client that gives up in
   between has changed Omnitron all the same. Nothing here blocks; all waits run in parallel. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_EXCHANGE_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_EXCHANGE_H

struct evhttp_request;
struct sim;

/* Serves a request of Omnitron's own API. */
void exchange_start(struct sim *sim, struct evhttp_request *http);

/* Closes the connections of requests that a fault keeps hanging. */
void exchange_close_hanging(struct sim *sim);

/* Closes the connections of all unanswered requests: evhttp must not be freed before. */
void exchange_close_all(struct sim *sim);

#endif
