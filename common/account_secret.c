#include "common/account.h"
#include "common/account_variables.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MAX_BYTES = 64 };

static void read_plain(struct jsonget *get, const char *key, struct secret *secret)
{
    const char *text = jsonget_text(get, key);
    if (text != NULL && text[0] == '\0') {
        jsonget_fault(get, key, "must not be empty");
    } else if (text != NULL) {
        secret_set(secret, text, strlen(text));
    }
}

static void read_file(struct account_reader *reader, struct jsonget *get, const char *key,
                      struct secret *secret)
{
    struct error err;
    const char *path = jsonget_text(get, key);
    if (path != NULL && !config_read_file(reader->files, path, SECRET_MAX_BYTES, secret, &err)) {
        jsonget_fault(get, key, "%s", err.text);
    }
}

static void read_variable(struct account_reader *reader, struct jsonget *get, const char *key,
                          struct secret *secret)
{
    const char *name = jsonget_text(get, key);
    if (name == NULL) {
        return;
    }
    const char *value = environment_get(reader->environment, name);
    if (value == NULL) {
        jsonget_fault(get, key, "must name an environment variable that is set");
        return;
    }
    secret_set(secret, value, strlen(value));
}

void account_read_secret(struct account_reader *reader, struct jsonget *get, const char *key,
                         struct secret *secret)
{
    char file_key[KEY_MAX_BYTES];
    char variable_key[KEY_MAX_BYTES];
    (void)snprintf(file_key, sizeof file_key, "%s_file", key);
    (void)snprintf(variable_key, sizeof variable_key, "%s_env", key);
    int forms = (jsonget_value(get, key) != NULL) + (jsonget_value(get, file_key) != NULL) +
                (jsonget_value(get, variable_key) != NULL);
    if (forms > 1) {
        jsonget_fault(get, key, "must be given in one form only: %s, %s or %s", key, file_key,
                      variable_key);
        return;
    }
    read_plain(get, key, secret);
    read_file(reader, get, file_key, secret);
    read_variable(reader, get, variable_key, secret);
}
