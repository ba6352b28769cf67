/* JSON texts of people's: decoded strictly, and what is wrong is told with its place, without
   quoting the text, which may hold secrets. */
#ifndef OMNIHOOK_COMMON_JSON_TEXT_H
#define OMNIHOOK_COMMON_JSON_TEXT_H

#include "common/faults.h"
#include "common/secret.h"

#include <jansson.h>

/* The value; owned by the caller. NULL, with a fault "<place>: line ..., column ...: ...", when
   text is not JSON. A key that is twice in an object, and a text with \u0000 in it, are faults with
   their JSON path in front (which begins with root, the path of the whole document: "" = none); a
   value is given then all the same, with the last one of the two, so that more faults can be found
   in it. */
json_t *json_text_decode(const struct secret *text, const char *place, const char *root,
                         struct faults *faults);

#endif
