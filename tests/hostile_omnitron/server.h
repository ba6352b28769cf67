/* What all connections of one hostile Omnitron have in common. */
#ifndef OMNIHOOK_TESTS_HOSTILE_OMNITRON_SERVER_H
#define OMNIHOOK_TESTS_HOSTILE_OMNITRON_SERVER_H

#include "tests/hostile_omnitron/request.h"
#include "tests/support/chance.h"

#include <event2/event.h>
#include <openssl/ssl.h>

enum { ACCOUNTS_MAX = 1000 };

/* Of these certificates the client trusts only the first for this host and now. */
enum certificate {
    CERTIFICATE_GOOD,
    CERTIFICATE_OTHER_HOST,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_STRANGER,
    CERTIFICATE_COUNT
};

struct server {
    struct event_base *base;
    uint64_t seed;
    const char
        *elsewhere; /* "127.0.0.1:port": where answers send the client, and nobody may come */
    SSL_CTX *tls[CERTIFICATE_COUNT];
    unsigned served[ACCOUNTS_MAX]; /* requests of each account */
    unsigned connections;
    unsigned requests;
    unsigned faults; /* requests that should not be as they are */
    unsigned visits; /* connections to elsewhere */
    struct conversation *conversations;
};

/* Takes the connection over. */
void conversation_start(struct server *server, evutil_socket_t fd, bool is_tls);
void conversation_end_all(struct server *server);

#endif
