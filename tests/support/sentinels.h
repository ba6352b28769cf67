/* Sentinels that watch a service of one master, with times short enough for a test. */
#ifndef OMNIHOOK_TESTS_SUPPORT_SENTINELS_H
#define OMNIHOOK_TESTS_SUPPORT_SENTINELS_H

#include "tests/support/redis_fixture.h"

#define SENTINELS_SERVICE "shop"

struct sentinels;

struct sentinels_options {
    struct redis_fixture *master; /* listens on TCP */
    size_t count;                 /* at most 3; a majority decides */
    size_t replicas;              /* that the master has */
    const char *password;         /* of the Sentinels; NULL = none */
    const char *master_password;  /* NULL = none */
};

/* They know each other and the replicas when this returns. */
struct sentinels *sentinels_new(const struct sentinels_options *options);
/* NULL is legal. */
void sentinels_free(struct sentinels *all);

/* "127.0.0.1:port,127.0.0.1:port" */
const char *sentinels_hosts(const struct sentinels *all);

void sentinels_kill(struct sentinels *all, size_t index);
void sentinels_pause(struct sentinels *all, size_t index);
void sentinels_resume(struct sentinels *all, size_t index);

/* The port of the master, as the Sentinel says; 0 when it cannot be asked. */
int sentinels_master_port(struct sentinels *all, size_t index);

/* Asks the Sentinel for a failover, until it begins. */
void sentinels_fail_over(struct sentinels *all, size_t index);

#endif
