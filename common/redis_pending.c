#include "common/redis_pending.h"

#include "common/mem.h"

#include <assert.h>

/* Enough for a busy turn of the loop; what a burst needs beyond is given back. */
enum { SPARE_MAX = 1024 };

static void add(struct redis_pending_list *list, struct redis_pending *pending)
{
    pending->next = NULL;
    if (list->tail == NULL) {
        list->head = pending;
    } else {
        list->tail->next = pending;
    }
    list->tail = pending;
    list->count++;
}

static struct redis_pending *remove_oldest(struct redis_pending_list *list)
{
    struct redis_pending *oldest = list->head;
    if (oldest != NULL) {
        list->head = oldest->next;
        list->tail = list->head == NULL ? NULL : list->tail;
        list->count--;
    }
    return oldest;
}

struct redis_pending *redis_pendings_new(struct redis_pendings *all, redis_reply_fn *fn, void *arg)
{
    struct redis_pending *pending = remove_oldest(&all->spare);
    if (pending == NULL) {
        pending = mem_new(1, sizeof *pending);
    }
    *pending = (struct redis_pending){.fn = fn, .arg = arg};
    return pending;
}

void redis_pendings_release(struct redis_pendings *all, struct redis_pending *pending)
{
    if (all->spare.count < SPARE_MAX) {
        add(&all->spare, pending);
    } else {
        mem_free(pending);
    }
}

void redis_pendings_sent(struct redis_pendings *all, struct redis_pending *pending, int64_t now_ms,
                         int64_t timeout_ms, int64_t extra_ms)
{
    all->extra_ms += extra_ms;
    pending->extra_ms = extra_ms;
    pending->deadline_ms = now_ms + timeout_ms + all->extra_ms;
    add(&all->sent, pending);
}

struct redis_pending *redis_pendings_replied(struct redis_pendings *all)
{
    struct redis_pending *oldest = remove_oldest(&all->sent);
    if (oldest != NULL) {
        all->extra_ms -= oldest->extra_ms;
    }
    return oldest;
}

void redis_pendings_fail(struct redis_pendings *all, struct redis_pending *pending,
                         enum error_code code)
{
    pending->failure = code;
    add(&all->failed, pending);
}

void redis_pendings_fail_sent(struct redis_pendings *all, enum error_code first)
{
    enum error_code code = first;
    struct redis_pending *pending;
    while ((pending = redis_pendings_replied(all)) != NULL) {
        redis_pendings_fail(all, pending, code);
        code = ERROR_UNAVAILABLE;
    }
}

struct redis_pending *redis_pendings_next_failed(struct redis_pendings *all)
{
    return remove_oldest(&all->failed);
}

void redis_pendings_clear(struct redis_pendings *all)
{
    assert(all->sent.count == 0 && all->failed.count == 0);
    struct redis_pending *pending;
    while ((pending = remove_oldest(&all->spare)) != NULL) {
        mem_free(pending);
    }
}
