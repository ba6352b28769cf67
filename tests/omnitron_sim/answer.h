/* What a request is answered: built first, sent later by exchange.c, so that latency and faults
   see the whole answer. The second half of the functions speaks Django REST framework's words. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_ANSWER_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_ANSWER_H

#include "common/strbuf.h"

#include <jansson.h>

struct answer {
    int status;
    const char *content_type; /* a literal; NULL when there is no body */
    struct strbuf body;
    json_t *headers; /* owned: name -> text; NULL until the first */
};

void answer_init(struct answer *answer);
void answer_clear(struct answer *answer);

void answer_header(struct answer *answer, const char *name, const char *value);

/* Each replaces the body there was. answer_json takes the value over. */
void answer_json(struct answer *answer, int status, json_t *value);
void answer_text(struct answer *answer, int status, const char *content_type, const char *text);
void answer_empty(struct answer *answer, int status);

/* Starts a JSON body that the caller writes into answer->body itself. */
void answer_start_json(struct answer *answer, int status);

/* {"detail": ...}, the form of every error that is not about a field. */
void answer_detail(struct answer *answer, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* 404 {"detail": "Not found."}: the path exists, the object does not. */
void answer_not_found(struct answer *answer);

/* Django's page for a path that no URL pattern knows, and the one for an uncaught error: HTML. */
void answer_no_such_path(struct answer *answer);
void answer_server_error(struct answer *answer);

#endif
