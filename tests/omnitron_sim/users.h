/* The accounts of this Omnitron and their tokens. A user has at most one token, as with DRF's
   TokenAuthentication: a login gives the one there is, a logout deletes it for everybody. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_USERS_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_USERS_H

#include "tests/omnitron_sim/hooks.h"

#include <stdbool.h>

struct user {
    unsigned id;
    char *username;
    char *password;
    char *token; /* NULL until the next login makes one */
    bool is_superuser;
    bool is_active;
    struct hook_list hooks; /* kept by hooks.c */
};

struct users;

struct users *users_new(void);
void users_free(struct users *users);

/* Drops everybody; their hooks must be gone. */
void users_remove_all(struct users *users);

struct user_spec {
    const char *username;
    const char *password;
    const char *token; /* NULL: none until a login */
    bool is_superuser;
    bool is_active;
};

/* Adds a user, or changes the one of that name. */
struct user *users_put(struct users *users, const struct user_spec *spec);

/* NULL when there is none. */
struct user *users_by_name(const struct users *users, const char *username);
struct user *users_by_token(const struct users *users, const char *token);

/* Makes the old token invalid. token NULL: the next login makes a new one. */
void users_set_token(struct users *users, struct user *user, const char *token);

/* The user's token, a new one of 40 random hex digits if there is none. */
const char *users_issue_token(struct users *users, struct user *user);

#endif
