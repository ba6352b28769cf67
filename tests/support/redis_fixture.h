/* A private redis-server in a folder of its own, reached through a unix socket. */
#ifndef OMNIHOOK_TESTS_SUPPORT_REDIS_FIXTURE_H
#define OMNIHOOK_TESTS_SUPPORT_REDIS_FIXTURE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_fixture;

struct redis_fixture_options {
    bool is_tcp;             /* also listens on a free port of 127.0.0.1, and the URL is that one */
    const char *password;    /* requirepass; only with is_tcp, as a unix URL has no place for it */
    const char *certificate; /* path of a certificate and a key without their ".crt" and ".key": the
                                URL is a rediss:// one of 127.0.0.1 */
    const char *const *args; /* more arguments ("--appendonly", "yes"), ends with NULL; or NULL */
};

/* With OMNIHOOK_TEST_REDIS_TLS in the environment every fixture has TLS, by a certificate that this
   process (SSL_CERT_FILE) trusts. */

/* Starts a server that answers when this returns; it saves nothing unless args say so. options
   NULL = all defaults. The test fails when it does not start. */
struct redis_fixture *redis_fixture_new(const struct redis_fixture_options *options);

/* Ends the server and removes its folder. NULL is legal. */
void redis_fixture_free(struct redis_fixture *fixture);

/* The program that it runs: redis-server, or what OMNIHOOK_TEST_REDIS_SERVER names. */
const char *redis_fixture_program(void);

/* For REDIS_URL: "unix:///path?db=0" or "redis://:password@127.0.0.1:port/0". */
const char *redis_fixture_url(const struct redis_fixture *fixture);

/* For OMNIHOOK_REDIS_CA_FILE; NULL without TLS. */
const char *redis_fixture_ca_file(const struct redis_fixture *fixture);

/* For a proxy's target: "unix:/path" or "127.0.0.1:port". */
const char *redis_fixture_address(const struct redis_fixture *fixture);

/* SIGTERM (saves what it is configured to save) or SIGKILL; both wait for the end. */
void redis_fixture_stop(struct redis_fixture *fixture);
void redis_fixture_kill(struct redis_fixture *fixture);

/* Starts it again on the same socket, port and data. */
void redis_fixture_start(struct redis_fixture *fixture);

/* The same without waiting for it: until redis_fixture_is_ready, no other call is legal. */
void redis_fixture_launch(struct redis_fixture *fixture);
bool redis_fixture_is_ready(struct redis_fixture *fixture); /* it answers, and has its data */

/* SIGSTOP and SIGCONT: connections stay open and nothing answers. */
void redis_fixture_pause(struct redis_fixture *fixture);
void redis_fixture_resume(struct redis_fixture *fixture);

/* One command each, on the fixture's own connection (made again when it broke). format is
   hiredis's: a %s is one whole argument, whatever it holds. The test fails on an error reply and
   when there is no reply within a minute. What is given back is borrowed until the 32nd call after.
 */

/* For its effect. */
void redis_do(struct redis_fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);

/* A text, a status, or a number as text; NULL for nil. */
const char *redis_text(struct redis_fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);

/* A number, or a text that is one. */
int64_t redis_int(struct redis_fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);

/* An array of texts, numbers and nils (NULL), as HGETALL, LRANGE and SCAN's second half have it. */
struct redis_list {
    size_t size;
    const char **items;
};
const struct redis_list *redis_list(struct redis_fixture *fixture, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Expects an error reply and gives its words: "NOSCRIPT No matching script...". */
const char *redis_error(struct redis_fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
