#include "common/redis_greeting.h"

#include "common/redis_error.h"
#include "common/redis_info.h"

#include <stdlib.h>
#include <string.h>

enum { OLDEST_MAJOR = 6, OLDEST_MINOR = 2, VERSION_SHOWN_MAX = 32 };

bool redis_greeting_build(enum redis_greeting_part part, const struct redis_address *address,
                          const char *name, struct redis_command *command)
{
    switch (part) {
    case REDIS_GREETING_AUTH:
        redis_command_init(command, "AUTH");
        if (address->user != NULL) {
            redis_command_add(command, address->user);
        }
        redis_command_add_bytes(command, address->password.value, address->password.size);
        return secret_is_set(&address->password);
    case REDIS_GREETING_SELECT:
        redis_command_init(command, "SELECT");
        redis_command_add_int(command, address->database);
        return address->database != 0;
    case REDIS_GREETING_NAME:
        redis_command_init(command, "CLIENT");
        redis_command_add(command, "SETNAME");
        redis_command_add(command, name);
        return true;
    case REDIS_GREETING_INFO:
        redis_command_init(command, address->is_sentinel ? "PING" : "INFO");
        return true;
    case REDIS_GREETING_END:
        break;
    }
    return false;
}

static bool check_version(const char *version, size_t size, struct error *err)
{
    char *end;
    long major = strtol(version, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR)) {
        return true;
    }
    return error_set(err, ERROR_REFUSED, "this is Redis %.*s, but 6.2 or newer is needed",
                     (int)(size > VERSION_SHOWN_MAX ? VERSION_SHOWN_MAX : size), version);
}

bool redis_greeting_check_info(const char *info, struct error *err)
{
    size_t size = 0;
    const char *version = redis_info_value(info, "redis_version", &size);
    if (version == NULL) {
        return error_set(err, ERROR_PROTOCOL, "INFO has no redis_version: is this a Redis?");
    }
    if (!check_version(version, size, err)) {
        return false;
    }
    if (redis_info_is(info, "loading", "1")) {
        return error_set(err, ERROR_UNAVAILABLE, "Redis is loading its data");
    }
    /* In a cluster a replica says itself who serves. */
    if (redis_info_is(info, "role", "slave") && !redis_info_is(info, "slave_read_only", "0") &&
        !redis_info_is(info, "cluster_enabled", "1")) {
        return error_set(err, ERROR_UNAVAILABLE, "this Redis is a read-only replica");
    }
    return true;
}

static bool check_info_of(const struct redis_address *address, const char *info, struct error *err)
{
    if (!redis_greeting_check_info(info, err)) {
        return false;
    }
    if (address->sentinel_count > 0 && !redis_info_is(info, "role", "master")) {
        return error_set(err, ERROR_UNAVAILABLE, "what the Sentinel calls the master is a replica");
    }
    if (address->sentinel_count > 0 && redis_info_is(info, "cluster_enabled", "1")) {
        return error_set(err, ERROR_REFUSED, "the Sentinel names a node of a cluster");
    }
    return true;
}

static bool check_select(const char *error_text, struct error *err)
{
    bool is_final = redis_error_read(error_text, err);
    (void)is_final;
    if (strstr(error_text, "cluster mode") != NULL) {
        return error_set(err, ERROR_REFUSED, "a cluster has only database 0 (see REDIS_URL)");
    }
    return false;
}

bool redis_greeting_check(enum redis_greeting_part part, const struct redis_address *address,
                          const struct redis_reply *reply, struct error *err)
{
    const char *error_text = redis_error_text(reply);
    if (error_text == NULL) {
        const char *text = redis_reply_text(reply, NULL);
        return part != REDIS_GREETING_INFO || address->is_sentinel ||
               check_info_of(address, text == NULL ? "" : text, err);
    }
    if (part == REDIS_GREETING_AUTH) {
        redis_error_read_auth(error_text, err);
        /* A Sentinel may have no password, or only others; whether it minds is seen next. */
        return address->is_sentinel;
    }
    if (part == REDIS_GREETING_SELECT) {
        return check_select(error_text, err);
    }
    /* The name is a courtesy, which an ACL may forbid. */
    bool is_final = redis_error_read(error_text, err);
    return part == REDIS_GREETING_NAME && (!is_final || address->is_sentinel);
}
