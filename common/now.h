/* The clocks. The only callers of clock_gettime; everything else gets time as an argument or from
   here. The name of each function says which clock its number is on: never mix them. */
#ifndef OMNIHOOK_COMMON_NOW_H
#define OMNIHOOK_COMMON_NOW_H

#include <stdint.h>

/* Milliseconds since 1970, UTC. Steps when somebody sets the clock: for people only. */
int64_t now_wall_ms(void);

/* Milliseconds on a clock that never steps, and stands still while the machine is suspended. */
int64_t now_mono_ms(void);

/* now_mono_ms's clock in microseconds: for durations that are short. */
int64_t now_mono_us(void);

/* Like now_mono_ms, but counts the time the machine was suspended: for leases. */
int64_t now_boot_ms(void);

enum { NOW_ISO_SIZE = sizeof "1970-01-01T00:00:00.000Z" };

/* Writes wall_ms as ISO 8601 UTC with milliseconds and returns text. */
char *now_iso(char text[NOW_ISO_SIZE], int64_t wall_ms);

enum { NOW_HTTP_SIZE = sizeof "Thu, 01 Jan 1970 00:00:00 GMT" };

/* Writes wall_ms as HTTP's headers have it (RFC 9110, 5.6.7) and returns text. */
char *now_http(char text[NOW_HTTP_SIZE], int64_t wall_ms);

#endif
