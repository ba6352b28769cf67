/* The only sender of answers. Each call of the first group answers and frees request: it is called
   exactly once for each request, also when the caller has hung up in between. */
#ifndef OMNIHOOK_API_REPLY_H
#define OMNIHOOK_API_REPLY_H

#include "api/request.h"

#include <jansson.h>

/* 204. */
void reply_no_content(struct request *request);
/* 200 with JSON text. HEAD gets the headers alone. */
void reply_json_text(struct request *request, const char *text, size_t size);
/* 200; takes document. */
void reply_json(struct request *request, json_t *document_take);
/* 200 with {"result": "<word>"}; cheap when it is letters alone. */
void reply_result(struct request *request, const char *word);
/* {"detail": "..."}, as Django REST framework writes its errors. */
void reply_error(struct request *request, int status, const char *detail);
/* The same with Retry-After. */
void reply_try_later(struct request *request, int status, int64_t seconds, const char *detail);
/* 503 for a step of the queue that failed or was not confirmed. */
void reply_queue_error(struct request *request, const struct error *why_not);
/* What a caller is told of it; NULL = that Redis is not available. */
const char *reply_queue_detail(const struct error *why_not);

/* Before one of the above. */
void reply_add_header(struct request *request, const char *name, const char *value);

#endif
