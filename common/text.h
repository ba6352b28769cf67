/* What a text from outside is made of. Texts are UTF-8 where nothing else is said. */
#ifndef OMNIHOOK_COMMON_TEXT_H
#define OMNIHOOK_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 (RFC 3629: no surrogates, no overlong forms) without a 0 byte. */
bool text_is_utf8(const char *bytes, size_t size);

/* In Unicode code points, as Python and so Omnitron count. */
size_t text_length(const char *text);

/* Holds one of C0, DEL or C1. */
bool text_has_control(const char *text);

/* In place: what could break a line in two or steer a terminal becomes '?': control characters,
   separators of lines, marks of the direction of writing, and bytes that are no UTF-8. */
void text_make_plain(char *text);

/* Not empty, and only ASCII that is neither control nor space. */
bool text_is_visible_ascii(const char *text);

/* Without white space at its ends, as Python's str.strip removes it, which Omnitron applies to
   texts that it is sent. text_is_trimmed: there is none. text_trim: an owned copy without it. */
bool text_is_trimmed(const char *text);
char *text_trim(const char *text);

#endif
