/* Bodies of answers: what an Omnitron would say, and what nobody should. */
#ifndef OMNIHOOK_TESTS_HOSTILE_OMNITRON_BODY_H
#define OMNIHOOK_TESTS_HOSTILE_OMNITRON_BODY_H

#include "tests/hostile_omnitron/request.h"
#include "tests/support/chance.h"

/* The account whose list has no end, and which is always answered so. */
enum { ENDLESS_ACCOUNT = 999 };

/* Appends the JSON that the request asked for. elsewhere: "127.0.0.1:port" of somebody else's
   address, for links. */
void body_add_honest(struct strbuf *body, const struct request *request, struct chance *chance,
                     const char *elsewhere);

/* Appends something else: nested without end, giant, of other types, in other encodings, cut off,
   full of what the request had in it. */
void body_add_odd(struct strbuf *body, const struct request *request, struct chance *chance,
                  const char *elsewhere);

#endif
