#include "common/hook_rows.h"

#include "common/mem.h"
#include "common/random_id.h"

enum { CAPACITY_MIN = 16 };

void hook_rows_init(struct hook_rows *rows)
{
    *rows = (struct hook_rows){.seed = random_bits()};
}

void hook_rows_clear(struct hook_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        registered_hook_clear(&rows->hooks[i]);
    }
    mem_free(rows->hooks);
    mem_free(rows->readings);
    mem_free(rows->slots);
    *rows = (struct hook_rows){.seed = rows->seed};
}

/* The slot that holds id, or the free one where it belongs. slot_count is a power of 2. */
static size_t *slot_of(const struct hook_rows *rows, int64_t id)
{
    uint64_t mixed = ((uint64_t)id ^ rows->seed) * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(mixed >> 32) & (rows->slot_count - 1);
    while (rows->slots[at] != 0 && rows->hooks[rows->slots[at] - 1].id != id) {
        at = (at + 1) & (rows->slot_count - 1);
    }
    return &rows->slots[at];
}

/* Slots are at most half full. */
static void grow(struct hook_rows *rows)
{
    rows->capacity = rows->capacity == 0 ? CAPACITY_MIN : rows->capacity * 2;
    rows->hooks = mem_resize(rows->hooks, rows->capacity, sizeof *rows->hooks);
    rows->readings = mem_resize(rows->readings, rows->capacity, sizeof *rows->readings);
    mem_free(rows->slots);
    rows->slot_count = rows->capacity * 2;
    rows->slots = mem_new(rows->slot_count, sizeof *rows->slots);
    for (size_t i = 0; i < rows->count; i++) {
        *slot_of(rows, rows->hooks[i].id) = i + 1;
    }
}

bool hook_rows_take(struct hook_rows *rows, struct registered_hook *hook, unsigned reading)
{
    if (rows->count == rows->capacity) {
        grow(rows);
    }
    size_t *slot = slot_of(rows, hook->id);
    if (*slot == 0) {
        rows->hooks[rows->count] = *hook;
        rows->readings[rows->count] = reading;
        *slot = ++rows->count;
        return true;
    }
    size_t index = *slot - 1;
    registered_hook_clear(&rows->hooks[index]);
    rows->hooks[index] = *hook;
    bool is_new = rows->readings[index] != reading;
    rows->readings[index] = reading;
    return is_new;
}
