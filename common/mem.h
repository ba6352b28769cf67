/* Allocation that never fails to its caller: when memory is out the process logs and aborts, is
   restarted, and finds its jobs in Redis. Sizes chosen by outsiders are limited before they get
   here. */
#ifndef OMNIHOOK_COMMON_MEM_H
#define OMNIHOOK_COMMON_MEM_H

#include <stddef.h>

/* Zeroed memory for count elements of size bytes each (overflow aborts). Freed by mem_free. */
void *mem_new(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Grows or shrinks to count * size bytes; what is added is not zeroed. old may be NULL. */
void *mem_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

/* A copy of a text, or of its first size bytes with a 0 byte behind. NULL text gives NULL. */
char *mem_copy_text(const char *text);
char *mem_copy_bytes(const void *bytes, size_t size);

/* free() under its pair's name; NULL is legal. */
void mem_free(void *memory);

#endif
