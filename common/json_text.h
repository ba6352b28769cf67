/* JSON texts of people's: decoded strictly, and what is wrong is told with its place, without
   quoting the text, which may hold secrets. */
#ifndef OMNIHOOK_COMMON_JSON_TEXT_H
#define OMNIHOOK_COMMON_JSON_TEXT_H

#include "common/faults.h"
#include "common/secret.h"

#include <jansson.h>

/* The value; owned by the caller. NULL, with a fault "<place>: line ..., column ...: ...", when
   text is not JSON. A key that is twice in an object is a fault too, with its JSON path (which
   begins with root, the path of the whole document: "" = none); the value with the last one is
   given then, so that more faults can be found in it. */
json_t *json_text_decode(const struct secret *text, const char *place, const char *root,
                         struct faults *faults);

#endif
