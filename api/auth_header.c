#include "api/auth_header.h"

#include <string.h>
#include <strings.h>

/* What bytes.split() of Python splits at. */
static const char white_space[] = " \t\n\r\v\f";

/* The next word at *rest, which moves behind it; size 0 = there is none. */
static struct auth_token next_word(const char **rest)
{
    const char *start = *rest + strspn(*rest, white_space);
    size_t size = strcspn(start, white_space);
    *rest = start + size;
    return (struct auth_token){.bytes = start, .size = size};
}

const char *auth_header_parse(const char *header, struct auth_token *token)
{
    static const char keyword[] = "Token";

    const char *rest = header == NULL ? "" : header;
    struct auth_token word = next_word(&rest);
    if (word.size != sizeof keyword - 1 || strncasecmp(word.bytes, keyword, word.size) != 0) {
        return "Authentication credentials were not provided.";
    }
    *token = next_word(&rest);
    if (token->size == 0) {
        return "Invalid token header. No credentials provided.";
    }
    if (next_word(&rest).size != 0) {
        return "Invalid token header. Token string should not contain spaces.";
    }
    return NULL;
}
