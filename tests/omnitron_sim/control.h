/* The /_sim/ API, by which a test prepares, disturbs and questions the simulator. README.md shows
   every call. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_CONTROL_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_CONTROL_H

#include <stdbool.h>

struct evhttp_request;
struct sim;

/* Whether the path is one of this API's. */
bool control_is_path(const char *path);

/* Answers at once: never counted, delayed or disturbed by a fault. */
void control_serve(struct sim *sim, struct evhttp_request *http);

#endif
