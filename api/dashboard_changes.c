#include "api/dashboard_changes.h"

#include "common/hash_index.h"
#include "common/mem.h"

#include <jansson.h>
#include <string.h>
#include <sys/queue.h>

enum { BUCKETS = 1024, NAME_SIZE = 64 };

/* An account of which something was told in the last CHANGES_GAP_MS. */
struct change {
    TAILQ_ENTRY(change) place; /* in the order in which they were told */
    struct change *next;       /* of the bucket */
    char account[NAME_SIZE];
    int64_t told_at_ms;
    char *kept; /* owned; NULL = nothing */
    size_t kept_size;
};

struct dashboard_changes {
    dashboard_change_fn *fn;
    void *arg;
    struct hash_seed seed;
    struct change *buckets[BUCKETS];
    TAILQ_HEAD(change_list, change) list;
    size_t count;
};

struct dashboard_changes *dashboard_changes_new(dashboard_change_fn *fn, void *arg)
{
    struct dashboard_changes *changes = mem_new(1, sizeof *changes);
    changes->fn = fn;
    changes->arg = arg;
    hash_seed_init(&changes->seed);
    TAILQ_INIT(&changes->list);
    return changes;
}

static struct change **find(struct dashboard_changes *changes, const char *account)
{
    uint64_t hash = hash_bytes(&changes->seed, account, strlen(account));
    struct change **link = &changes->buckets[hash % BUCKETS];
    while (*link != NULL && strcmp((*link)->account, account) != 0) {
        link = &(*link)->next;
    }
    return link;
}

static void remove_change(struct dashboard_changes *changes, struct change *change)
{
    struct change **link = find(changes, change->account);
    *link = change->next;
    TAILQ_REMOVE(&changes->list, change, place);
    mem_free(change->kept);
    mem_free(change);
    changes->count--;
}

void dashboard_changes_clear(struct dashboard_changes *changes)
{
    struct change *change = NULL;
    while ((change = TAILQ_FIRST(&changes->list)) != NULL) {
        remove_change(changes, change);
    }
}

void dashboard_changes_free(struct dashboard_changes *changes)
{
    dashboard_changes_clear(changes);
    mem_free(changes);
}

/* What the message is about; false when it is none of ours. has_state: it tells all that one before
   it did. */
static bool read_message(const char *message, size_t size, char account[NAME_SIZE], bool *has_state)
{
    if (size > CHANGE_MAX_BYTES || memchr(message, '\n', size) != NULL ||
        memchr(message, '\r', size) != NULL) {
        return false;
    }
    json_t *document = json_loadb(message, size, 0, NULL);
    const char *name = json_string_value(json_object_get(document, "account"));
    bool is_good = name != NULL && name[0] != '\0' && strlen(name) < NAME_SIZE &&
                   json_is_string(json_object_get(document, "event"));
    if (is_good) {
        memcpy(account, name, strlen(name) + 1);
        *has_state = json_is_string(json_object_get(document, "state"));
    }
    json_decref(document);
    return is_good;
}

static void keep(struct change *change, const char *message, size_t size)
{
    mem_free(change->kept);
    change->kept = mem_copy_bytes(message, size);
    change->kept_size = size;
}

static void tell(struct dashboard_changes *changes, struct change *change, int64_t now_ms)
{
    change->told_at_ms = now_ms;
    TAILQ_REMOVE(&changes->list, change, place);
    TAILQ_INSERT_TAIL(&changes->list, change, place);
}

bool dashboard_changes_take(struct dashboard_changes *changes, const char *message, size_t size,
                            int64_t now_ms)
{
    char account[NAME_SIZE];
    bool has_state = false;
    if (!read_message(message, size, account, &has_state)) {
        return true;
    }
    if (!has_state) { /* "abort": rare, and it stands for nothing else */
        changes->fn(changes->arg, message, size);
        return true;
    }
    struct change **link = find(changes, account);
    struct change *change = *link;
    if (change == NULL && changes->count == CHANGES_ACCOUNTS_MAX) {
        dashboard_changes_clear(changes);
        return false;
    }
    if (change == NULL) {
        change = *link = mem_new(1, sizeof *change);
        memcpy(change->account, account, sizeof account);
        TAILQ_INSERT_TAIL(&changes->list, change, place);
        changes->count++;
    } else if (change->kept != NULL || now_ms - change->told_at_ms < CHANGES_GAP_MS) {
        keep(change, message, size);
        return true;
    }
    tell(changes, change, now_ms);
    changes->fn(changes->arg, message, size);
    return true;
}

bool dashboard_changes_flush(struct dashboard_changes *changes, int64_t now_ms)
{
    struct change *change = NULL;
    while ((change = TAILQ_FIRST(&changes->list)) != NULL &&
           now_ms - change->told_at_ms >= CHANGES_GAP_MS) {
        if (change->kept == NULL) {
            remove_change(changes, change);
            continue;
        }
        char *line = change->kept;
        size_t size = change->kept_size;
        change->kept = NULL;
        tell(changes, change, now_ms);
        changes->fn(changes->arg, line, size);
        mem_free(line);
    }
    return changes->count > 0;
}
