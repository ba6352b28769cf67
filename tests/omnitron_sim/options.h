/* The command line. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_OPTIONS_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_OPTIONS_H

#include "common/error.h"
#include "tests/omnitron_sim/settings.h"
#include "tests/omnitron_sim/users.h"

#include <stddef.h>

struct options {
    const char *listen;     /* host:port or unix:/path; borrowed from argv, as is all text here */
    const char *hooks_path; /* starts and ends with a slash */
    const char *api_prefix; /* likewise: in front of auth/login/ and active_user/ */
    const char *tls_cert;   /* PEM files; NULL in both: plain HTTP */
    const char *tls_key;
    struct settings settings;
    struct user_spec *users;
    size_t user_count;
};

/* Cuts the texts of argv in place. On failure *options needs options_clear all the same. */
bool options_parse(struct options *options, int argc, char **argv, struct error *err) MUST_CHECK;
void options_clear(struct options *options);

/* What --help prints. */
extern const char options_usage[];

#endif
