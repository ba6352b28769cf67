#include "common/redis_error.h"

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535 };

struct row {
    const char *word;
    enum error_code code;
    bool is_final; /* for this connection */
};

/* The first words of Redis's error replies (src/server.c, createSharedObjects), and UNBLOCKED
   (src/blocked.c), which ends a blocking command when a master becomes a replica. */
static const struct row rows[] = {
    {"OOM", ERROR_FULL, false},
    {"LOADING", ERROR_UNAVAILABLE, true},
    {"READONLY", ERROR_UNAVAILABLE, true},
    {"UNBLOCKED", ERROR_UNAVAILABLE, true},
    {"MASTERDOWN", ERROR_UNAVAILABLE, true},
    {"CLUSTERDOWN", ERROR_UNAVAILABLE, false},
    {"MOVED", ERROR_UNAVAILABLE, true},
    {"ASK", ERROR_UNAVAILABLE, false},
    {"TRYAGAIN", ERROR_UNAVAILABLE, false},
    {"NOREPLICAS", ERROR_UNAVAILABLE, false},
    {"MISCONF", ERROR_UNAVAILABLE, false}, /* Redis cannot write its disk: not a limit of ours */
    {"BUSY", ERROR_UNAVAILABLE, false},
    {"NOAUTH", ERROR_UNAUTHORIZED, true},
    {"WRONGPASS", ERROR_UNAUTHORIZED, true},
    {"NOPERM", ERROR_UNAUTHORIZED, false},
    /* Sent, and the connection closed, in place of the first reply. */
    {"ERR max number of clients reached", ERROR_UNAVAILABLE, true},
    {"DENIED", ERROR_UNAUTHORIZED, true},
};

const char *redis_error_text(const struct redis_reply *reply)
{
    const redisReply *raw = (const redisReply *)(const void *)reply;
    return raw->type == REDIS_REPLY_ERROR ? raw->str : NULL;
}

static bool starts_with(const char *text, const char *words)
{
    size_t size = strlen(words);
    return strncmp(text, words, size) == 0 && (text[size] == ' ' || text[size] == '\0');
}

static const struct row *find_row(const char *text)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (starts_with(text, rows[i].word)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Before 7.0 the error of a command inside a script is wrapped: "ERR Error running script (call to
   f_...): @user_script:1: @user_script: 1: -READONLY You can't write ...". */
static const char *unwrap(const char *text)
{
    if (!starts_with(text, "ERR Error running script")) {
        return text;
    }
    const char *inner = strstr(text, ": -");
    return inner == NULL ? text : inner + strlen(": -");
}

static const struct row *judge(const char *text)
{
    const struct row *row = find_row(unwrap(text));
    const char *prefix = "ERR ";
    if (row == NULL && strncmp(text, prefix, strlen(prefix)) == 0) {
        /* Some proxies put it before Redis's own word. */
        row = find_row(text + strlen(prefix));
    }
    return row;
}

bool redis_error_read(const char *reply_text, struct error *err)
{
    const struct row *row = judge(reply_text);
    (void)error_set(err, row == NULL ? ERROR_REFUSED : row->code, "%s", reply_text);
    return row != NULL && row->is_final;
}

bool redis_error_read_moved(const char *reply_text, struct redis_moved *moved)
{
    static const char word[] = "MOVED ";
    if (strncmp(reply_text, word, sizeof word - 1) != 0) {
        return false;
    }
    const char *slot = reply_text + sizeof word - 1;
    size_t digits = strspn(slot, "0123456789");
    const char *host = slot + digits + 1;
    const char *colon = digits == 0 || slot[digits] != ' ' ? NULL : strrchr(host, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - host);
    if (colon == NULL || size >= sizeof moved->host || strchr("0123456789", colon[1]) == NULL) {
        return false;
    }
    char *end;
    long port = strtol(colon + 1, &end, 10);
    if (*end != '\0' || port < 1 || port > PORT_MAX) {
        return false;
    }
    memcpy(moved->host, host, size);
    moved->host[size] = '\0';
    moved->port = (int)port;
    return true;
}

void redis_error_read_auth(const char *reply_text, struct error *err)
{
    const struct row *row = find_row(reply_text);
    if (row != NULL) {
        (void)error_set(err, row->code, "%s", reply_text);
    } else if (strstr(reply_text, "without any password configured") != NULL) {
        (void)error_set(err, ERROR_UNAUTHORIZED, "a password is given, but Redis has none");
    } else {
        int size = (int)strspn(reply_text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        bool is_word = reply_text[size] == ' ';
        (void)error_set(err, ERROR_UNAUTHORIZED, "AUTH was refused (%.*s)", is_word ? size : 0,
                        reply_text);
    }
}
