/* The environment variables of the account that is called "default". */
#ifndef OMNIHOOK_COMMON_ACCOUNT_VARIABLES_H
#define OMNIHOOK_COMMON_ACCOUNT_VARIABLES_H

#include "common/config.h"

/* As given; owned. Unset = NULL. */
struct account_variables {
    char *url;
    char *hooks_path;
    char *login_path;
    char *user_path;
    struct secret token;
    struct secret username;
    struct secret password;
    struct secret webhooks; /* JSON text; secret: it may hold secret_keys */
    struct secret api_keys;
    unsigned auth; /* enum account_auth */
};

enum {
    SECRET_MAX_BYTES = 64 * 1024,
    KEY_LIST_MAX_BYTES = 1024 * 1024,
    SETTINGS_MAX_BYTES = 64 * 1024 * 1024,
};

/* The names that "auth" has in the settings and in the environment; in the order of enum
   account_auth; ends with NULL. */
extern const char *const account_auth_names[];

/* What is wrong becomes a fault and stays unset. Pair with account_variables_clear. */
void account_variables_read(struct account_variables *variables,
                            const struct config_source *source);
void account_variables_clear(struct account_variables *variables);

/* One fault for each of the variables that is set: the settings file excludes them. */
void account_variables_exclude(const struct environment *environment, struct faults *faults);

/* The first size bytes of name are one of the variables, or a _FILE form. */
bool account_variables_know(const char *name, size_t size);

#endif
