/* A whole number as decimal digits, for what is printed with every call: printf costs many times as
   much. Pure. */
#ifndef OMNIHOOK_COMMON_NUMBER_TEXT_H
#define OMNIHOOK_COMMON_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT_SIZE = sizeof "-9223372036854775808" };

/* Writes it, 0-terminated; returns its size without the 0 byte. */
size_t number_print(char text[NUMBER_TEXT_SIZE], int64_t number);

#endif
