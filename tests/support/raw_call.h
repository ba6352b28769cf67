/* A connection that sends any bytes, for what no HTTP library would send. */
#ifndef OMNIHOOK_TESTS_SUPPORT_RAW_CALL_H
#define OMNIHOOK_TESTS_SUPPORT_RAW_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_call;

/* Connects; the test fails when nobody listens there. */
struct raw_call *raw_call_open(const char *address);
/* The same, from an address of this host ("127.0.0.2") to a TCP address. */
struct raw_call *raw_call_open_from(const char *source, const char *address);
void raw_call_close(struct raw_call *raw);

/* Sends the bytes; false when the other side has closed. */
bool raw_call_send(struct raw_call *raw, const void *bytes, size_t size);
bool raw_call_send_text(struct raw_call *raw, const char *text);

/* Nothing more will be sent: the other side reads the end. */
void raw_call_end_sending(struct raw_call *raw);

/* Reads until what came so far holds text (NULL: never) or the other side closes or limit_ms pass.
   Gives all that came since raw_call_open, borrowed until the next call. */
const char *raw_call_receive(struct raw_call *raw, const char *text, int64_t limit_ms);

/* Reads what comes next, if anything does before the other side closes or limit_ms pass. Gives all
   that came since raw_call_open, 0-terminated, and its size. */
const char *raw_call_receive_some(struct raw_call *raw, size_t *size, int64_t limit_ms);

/* The other side has closed or reset the connection, as far as raw_call_receive has seen. */
bool raw_call_is_closed(const struct raw_call *raw);

#endif
