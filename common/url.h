/* URLs, by libcurl's parser (RFC 3986). With http_client.c the only user of libcurl. */
#ifndef OMNIHOOK_COMMON_URL_H
#define OMNIHOOK_COMMON_URL_H

#include "common/error.h"

/* The parts of an absolute URL; owned texts, NULL when absent. Pair with url_clear. */
struct url {
    char *scheme;   /* lower case */
    char *user;     /* percent-decoded */
    char *password; /* percent-decoded; wiped by url_clear */
    char *host;     /* IPv6 without brackets */
    char *port;     /* as written, else NULL */
    char *path;
    char *query;
    char *fragment;
};

/* Any scheme with "//"; the error does not quote the URL, since it may hold a password. */
MUST_CHECK bool url_parse(struct url *url, const char *text, struct error *err);
void url_clear(struct url *url);

/* Resolves reference against base (RFC 3986 section 5). Owned result, or NULL and err; a result of
   another scheme, host or port than base's is an error. */
MUST_CHECK char *url_resolve(const char *base, const char *reference, struct error *err);

/* base with its query replaced by that of other, which may be relative or no valid URL up to its
   '?' (a server's "next" link); NULL when other has no query. Owned. */
char *url_with_query_of(const char *base, const char *other);

#endif
