/* Calls of an API's ops listener: the dashboard's reads and acts. */
#ifndef OMNIHOOK_TESTS_SUPPORT_OPS_CALL_H
#define OMNIHOOK_TESTS_SUPPORT_OPS_CALL_H

#include "tests/support/stack.h"

#define OPS_KEY "operator-key-of-the-tests"
/* OMNIHOOK_OPERATOR_KEYS with the hash of OPS_KEY, for a stack's env. */
extern const char ops_keys_entry[];

enum { OPS_CALL_HEADERS_MAX = 6 };

struct ops_call {
    const char *method; /* NULL = GET, or POST when there is a body */
    const char *path;
    const char *key;  /* NULL = no Authorization */
    const char *body; /* NULL = none, else it is sent as application/json */
    const char *headers[OPS_CALL_HEADERS_MAX]; /* more of them */
};

/* Where the stack's first API listens for operators, also when that is a TCP port that the system
   chose. Borrowed until the next call. */
const char *ops_address(struct stack *stack);

/* The answer is to be freed. */
struct http_answer *ops_call(struct stack *stack, const struct ops_call *call);

/* Its status alone. */
int ops_status(struct stack *stack, const struct ops_call *call);

/* GET of path with OPS_KEY, which must be answered with 200 and JSON: to be json_decref'd. */
json_t *ops_read(struct stack *stack, const char *path);

/* POST with OPS_KEY: the status. */
int ops_act(struct stack *stack, const char *path, const char *body);

#endif
