#include "common/text.h"

#include "common/mem.h"

#include <stdint.h>
#include <string.h>

/* The code point at bytes and the number of its bytes in *size; size 0 when it is not UTF-8. */
static uint32_t decode(const char *text, size_t left, size_t *size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t lead = bytes[0];
    *size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (*size == 0 || *size > left || lead > 0xf4) {
        *size = 0;
        return 0;
    }
    uint32_t point = *size == 1 ? lead : lead & (0x7fU >> *size);
    for (size_t i = 1; i < *size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            *size = 0;
            return 0;
        }
        point = point << 6 | (bytes[i] & 0x3f);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < smallest[*size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        *size = 0;
    }
    return point;
}

bool text_is_utf8(const char *bytes, size_t size)
{
    for (size_t at = 0, length; at < size; at += length) {
        if (decode(bytes + at, size - at, &length) == 0 || length == 0) {
            return false;
        }
    }
    return true;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t text_length(const char *text)
{
    size_t length = 0;
    for (; *text != '\0'; text++) {
        length += is_continuation(*text) ? 0 : 1;
    }
    return length;
}

bool text_has_control(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) {
            return true;
        }
    }
    return false;
}

/* U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows. */
static bool is_unfit_for_line(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x200e || point == 0x200f ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

void text_make_plain(char *text)
{
    for (size_t left = strlen(text), length; left > 0; text += length, left -= length) {
        uint32_t point = decode(text, left, &length);
        bool is_utf8 = length > 0;
        length = is_utf8 ? length : 1;
        if (!is_utf8 || is_unfit_for_line(point)) {
            memset(text, '?', length);
        }
    }
}

bool text_is_visible_ascii(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f) {
            return false;
        }
    }
    return text[0] != '\0';
}

static bool is_space(uint32_t point)
{
    return (point >= 0x09 && point <= 0x0d) || (point >= 0x1c && point <= 0x20) || point == 0x85 ||
           point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
           point == 0x2028 || point == 0x2029 || point == 0x202f || point == 0x205f ||
           point == 0x3000;
}

/* Bytes of white space at the beginning of text, and at the end of its size bytes. */
static size_t leading_space(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t length;
        uint32_t point = decode(text + at, size - at, &length);
        if (length == 0 || !is_space(point)) {
            break;
        }
        at += length;
    }
    return at;
}

static size_t trailing_space(const char *text, size_t size)
{
    size_t end = size;
    while (end > 0) {
        size_t start = end - 1;
        while (start > 0 && is_continuation(text[start])) {
            start--;
        }
        size_t length;
        uint32_t point = decode(text + start, end - start, &length);
        if (length != end - start || !is_space(point)) {
            break;
        }
        end = start;
    }
    return size - end;
}

bool text_is_trimmed(const char *text)
{
    size_t size = strlen(text);
    return leading_space(text, size) == 0 && trailing_space(text, size) == 0;
}

char *text_trim(const char *text)
{
    size_t size = strlen(text);
    size_t leading = leading_space(text, size);
    size -= leading;
    return mem_copy_bytes(text + leading, size - trailing_space(text + leading, size));
}
