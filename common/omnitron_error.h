/* From an answer of Omnitron's to a failure: its kind, and a sentence for people. For the
   omnitron_*.c files. Pure. */
#ifndef OMNIHOOK_COMMON_OMNITRON_ERROR_H
#define OMNIHOOK_COMMON_OMNITRON_ERROR_H

#include "common/omnitron.h"
#include "common/omnitron_quote.h"

/* What a status other than 2xx means for a call to a path as a whole. */
enum omnitron_failure_kind omnitron_kind_of_status(int status);

/* Fills failure for an answer: "Omnitron answered 404 to GET https://host/path/: Not found." */
void omnitron_failure_of_response(struct omnitron_failure *failure, enum omnitron_failure_kind kind,
                                  const char *method, const char *url,
                                  const struct http_response *response,
                                  const struct redaction *redaction);

void omnitron_failure_set(struct omnitron_failure *failure, enum omnitron_failure_kind kind,
                          int status, const char *format, ...) PRINTF_LIKE(4, 5);

#endif
