#include "common/number_text.h"

#include <string.h>

size_t number_print(char text[NUMBER_TEXT_SIZE], int64_t number)
{
    char digits[NUMBER_TEXT_SIZE];
    char *at = digits + sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        *--at = '-';
    }
    size_t size = (size_t)(digits + sizeof digits - at);
    memcpy(text, at, size);
    text[size] = '\0';
    return size;
}
