/* What each byte of a request may be part of. */
#ifndef OMNIHOOK_API_HTTP_BYTES_H
#define OMNIHOOK_API_HTTP_BYTES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum http_bytes {
    HTTP_TEXT = 1,    /* lines: all but control bytes, HTAB excepted */
    HTTP_TOKEN = 2,   /* methods and the names of fields (RFC 9110, 5.6.2) */
    HTTP_HOST = 4,    /* the Host field, with brackets and port (RFC 3986, 3.2) */
    HTTP_TARGET = 8,  /* a target: ASCII that is visible, without a fragment */
    HTTP_BLANK = 16,  /* around the values of fields */
    HTTP_DECIMAL = 32 /* digits */
};

/* For each byte, all that it may be. */
extern const unsigned char http_bytes[UCHAR_MAX + 1];

static inline bool http_byte_is(char byte, enum http_bytes what)
{
    return (http_bytes[(unsigned char)byte] & what) != 0;
}

/* How many bytes at the beginning are of that kind. */
static inline size_t http_bytes_span(const char *bytes, size_t size, enum http_bytes what)
{
    size_t at = 0;
    while (at < size && http_byte_is(bytes[at], what)) {
        at++;
    }
    return at;
}

#endif
