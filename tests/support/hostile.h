/* hostile-omnitron as a process (tests/hostile_omnitron), with its certificates. */
#ifndef OMNIHOOK_TESTS_SUPPORT_HOSTILE_H
#define OMNIHOOK_TESTS_SUPPORT_HOSTILE_H

#include "tests/support/temp_dir.h"

#include <stdbool.h>
#include <stdint.h>

struct hostile;

/* What it has seen. */
struct hostile_end {
    unsigned connections;
    unsigned requests;
    unsigned faults; /* requests that should not be as they are */
    unsigned visits; /* to the address that its redirects and links lead to */
};

/* The number in HOSTILE_SEED, else a random one; printed, so that a run can be had again. */
uint64_t hostile_seed(void);

struct hostile *hostile_start(uint64_t seed);

/* "http://127.0.0.1:port" or "https://..." */
const char *hostile_url(const struct hostile *hostile, bool is_tls);
/* The file of authorities that makes its good certificate a trusted one. */
const char *hostile_ca_file(const struct hostile *hostile);

/* The account whose list has no end (body.h). */
enum { HOSTILE_ENDLESS_ACCOUNT = 999 };

/* Ends it and frees everything; the test fails when it does not end well. */
struct hostile_end hostile_stop(struct hostile *hostile);

#endif
