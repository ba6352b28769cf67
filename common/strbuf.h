/* A growing byte buffer with a ceiling: what would pass it is refused as a whole and remembered. */
#ifndef OMNIHOOK_COMMON_STRBUF_H
#define OMNIHOOK_COMMON_STRBUF_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct strbuf {
    char *bytes; /* owned; always followed by a 0 byte; "" when empty, never NULL */
    size_t size; /* bytes in use, without the 0 byte */
    size_t capacity;
    size_t max;   /* the ceiling of size */
    bool is_full; /* an append was refused; stays set until strbuf_reset */
};

/* Embedded: pair with strbuf_clear. Allocates nothing until the first append. */
void strbuf_init(struct strbuf *buffer, size_t max);
void strbuf_clear(struct strbuf *buffer);

/* Empties it and forgets is_full; keeps the memory. */
void strbuf_reset(struct strbuf *buffer);

/* Each returns false, changes nothing and sets is_full when the ceiling would be passed. The result
   may be ignored where is_full is looked at in the end. */
static inline bool strbuf_add(struct strbuf *buffer, const void *bytes, size_t size);
static inline bool strbuf_add_text(struct strbuf *buffer, const char *text);
/* Decimal; for where printf would cost more than all the rest. */
bool strbuf_add_int(struct strbuf *buffer, int64_t number);
bool strbuf_addf(struct strbuf *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Hands the bytes (0-terminated, to be mem_freed) to the caller and leaves the buffer empty. */
char *strbuf_take(struct strbuf *buffer);

/* ---- Inline, as most appends are of a few bytes that there is room for ---- */

/* Makes room for size more bytes and the 0 byte. */
bool strbuf_make_room(struct strbuf *buffer, size_t size);

static inline bool strbuf_add(struct strbuf *buffer, const void *bytes, size_t size)
{
    bool has_room = size < buffer->capacity - buffer->size && size <= buffer->max - buffer->size;
    if (!has_room && !strbuf_make_room(buffer, size)) {
        return false;
    }
    if (size > 0) {
        memcpy(buffer->bytes + buffer->size, bytes, size);
    }
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
    return true;
}

static inline bool strbuf_add_text(struct strbuf *buffer, const char *text)
{
    return strbuf_add(buffer, text, strlen(text));
}

#endif
