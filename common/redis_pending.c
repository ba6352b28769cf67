#include "common/redis_pending.h"

#include "common/mem.h"

/* Enough for a busy turn of the loop; what a burst needs beyond is given back. */
enum { SPARE_MAX = 1024 };

void redis_pending_add(struct redis_pending_list *list, struct redis_pending *pending)
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

struct redis_pending *redis_pending_remove(struct redis_pending_list *list)
{
    struct redis_pending *oldest = list->head;
    if (oldest != NULL) {
        list->head = oldest->next;
        list->tail = list->head == NULL ? NULL : list->tail;
        list->count--;
    }
    return oldest;
}

struct redis_pending *redis_pending_new(struct redis_pending_pool *pool, redis_reply_fn *fn,
                                        void *arg)
{
    struct redis_pending *pending = redis_pending_remove(&pool->spare);
    if (pending == NULL) {
        pending = mem_new(1, sizeof *pending);
    }
    *pending = (struct redis_pending){.fn = fn, .arg = arg};
    return pending;
}

void redis_pending_free(struct redis_pending_pool *pool, struct redis_pending *pending)
{
    if (pool->spare.count < SPARE_MAX) {
        redis_pending_add(&pool->spare, pending);
    } else {
        mem_free(pending);
    }
}

void redis_pending_pool_clear(struct redis_pending_pool *pool)
{
    struct redis_pending *pending;
    while ((pending = redis_pending_remove(&pool->spare)) != NULL) {
        mem_free(pending);
    }
}
