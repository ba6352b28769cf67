#include "tests/omnitron_sim/seed.h"

#include "tests/omnitron_sim/sim.h"

bool seed_user(struct sim *sim, json_t *item, struct error *err)
{
    struct user_spec spec = {0};
    int is_superuser = 0;
    int is_active = 1;
    json_error_t why;
    if (json_unpack_ex(item, &why, 0, "{s:s, s:s, s?s, s?b, s?b !}", "username", &spec.username,
                       "password", &spec.password, "token", &spec.token, "superuser", &is_superuser,
                       "is_active", &is_active) != 0) {
        return error_set(err, ERROR_BAD_INPUT, "user: %s", why.text);
    }
    spec.is_superuser = is_superuser != 0;
    spec.is_active = is_active != 0;
    (void)users_put(sim->users, &spec);
    return true;
}

static bool has_texts(const json_t *item, const char *const *names, struct error *err)
{
    for (; *names != NULL; names++) {
        if (!json_is_string(json_object_get(item, *names))) {
            return error_set(err, ERROR_BAD_INPUT, "hook: %s: a text is needed", *names);
        }
    }
    return true;
}

bool seed_hooks(struct sim *sim, json_t *item, struct error *err)
{
    static const char *const of_one[] = {"username", "target_url", "event_type", NULL};
    static const char *const of_many[] = {"username", "target_prefix", "event_type", NULL};
    bool is_many = json_object_get(item, "count") != NULL;
    if (!has_texts(item, is_many ? of_many : of_one, err)) {
        return false;
    }
    struct user *user =
        users_by_name(sim->users, json_string_value(json_object_get(item, "username")));
    if (user == NULL) {
        return error_set(err, ERROR_BAD_INPUT, "hook: username: no such user");
    }
    if (!is_many) {
        (void)hooks_insert(sim->hooks, user, item);
        return true;
    }
    json_int_t count = json_integer_value(json_object_get(item, "count"));
    const char *target_prefix = json_string_value(json_object_get(item, "target_prefix"));
    for (json_int_t i = 0; i < count; i++) {
        json_object_set_new(item, "target_url",
                            json_sprintf("%s%" JSON_INTEGER_FORMAT, target_prefix, i));
        (void)hooks_insert(sim->hooks, user, item);
    }
    return true;
}
