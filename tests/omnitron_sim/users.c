#include "tests/omnitron_sim/users.h"

#include "common/mem.h"
#include "common/random_id.h"
#include "tests/omnitron_sim/map.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_DIGITS = 40 };

struct users {
    struct map *by_name;
    struct map *by_token;
    unsigned last_id;
};

struct users *users_new(void)
{
    struct users *users = mem_new(1, sizeof *users);
    users->by_name = map_new();
    users->by_token = map_new();
    return users;
}

static void free_user(const char *key, void *value, void *context)
{
    (void)key;
    (void)context;
    struct user *user = value;
    assert(user->hooks.count == 0);
    mem_free(user->hooks.rows);
    mem_free(user->username);
    mem_free(user->password);
    mem_free(user->token);
    mem_free(user);
}

void users_remove_all(struct users *users)
{
    map_each(users->by_name, free_user, NULL);
    map_remove_all(users->by_name);
    map_remove_all(users->by_token);
    users->last_id = 0;
}

void users_free(struct users *users)
{
    users_remove_all(users);
    map_free(users->by_name);
    map_free(users->by_token);
    mem_free(users);
}

struct user *users_put(struct users *users, const struct user_spec *spec)
{
    struct user *user = map_get(users->by_name, spec->username);
    if (user == NULL) {
        user = mem_new(1, sizeof *user);
        user->id = ++users->last_id;
        user->username = mem_copy_text(spec->username);
        map_put(users->by_name, user->username, user);
    }
    mem_free(user->password);
    user->password = mem_copy_text(spec->password);
    user->is_superuser = spec->is_superuser;
    user->is_active = spec->is_active;
    users_set_token(users, user, spec->token);
    return user;
}

struct user *users_by_name(const struct users *users, const char *username)
{
    return username == NULL ? NULL : map_get(users->by_name, username);
}

struct user *users_by_token(const struct users *users, const char *token)
{
    return map_get(users->by_token, token);
}

void users_set_token(struct users *users, struct user *user, const char *token)
{
    char *fresh = mem_copy_text(token); /* first: token may be the old one */
    if (user->token != NULL) {
        map_remove(users->by_token, user->token);
        mem_free(user->token);
    }
    user->token = fresh;
    if (fresh == NULL) {
        return;
    }
    struct user *holder = map_get(users->by_token, fresh);
    if (holder != NULL) {
        mem_free(holder->token); /* a token belongs to one user: the last who got it */
        holder->token = NULL;
    }
    map_put(users->by_token, fresh, user);
}

const char *users_issue_token(struct users *users, struct user *user)
{
    if (user->token == NULL) {
        char first[RANDOM_ID_SIZE];
        char second[RANDOM_ID_SIZE];
        char token[TOKEN_DIGITS + 1];
        (void)snprintf(token, sizeof token, "%s%.8s", random_id_make(first),
                       random_id_make(second));
        users_set_token(users, user, token);
    }
    return user->token;
}
