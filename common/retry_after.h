/* How long a server asks to be left alone: the Retry-After header (RFC 9110, 10.2.3). Pure. */
#ifndef OMNIHOOK_COMMON_RETRY_AFTER_H
#define OMNIHOOK_COMMON_RETRY_AFTER_H

#include <stdint.h>

enum { RETRY_AFTER_NONE = -1 };

/* Milliseconds to wait, 0 .. max_ms, or RETRY_AFTER_NONE when value says nothing of use (empty,
   negative, no number and no date). value is whole seconds, a fraction (rounded up), or a date in
   one of HTTP's three forms; a date counts from date, the same answer's Date header, so that a
   wrong clock of either side does not matter, and from now_wall_ms when that is missing. What is
   past is 0, what is absurdly far is max_ms. */
int64_t retry_after_ms(const char *value, const char *date, int64_t now_wall_ms, int64_t max_ms);

/* Seconds since 1970 of an HTTP date: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37
   GMT" or "Sun Nov  6 08:49:37 1994"; -1 when it is none of these. A year of two digits is at most
   50 years after the year of now_wall_ms. */
int64_t http_date_s(const char *text, int64_t now_wall_ms);

#endif
