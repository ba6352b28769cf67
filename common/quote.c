#include "common/quote.h"

#include <stddef.h>

/* Length of the valid UTF-8 sequence at bytes (0-terminated), or 0. The second byte's range keeps
   out overlong forms, surrogates and what is past U+10FFFF. */
static size_t sequence_length(const unsigned char *bytes)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, length;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (bytes[0] < forms[i].first_min || bytes[0] > forms[i].first_max) {
            continue;
        }
        if (bytes[1] < forms[i].second_min || bytes[1] > forms[i].second_max) {
            return 0;
        }
        size_t length = 2;
        while (length < forms[i].length && (bytes[length] & 0xc0) == 0x80) {
            length++;
        }
        return length == forms[i].length ? length : 0;
    }
    return 0;
}

/* Bytes from here on that stand for themselves. */
static size_t plain_length(const unsigned char *bytes)
{
    size_t length = 0;
    while (bytes[length] >= ' ' && bytes[length] < 0x7f && bytes[length] != '"' &&
           bytes[length] != '\\') {
        length++;
    }
    return length;
}

void quote_json(struct strbuf *buffer, const char *text)
{
    if (text == NULL) {
        strbuf_add_text(buffer, "null");
        return;
    }
    strbuf_add_text(buffer, "\"");
    const unsigned char *c = (const unsigned char *)text;
    while (*c != '\0') {
        size_t length = plain_length(c);
        if (length == 0) {
            length = sequence_length(c);
        }
        if (length > 0) {
            strbuf_add(buffer, c, length);
            c += length;
        } else if (*c == '"' || *c == '\\') {
            strbuf_addf(buffer, "\\%c", *c++);
        } else if (*c < 0x80) {
            strbuf_addf(buffer, "\\u%04x", *c++);
        } else {
            strbuf_add_text(buffer, "\\ufffd");
            c++;
        }
    }
    strbuf_add_text(buffer, "\"");
}

void quote_utf8(struct strbuf *buffer, const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c != '\0') {
        size_t length = *c < 0x80 ? 1 : sequence_length(c);
        if (length > 0) {
            strbuf_add(buffer, c, length);
            c += length;
        } else {
            strbuf_add_text(buffer, "\xef\xbf\xbd");
            c++;
        }
    }
}
