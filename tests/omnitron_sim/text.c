#include "tests/omnitron_sim/text.h"

#include <stdbool.h>
#include <string.h>

size_t text_code_points(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80; /* not a continuation byte */
    }
    return count;
}

/* What str.isspace knows beyond ASCII. */
static const char *const wide_spaces[] = {
    "\xc2\x85", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
    "\u2004",   "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
    "\u2028",   "\u2029", "\u202f", "\u205f", "\u3000",
};

static bool is_narrow_space(char c)
{
    return c != '\0' && strchr(" \t\n\v\f\r\x1c\x1d\x1e\x1f", c) != NULL;
}

/* Size of the space that the text starts (or ends) with; 0: none. */
static size_t space_at(const char *text, size_t size, bool at_end)
{
    if (size > 0 && is_narrow_space(text[at_end ? size - 1 : 0])) {
        return 1;
    }
    for (size_t i = 0; i < sizeof wide_spaces / sizeof wide_spaces[0]; i++) {
        size_t length = strlen(wide_spaces[i]);
        if (size >= length &&
            memcmp(at_end ? text + size - length : text, wide_spaces[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

void text_strip(const char **text, size_t *size)
{
    for (size_t skip = space_at(*text, *size, false); skip > 0;
         skip = space_at(*text, *size, false)) {
        *text += skip;
        *size -= skip;
    }
    for (size_t skip = space_at(*text, *size, true); skip > 0;
         skip = space_at(*text, *size, true)) {
        *size -= skip;
    }
}
