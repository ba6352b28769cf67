/* One account of the settings, read from JSON or from the environment variables of "default".
   Every reader here adds a fault for each thing that is wrong and reads on, so that all faults are
   found at once; what was read is good when reader->faults has not grown. */
#ifndef OMNIHOOK_COMMON_ACCOUNT_H
#define OMNIHOOK_COMMON_ACCOUNT_H

#include "common/account_variables.h"
#include "common/config.h"
#include "common/jsonget.h"
#include "common/settings.h"

enum { WEBHOOKS_MAX = 20000 };

/* What reading needs besides the JSON. All borrowed. */
struct account_reader {
    const struct environment *environment; /* for token_env ... */
    struct file_watch *files;              /* for token_file ..., which it watches from there on */
    struct hash_index *ca_files;           /* path -> whether it is good: many accounts share one */
    struct faults *faults;
};

/* account owns what was read, also with faults: pair with account_clear. */
void account_read(struct account_reader *reader, const char *name, json_t *value,
                  struct account *account);
void account_read_variables(struct account_reader *reader, struct account *account);
void account_clear(struct account *account);

/* A secret that is given in one form of key, key_file or key_env; unset when in none. */
void account_read_secret(struct account_reader *reader, struct jsonget *get, const char *key,
                         struct secret *secret);

/* The array at place (a JSON path). Two that are the same become one. */
void account_read_webhooks(struct account_reader *reader, json_t *array, const char *place,
                           struct account *account);

/* The object at path. */
void account_read_omnitron(struct account_reader *reader, json_t *value, const char *path,
                           struct omnitron_settings *omnitron);

/* The same from the variables, whose secrets it takes; what has no variable gets its default. */
void account_read_omnitron_variables(struct account_reader *reader,
                                     struct account_variables *variables,
                                     struct omnitron_settings *omnitron);
void omnitron_settings_clear(struct omnitron_settings *omnitron);

/* Fills account->digest. */
void account_make_digest(struct account *account);

#endif
