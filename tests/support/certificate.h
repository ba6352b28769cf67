/* A TLS certificate for a server under test: self-signed, so that it is its own authority. */
#ifndef OMNIHOOK_TESTS_SUPPORT_CERTIFICATE_H
#define OMNIHOOK_TESTS_SUPPORT_CERTIFICATE_H

#include "tests/support/temp_dir.h"

struct certificate_options {
    const char *subject; /* "IP:127.0.0.1" or "DNS:name": whom it is for */
    long valid_from_s;   /* seconds from now, e.g. -7200 */
    long valid_to_s;
};

/* Writes name.crt and name.key (PEM) into dir. The test fails when that cannot be done. */
void certificate_write(const struct temp_dir *dir, const char *name,
                       const struct certificate_options *options);

#endif
