#include "common/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        /* Not through the logger: it may allocate. */
        (void)fputs("level=error event=out_of_memory\n", stderr);
        abort();
    }
    return memory;
}

void *mem_new(size_t count, size_t size)
{
    /* calloc(0) may give NULL; one byte keeps "NULL means out of memory" true. */
    return checked(count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size));
}

void *mem_resize(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return checked(NULL);
    }
    size_t bytes = count * size;
    return checked(realloc(old, bytes == 0 ? 1 : bytes));
}

char *mem_copy_text(const char *text)
{
    return text == NULL ? NULL : mem_copy_bytes(text, strlen(text));
}

char *mem_copy_bytes(const void *bytes, size_t size)
{
    char *copy = mem_resize(NULL, size + 1, 1);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = '\0';
    return copy;
}

void mem_free(void *memory)
{
    free(memory);
}
