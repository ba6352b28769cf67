#include "common/hook_rows.h"

#include "common/mem.h"
#include "common/random_id.h"

#include <string.h>

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

static void fill_slots(struct hook_rows *rows)
{
    memset(rows->slots, 0, rows->slot_count * sizeof *rows->slots);
    for (size_t i = 0; i < rows->count; i++) {
        *slot_of(rows, rows->hooks[i].id) = i + 1;
    }
}

/* Slots are at most half full. */
static void grow(struct hook_rows *rows)
{
    rows->capacity = rows->capacity == 0 ? CAPACITY_MIN : rows->capacity * 2;
    rows->hooks = mem_resize(rows->hooks, rows->capacity, sizeof *rows->hooks);
    rows->readings = mem_resize(rows->readings, rows->capacity, sizeof *rows->readings);
    rows->slot_count = rows->capacity * 2;
    rows->slots = mem_resize(rows->slots, rows->slot_count, sizeof *rows->slots);
    fill_slots(rows);
}

void hook_rows_start_reading(struct hook_rows *rows)
{
    rows->reading++;
    rows->seen = 0;
}

bool hook_rows_take(struct hook_rows *rows, struct registered_hook *hook)
{
    if (rows->count == rows->capacity) {
        grow(rows);
    }
    size_t *slot = slot_of(rows, hook->id);
    bool is_known = *slot != 0;
    size_t index = is_known ? *slot - 1 : rows->count;
    bool is_new = !is_known || rows->readings[index] != rows->reading;
    if (is_known) {
        rows->bytes -= rows->hooks[index].row.size;
        registered_hook_clear(&rows->hooks[index]);
    } else {
        *slot = ++rows->count;
    }
    rows->hooks[index] = *hook;
    rows->readings[index] = rows->reading;
    rows->bytes += hook->row.size;
    rows->seen += is_new;
    return is_new;
}

void hook_rows_keep_seen(struct hook_rows *rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->readings[i] == rows->reading) {
            rows->hooks[kept] = rows->hooks[i];
            rows->readings[kept++] = rows->reading;
        } else {
            rows->bytes -= rows->hooks[i].row.size;
            registered_hook_clear(&rows->hooks[i]);
        }
    }
    if (kept < rows->count) {
        rows->count = kept;
        fill_slots(rows);
    }
}
