/* The Authorization header, by the rules of Django REST framework's TokenAuthentication. Pure. */
#ifndef OMNIHOOK_API_AUTH_HEADER_H
#define OMNIHOOK_API_AUTH_HEADER_H

#include <stddef.h>

/* Borrowed from the header; not 0-terminated. A secret. */
struct auth_token {
    const char *bytes;
    size_t size;
};

/* header: its value, NULL when absent. Returns NULL when token is found, else the sentence that DRF
   answers with (static). The word "Token" is in any case; any white space separates. */
const char *auth_header_parse(const char *header, struct auth_token *token);

#endif
