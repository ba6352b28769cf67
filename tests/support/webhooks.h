/* Many webhooks as JSON text. */
#ifndef OMNIHOOK_TESTS_SUPPORT_WEBHOOKS_H
#define OMNIHOOK_TESTS_SUPPORT_WEBHOOKS_H

#include <stddef.h>

/* The JSON array of count webhooks {"event_type":"package.created","target_url":prefix + number},
   numbered from 0, each with more (",\"username\":\"acme\"", or "") added to its object. To be
   mem_freed. */
char *webhooks_print(const char *prefix, size_t count, const char *more);

#endif
