/* The table of request shapes, tests/e2e/http_shapes.json, which docs/http-api.md shows too. A row
   is {name, head: [lines] with body, or raw: bytes; status; headers; detail or answer; ends}. */
#ifndef OMNIHOOK_TESTS_SUPPORT_HTTP_SHAPES_H
#define OMNIHOOK_TESTS_SUPPORT_HTTP_SHAPES_H

#include "common/strbuf.h"

#include <jansson.h>

/* An array of groups {group, shapes: [row]}; to be json_decref'd. */
json_t *http_shapes_load(void);

/* Appends the bytes of a row's request. In them {api} stands for the prefix of all paths, {key} for
   the Authorization line with key, {key value} for key alone, and {text*n} for text n times. */
void http_shape_request(const json_t *row, const char *key, struct strbuf *request);

#endif
