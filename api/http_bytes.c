#include "api/http_bytes.h"

/* Constant expressions, so that the table is made by the compiler. */
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_LETTER(c) (((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z'))
#define IS_VISIBLE(c) ((c) > ' ' && (c) < 0x7f)
#define IS_BLANK(c) ((c) == ' ' || (c) == '\t')
#define IS_TEXT(c) (((c) >= ' ' && (c) != 0x7f) || (c) == '\t')
#define IS_TOKEN(c)                                                                                \
    (IS_DIGIT(c) || IS_LETTER(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' ||        \
     (c) == '&' || (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' ||          \
     (c) == '^' || (c) == '_' || (c) == '`' || (c) == '|' || (c) == '~')
#define IS_HOST(c)                                                                                 \
    (IS_VISIBLE(c) && (c) != '/' && (c) != '?' && (c) != '#' && (c) != '@' && (c) != '\\' &&       \
     (c) != '"' && (c) != '<' && (c) != '>' && (c) != '^' && (c) != '`' && (c) != '{' &&           \
     (c) != '|' && (c) != '}')
#define IS_TARGET(c) (IS_VISIBLE(c) && (c) != '#')

#define BYTE(c)                                                                                    \
    ((IS_TEXT(c) ? HTTP_TEXT : 0) | (IS_TOKEN(c) ? HTTP_TOKEN : 0) |                               \
     (IS_HOST(c) ? HTTP_HOST : 0) | (IS_TARGET(c) ? HTTP_TARGET : 0) |                             \
     (IS_BLANK(c) ? HTTP_BLANK : 0) | (IS_DIGIT(c) ? HTTP_DECIMAL : 0))
#define BYTES_4(c) BYTE(c), BYTE((c) + 1), BYTE((c) + 2), BYTE((c) + 3)
#define BYTES_16(c) BYTES_4(c), BYTES_4((c) + 4), BYTES_4((c) + 8), BYTES_4((c) + 12)
#define BYTES_64(c) BYTES_16(c), BYTES_16((c) + 16), BYTES_16((c) + 32), BYTES_16((c) + 48)

const unsigned char http_bytes[UCHAR_MAX + 1] = {BYTES_64(0), BYTES_64(64), BYTES_64(128),
                                                 BYTES_64(192)};
