/* States, as a chunked body goes through them:

     SIZE -> (EXTENSION) -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
     ... SIZE_LF of a chunk of 0 bytes -> LINE -> NAME -> VALUE -> VALUE_LF -> LINE -> END_LF

   A body with a length has one state, LENGTH. */
#include "api/http_body.h"

#include "api/http_bytes.h"

enum {
    CHUNK_DIGITS_MAX = 8, /* leading zeros are legal, but not without end */
    EXTRA_BYTES_MAX = HTTP_HEAD_BYTES_MAX,
};

static const struct http_refusal bad_chunk = {
    .status = 400, .detail = "Malformed request: the chunks are not clear."};

static bool refuse(struct http_body *body, const struct http_refusal *refusal)
{
    body->refusal = refusal;
    return false;
}

static bool enter(struct http_body *body, enum http_body_state state)
{
    body->state = state;
    return true;
}

/* Goes on in state when byte is the one that must come now. */
static bool expect(struct http_body *body, char byte, char expected, enum http_body_state state)
{
    return byte == expected ? enter(body, state) : refuse(body, &bad_chunk);
}

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool on_size(struct http_body *body, char byte)
{
    int value = hex_value(byte);
    if (value >= 0 && body->digits < CHUNK_DIGITS_MAX) {
        body->digits++;
        body->left = body->left * 16 + (uint64_t)value;
        return true;
    }
    if (value < 0 && body->digits > 0 && byte == ';') {
        return enter(body, BODY_EXTENSION);
    }
    return body->digits > 0 ? expect(body, byte, '\r', BODY_SIZE_LF) : refuse(body, &bad_chunk);
}

/* In an extension or a trailer's value, which end with CR. */
static bool on_text(struct http_body *body, char byte, enum http_body_state behind)
{
    body->extra++;
    if (body->extra > EXTRA_BYTES_MAX) {
        return refuse(body, &http_head_too_large);
    }
    return http_byte_is(byte, HTTP_TEXT) || expect(body, byte, '\r', behind);
}

static bool on_size_end(struct http_body *body, char byte)
{
    body->total += body->left;
    if (body->total > HTTP_BODY_BYTES_MAX) {
        return refuse(body, &http_body_too_large);
    }
    body->digits = 0;
    return expect(body, byte, '\n', body->left == 0 ? BODY_LINE : BODY_DATA);
}

static bool on_name(struct http_body *body, char byte)
{
    body->extra++;
    if (body->extra > EXTRA_BYTES_MAX) {
        return refuse(body, &http_head_too_large);
    }
    return http_byte_is(byte, HTTP_TOKEN) || expect(body, byte, ':', BODY_VALUE);
}

static bool on_line(struct http_body *body, char byte)
{
    if (byte == '\r') {
        return enter(body, BODY_END_LF);
    }
    body->state = BODY_NAME;
    return http_byte_is(byte, HTTP_TOKEN) ? on_name(body, byte) : refuse(body, &bad_chunk);
}

static bool on_end(struct http_body *body, char byte)
{
    body->is_whole = byte == '\n';
    return body->is_whole || refuse(body, &bad_chunk);
}

/* False when it was refused. */
static bool take(struct http_body *body, char byte)
{
    switch (body->state) {
    case BODY_SIZE:
        return on_size(body, byte);
    case BODY_EXTENSION:
        return on_text(body, byte, BODY_SIZE_LF);
    case BODY_SIZE_LF:
        return on_size_end(body, byte);
    case BODY_DATA_CR:
        return expect(body, byte, '\r', BODY_DATA_LF);
    case BODY_DATA_LF:
        return expect(body, byte, '\n', BODY_SIZE);
    case BODY_LINE:
        return on_line(body, byte);
    case BODY_NAME:
        return on_name(body, byte);
    case BODY_VALUE:
        return on_text(body, byte, BODY_VALUE_LF);
    case BODY_VALUE_LF:
        return expect(body, byte, '\n', BODY_LINE);
    case BODY_END_LF:
        return on_end(body, byte);
    case BODY_LENGTH:
    case BODY_DATA:
        break; /* not byte by byte */
    }
    return false;
}

/* The bytes of a body or of a chunk. */
static size_t take_data(struct http_body *body, const char *bytes, size_t size)
{
    size_t taken = size < body->left ? size : (size_t)body->left;
    if (body->kept != NULL) {
        (void)strbuf_add(body->kept, bytes, taken);
    }
    body->left -= taken;
    if (body->left == 0) {
        body->is_whole = body->state == BODY_LENGTH;
        body->state = BODY_DATA_CR;
    }
    return taken;
}

void http_body_start(struct http_body *body, const struct http_head *head, struct strbuf *kept)
{
    *body = (struct http_body){.state = head->framing == HTTP_LENGTH ? BODY_LENGTH : BODY_SIZE,
                               .left = head->length,
                               .is_whole = head->framing == HTTP_NO_BODY,
                               .kept = kept};
}

size_t http_body_feed(struct http_body *body, const char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && !body->is_whole && body->refusal == NULL) {
        if (body->state == BODY_LENGTH || body->state == BODY_DATA) {
            at += take_data(body, bytes + at, size - at);
        } else {
            (void)take(body, bytes[at]);
            at++;
        }
    }
    return at;
}
