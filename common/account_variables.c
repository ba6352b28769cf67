#include "common/account_variables.h"

#include "common/mem.h"

#include <string.h>

const char *const account_auth_names[] = {"keys", "omnitron", NULL};

#define ROW(variable, type, field)                                                                 \
    .name = (variable), .parse = (type), .offset = offsetof(struct account_variables, field)

static const struct config_row rows[] = {
    {ROW("OMNITRON_URL", config_text, url), .is_required = true},
    {ROW("OMNITRON_HOOKS_PATH", config_text, hooks_path)},
    {ROW("OMNITRON_LOGIN_PATH", config_text, login_path)},
    {ROW("OMNITRON_USER_PATH", config_text, user_path)},
    {ROW("OMNITRON_TOKEN", config_secret, token), .file_max_bytes = SECRET_MAX_BYTES},
    {ROW("OMNITRON_USERNAME", config_secret, username), .file_max_bytes = SECRET_MAX_BYTES},
    {ROW("OMNITRON_PASSWORD", config_secret, password), .file_max_bytes = SECRET_MAX_BYTES},
    {ROW("OMNITRON_WEBHOOKS", config_secret, webhooks), .file_max_bytes = SETTINGS_MAX_BYTES,
     .is_required = true},
    {ROW("OMNIHOOK_API_KEYS", config_secret, api_keys), .file_max_bytes = KEY_LIST_MAX_BYTES},
    {ROW("OMNIHOOK_AUTH", config_choice, auth), .choices = account_auth_names},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

void account_variables_read(struct account_variables *variables, const struct config_source *source)
{
    *variables = (struct account_variables){0};
    config_read(rows, ROW_COUNT, variables, source);
}

void account_variables_clear(struct account_variables *variables)
{
    mem_free(variables->url);
    mem_free(variables->hooks_path);
    mem_free(variables->login_path);
    mem_free(variables->user_path);
    secret_clear(&variables->token);
    secret_clear(&variables->username);
    secret_clear(&variables->password);
    secret_clear(&variables->webhooks);
    secret_clear(&variables->api_keys);
}

void account_variables_exclude(const struct environment *environment, struct faults *faults)
{
    for (size_t i = 0; environment->entries[i] != NULL; i++) {
        const char *entry = environment->entries[i];
        size_t size = strcspn(entry, "=");
        if (account_variables_know(entry, size) && entry[size] == '=' && entry[size + 1] != '\0') {
            faults_add(faults, "%.*s: must not be set together with OMNIHOOK_SETTINGS", (int)size,
                       entry);
        }
    }
}

bool account_variables_know(const char *name, size_t size)
{
    return config_knows(rows, ROW_COUNT, name, size);
}
