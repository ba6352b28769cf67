/* Texts as JSON strings, written straight into a buffer: for documents that are printed often. */
#ifndef OMNIHOOK_COMMON_QUOTE_H
#define OMNIHOOK_COMMON_QUOTE_H

#include "common/strbuf.h"

/* Appends text as a JSON string with its quotes; NULL as null. What is no valid UTF-8 (RFC 3629)
   becomes U+FFFD byte by byte, so the result is always valid JSON. */
void quote_json(struct strbuf *buffer, const char *text);

/* Appends text as it is, but for U+FFFD in place of each byte that is no part of valid UTF-8. */
void quote_utf8(struct strbuf *buffer, const char *text);

#endif
