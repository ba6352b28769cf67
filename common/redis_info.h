/* Redis's INFO: lines "name:value\r\n". Pure. */
#ifndef OMNIHOOK_COMMON_REDIS_INFO_H
#define OMNIHOOK_COMMON_REDIS_INFO_H

#include <stdbool.h>
#include <stddef.h>

/* The value, size bytes without the end of the line, borrowed from info; NULL when there is none.
 */
const char *redis_info_value(const char *info, const char *name, size_t *size);

/* Whether there is one, and it is this. */
bool redis_info_is(const char *info, const char *name, const char *expected);

#endif
