#include "tests/support/chance.h"

#include "common/mem.h"

#include <string.h>

enum { PIECE_MAX = 64 };

/* splitmix64 */
static uint64_t next(struct chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct chance chance_start(uint64_t seed, uint64_t n)
{
    struct chance chance = {seed};
    chance.state = next(&chance) ^ n;
    chance.state = next(&chance);
    return chance;
}

size_t chance_pick(struct chance *chance, size_t count)
{
    return (size_t)(next(chance) % count);
}

bool chance_hits(struct chance *chance, unsigned per_mille)
{
    return chance_pick(chance, 1000) < per_mille;
}

void chance_add_bytes(struct chance *chance, struct strbuf *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char byte = (char)chance_pick(chance, 256);
        strbuf_add(text, &byte, 1);
    }
}

/* text := its first at bytes, piece, and what comes after the next gone bytes. */
static void splice(struct strbuf *text, size_t at, size_t gone, const struct strbuf *piece)
{
    struct strbuf whole;
    strbuf_init(&whole, SIZE_MAX / 2);
    strbuf_add(&whole, text->bytes, at);
    strbuf_add(&whole, piece->bytes, piece->size);
    strbuf_add(&whole, text->bytes + at + gone, text->size - at - gone);
    strbuf_clear(text);
    *text = whole;
}

static void mutate_once(struct chance *chance, struct strbuf *text)
{
    static const char *const words[] = {"\"",      "{",       "}",        "[",   "]",
                                        ",",       ":",       "\r\n",     "0",   "-1",
                                        "1e99999", "\\ud800", "\xff\xfe", "null"};
    size_t at = chance_pick(chance, text->size);
    size_t left = text->size - at;
    size_t size = 1 + chance_pick(chance, left < PIECE_MAX ? left : PIECE_MAX);
    struct strbuf piece;
    strbuf_init(&piece, SIZE_MAX / 2);
    switch (chance_pick(chance, 5)) {
    case 0:
        text->bytes[at] = (char)(text->bytes[at] ^ 1 << chance_pick(chance, 8));
        break;
    case 1:
        splice(text, at, size, &piece);
        break;
    case 2:
        strbuf_add(&piece, text->bytes + at, size);
        splice(text, at, 0, &piece);
        break;
    case 3:
        chance_add_bytes(chance, &piece, size);
        splice(text, at, size, &piece);
        break;
    default:
        strbuf_add_text(&piece, CHANCE_TEXT(chance, words));
        splice(text, at, 0, &piece);
        break;
    }
    strbuf_clear(&piece);
}

void chance_mutate(struct chance *chance, struct strbuf *text)
{
    for (size_t left = 1 + chance_pick(chance, 8); left > 0 && text->size > 0; left--) {
        mutate_once(chance, text);
    }
}
