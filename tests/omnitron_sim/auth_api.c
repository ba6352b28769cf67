#include "tests/omnitron_sim/auth_api.h"

#include "tests/omnitron_sim/sim.h"
#include "tests/omnitron_sim/validate.h"

#include <string.h>

/* A wrong password is 400, not 401: the serializer fails, not the authentication. */
static void refuse(struct answer *answer, const char *field, const char *message)
{
    answer_json(answer, 400, json_pack("{s:[s]}", field, message));
}

static void log_in(struct sim *sim, const json_t *data, struct answer *answer)
{
    const char *username = json_string_value(json_object_get(data, "username"));
    const char *password = json_string_value(json_object_get(data, "password"));
    if (!json_is_object(data)) {
        answer_json(answer, 400, validation_not_an_object(data));
        return;
    }
    if (password == NULL) {
        refuse(answer, "password", "This field is required.");
        return;
    }
    if (username == NULL || *username == '\0') {
        refuse(answer, "non_field_errors", "Must include \"username\" and \"password\".");
        return;
    }
    struct user *user = users_by_name(sim->users, username);
    if (user == NULL || !user->is_active || strcmp(user->password, password) != 0) {
        refuse(answer, "non_field_errors", "Unable to log in with provided credentials.");
        return;
    }
    answer_json(answer, 200, json_pack("{s:s}", "key", users_issue_token(sim->users, user)));
}

void auth_api_login(struct sim *sim, const struct request *request, const struct route *route,
                    struct answer *answer)
{
    (void)route;
    json_t *data = NULL;
    if (request_data(request, &data, answer)) {
        log_in(sim, data, answer);
        json_decref(data);
    }
}

void auth_api_logout(struct sim *sim, const struct request *request, const struct route *route,
                     struct answer *answer)
{
    (void)route;
    if (request->user != NULL) {
        users_set_token(sim->users, request->user, NULL);
    }
    answer_detail(answer, 200, "Successfully logged out.");
}

void auth_api_active_user(struct sim *sim, const struct request *request, const struct route *route,
                          struct answer *answer)
{
    (void)sim;
    (void)route;
    const struct user *user = request->user;
    answer_json(answer, 200,
                json_pack("{s:I, s:s, s:b, s:b}", "pk", (json_int_t)user->id, "username",
                          user->username, "is_active", user->is_active, "is_superuser",
                          user->is_superuser));
}
