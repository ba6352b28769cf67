/* The listening socket and evhttp on it. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_LISTENER_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_LISTENER_H

#include "common/error.h"

struct listener;
struct sim;

/* Listens where sim->options say. NULL: err. */
struct listener *listener_start(struct sim *sim, struct error *err);

/* Every unanswered request must be closed. NULL is legal. */
void listener_free(struct listener *listener);

/* "http://127.0.0.1:43211" or "unix:/path". */
const char *listener_address(const struct listener *listener);

#endif
