#include "tests/support/mutate.h"

#include <string.h>

enum { CHANGES_MAX = 4, PIECE_MAX = 64 };

uint64_t random_next(uint64_t *random)
{
    uint64_t z = (*random += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

size_t random_below(uint64_t *random, size_t limit)
{
    return (size_t)(random_next(random) % limit);
}

/* What parsers stumble over. */
static const char *const tokens[] = {
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ",",
    "%00",
    "%2e%2e/",
    "../",
    "//",
    "?",
    "#",
    "*",
    "0",
    "-1",
    "65536",
    "65537",
    "99999999999999999999",
    "\xff\xfe",
    "\x7f",
    "HEAD ",
    "POST ",
    "HTTP/1.0",
    "HTTP/1.1",
    "HTTP/2.0",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Host: a\r\n",
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
};
enum { TOKEN_COUNT = sizeof tokens / sizeof *tokens };

/* Puts size bytes in the place of the gone bytes at place. */
static void replace(struct strbuf *request, size_t place, size_t gone, const char *bytes,
                    size_t size)
{
    struct strbuf changed;
    strbuf_init(&changed, request->max);
    (void)strbuf_add(&changed, request->bytes, place);
    (void)strbuf_add(&changed, bytes, size);
    (void)strbuf_add(&changed, request->bytes + place + gone, request->size - place - gone);
    strbuf_clear(request);
    *request = changed;
}

static size_t piece_of(uint64_t *random, size_t size)
{
    size_t most = size < PIECE_MAX ? size : PIECE_MAX;
    return most == 0 ? 0 : 1 + random_below(random, most);
}

static void change_once(uint64_t *random, struct strbuf *request, const struct strbuf *other)
{
    size_t place = random_below(random, request->size + 1);
    size_t left = request->size - place;
    const char *token = tokens[random_below(random, TOKEN_COUNT)];
    char byte = (char)random_next(random);
    size_t from = random_below(random, other->size + 1);
    switch (random_below(random, 8)) {
    case 0: /* another byte */
        replace(request, place, left > 0 ? 1 : 0, &byte, 1);
        break;
    case 1: /* one more */
        replace(request, place, 0, &byte, 1);
        break;
    case 2: /* a piece is gone */
        replace(request, place, piece_of(random, left), "", 0);
        break;
    case 3: /* a piece twice */
        replace(request, place, 0, request->bytes + place, piece_of(random, left));
        break;
    case 4: /* a token, in between or in place of something */
        replace(request, place, random_below(random, 2) * piece_of(random, left), token,
                strlen(token));
        break;
    case 5: /* the end is gone */
        replace(request, place, left, "", 0);
        break;
    case 6: /* a piece of another request */
        replace(request, place, 0, other->bytes + from, piece_of(random, other->size - from));
        break;
    default: /* another request behind it */
        replace(request, request->size, 0, other->bytes, other->size);
        break;
    }
}

void mutate(uint64_t *random, struct strbuf *request, const struct strbuf *other)
{
    for (size_t left = 1 + random_below(random, CHANGES_MAX); left > 0; left--) {
        change_once(random, request, other);
    }
}
