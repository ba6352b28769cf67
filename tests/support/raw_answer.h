/* The answers that came on a raw connection, read strictly: what is not HTTP/1 with a clear end is
   broken. */
#ifndef OMNIHOOK_TESTS_SUPPORT_RAW_ANSWER_H
#define OMNIHOOK_TESTS_SUPPORT_RAW_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

enum raw_answer_state {
    RAW_ANSWER_MORE,   /* it is not whole */
    RAW_ANSWER_WHOLE,  /* answer is filled */
    RAW_ANSWER_BROKEN, /* it can never become one */
};

/* Borrows from the bytes that it was read from. */
struct raw_answer {
    int status;
    const char *reason; /* up to the end of its line */
    const char *fields; /* the header lines, without the empty line */
    size_t fields_size;
    const char *body;
    size_t body_size;
    size_t size; /* of all of it */
};

/* Reads the first answer of bytes. is_head: it answers HEAD, so it has no body. */
enum raw_answer_state raw_answer_read(struct raw_answer *answer, const char *bytes, size_t size,
                                      bool is_head);

/* The value of the first header of that name (in any case), cut to size bytes with its 0 byte;
   NULL when there is none. */
char *raw_answer_header(const struct raw_answer *answer, const char *name, char *value,
                        size_t size);

#endif
