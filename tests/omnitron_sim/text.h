/* Texts as Python sees them: code points, and str.strip. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_TEXT_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_TEXT_H

#include <stddef.h>

/* text is valid UTF-8, as everything from jansson is. */
size_t text_code_points(const char *text, size_t size);

/* Moves *text and *size past the white space at both ends, Unicode's included. */
void text_strip(const char **text, size_t *size);

#endif
