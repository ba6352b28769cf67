#include "common/strbuf.h"

#include "common/mem.h"
#include "common/number_text.h"

#include <stdarg.h>
#include <stdio.h>

static char empty[1] = "";

void strbuf_init(struct strbuf *buffer, size_t max)
{
    *buffer = (struct strbuf){.bytes = empty, .max = max};
}

void strbuf_clear(struct strbuf *buffer)
{
    if (buffer->capacity > 0) {
        mem_free(buffer->bytes);
    }
    strbuf_init(buffer, buffer->max);
}

void strbuf_reset(struct strbuf *buffer)
{
    buffer->size = 0;
    buffer->is_full = false;
    if (buffer->capacity > 0) {
        buffer->bytes[0] = '\0';
    }
}

bool strbuf_make_room(struct strbuf *buffer, size_t size)
{
    if (size > buffer->max - buffer->size) {
        buffer->is_full = true;
        return false;
    }
    size_t needed = buffer->size + size + 1;
    if (needed > buffer->capacity) {
        size_t grown = buffer->capacity < 128 ? 128 : 2 * buffer->capacity;
        grown = grown < needed ? needed : grown;
        buffer->bytes = mem_resize(buffer->capacity > 0 ? buffer->bytes : NULL, grown, 1);
        buffer->capacity = grown;
    }
    return true;
}

bool strbuf_add_int(struct strbuf *buffer, int64_t number)
{
    char text[NUMBER_TEXT_SIZE];
    size_t size = number_print(text, number);
    return strbuf_add(buffer, text, size);
}

bool strbuf_addf(struct strbuf *buffer, const char *format, ...)
{
    /* First into the room that is there, which is nearly always enough. */
    size_t room = buffer->capacity > 0 ? buffer->capacity - buffer->size : 0;
    size_t allowed = buffer->max - buffer->size;
    room = room > allowed ? allowed + 1 : room;
    char *end = room > 0 ? buffer->bytes + buffer->size : NULL;
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(end, room, format, args);
    va_end(args);
    bool is_added = length >= 0 && (size_t)length < room;
    if (!is_added && end != NULL) {
        *end = '\0';
    }
    if (!is_added && length >= 0 && strbuf_make_room(buffer, (size_t)length)) {
        (void)vsnprintf(buffer->bytes + buffer->size, (size_t)length + 1, format, again);
        is_added = true;
    }
    va_end(again);
    buffer->size += is_added ? (size_t)length : 0;
    return is_added;
}

char *strbuf_take(struct strbuf *buffer)
{
    char *bytes = buffer->capacity > 0 ? buffer->bytes : mem_new(1, 1);
    strbuf_init(buffer, buffer->max);
    return bytes;
}
