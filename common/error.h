/* Why a call failed: a code for programs, a sentence for people. Also the project's attributes. */
#ifndef OMNIHOOK_COMMON_ERROR_H
#define OMNIHOOK_COMMON_ERROR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

enum error_code {
    ERROR_NONE = 0,
    ERROR_BAD_INPUT,    /* what was given is wrong; giving it again fails again */
    ERROR_NOT_FOUND,    /* the thing named does not exist */
    ERROR_UNAVAILABLE,  /* the other side is away or said "not now"; later may work */
    ERROR_TIMEOUT,      /* no answer in time; whether it was done is unknown */
    ERROR_REFUSED,      /* the other side understood and said no */
    ERROR_UNAUTHORIZED, /* the other side does not accept the credentials */
    ERROR_PROTOCOL,     /* the other side's answer makes no sense */
    ERROR_FULL,         /* a limit of ours is reached */
    ERROR_CANCELLED,    /* the caller gave up, or we are stopping */
    ERROR_LOST,         /* the caller no longer owns what it wanted to change (fenced) */
    ERROR_SYSTEM,       /* the operating system refused; the text has errno's words */
};

enum { ERROR_TEXT_SIZE = 384 };

/* Fixed size and no pointers: copied by assignment, needs no clearing. Never holds a secret. */
struct error {
    enum error_code code;
    char text[ERROR_TEXT_SIZE];
};

/* Fills err (ignored when NULL) and returns false, so a failing function can end with
   `return error_set(...)`. A text too long is cut. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The code's name as logs show it: "unavailable". Static text. */
const char *error_code_name(enum error_code code);

#endif
