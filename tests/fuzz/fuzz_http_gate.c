/* Any bytes on a connection: however they are cut, the gate says the same; what it gives to evhttp
   is a small request of a known form; what it keeps are fields that are known, and the
   Authorization header of them is read safely. */
#include "api/auth_header.h"
#include "api/http_gate.h"
#include "common/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CONTENT_BYTES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum http_gate_step step;
    size_t taken;
};

/* Up to the end of one request, in parts of at most part bytes. */
static struct outcome feed(struct http_gate *gate, const char *bytes, size_t size, size_t part)
{
    struct outcome outcome = {.step = HTTP_GATE_MORE};
    while (outcome.taken < size && outcome.step != HTTP_GATE_WHOLE) {
        size_t left = size - outcome.taken;
        size_t given = left < part ? left : part;
        size_t taken = 0;
        /* A copy of its own size: reading beyond it is seen. */
        char *copy = mem_copy_bytes(bytes + outcome.taken, given);
        outcome.step = http_gate_feed(gate, copy, given, &taken);
        mem_free(copy);
        assert(taken > 0 && taken <= given);
        assert(taken == given || outcome.step != HTTP_GATE_MORE);
        outcome.taken += taken;
    }
    return outcome;
}

static void check_token(const char *kept)
{
    size_t size = strlen(kept);
    char *value = mem_copy_bytes(kept, size);
    struct auth_token token;
    if (auth_header_parse(value, &token) == NULL) {
        assert(token.size > 0 && token.bytes >= value && token.bytes + token.size <= value + size);
        for (size_t i = 0; i < token.size; i++) {
            assert(strchr(" \t\r\n\v\f", token.bytes[i]) == NULL);
        }
    }
    mem_free(value);
}

/* Of names that are known, and of nothing that ends a line. */
static void check_fields(const struct http_gate *gate)
{
    static const char *const names[] = {"Host",      "Authorization", "X-Request-Id",
                                        "Via",       "Forwarded",     "X-Forwarded-For",
                                        "X-Real-IP", "Origin",        "Content-Type"};
    size_t at = 0;
    const char *value = NULL;
    for (const char *name = NULL;
         (name = http_head_next_kept(&gate->fields, &at, &value)) != NULL;) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            is_known = is_known || strcmp(name, names[i]) == 0;
        }
        assert(is_known && strpbrk(value, "\r\n") == NULL);
        if (strcmp(name, "Authorization") == 0) {
            check_token(value);
        }
    }
}

static void check_request(const struct http_gate *gate)
{
    const char *request = http_gate_request(gate);
    assert(strncmp(request, "GET / HTTP/1.", 13) == 0 ||
           strncmp(request, "HEAD / HTTP/1.", 14) == 0);
    const char *end = strstr(request, "\r\n\r\n");
    assert(end != NULL && end[4] == '\0');
    check_fields(gate);
    bool is_last = strstr(request, "\r\nConnection: close\r\n") != NULL;
    assert(is_last == (gate->refusal != NULL || gate->head.is_last));
    if (gate->refusal == NULL) {
        assert(strlen(gate->head.method) > 0);
        assert(gate->head.path[0] == '/' || strcmp(gate->head.path, "*") == 0);
        assert(strpbrk(gate->head.path, "? #\r\n") == NULL);
    } else {
        assert(gate->refusal->status >= 400 && gate->refusal->status < 500);
    }
}

/* A request of the kept fields passes the gate itself, and they come out of it as they went in. */
static void check_again(const struct http_gate *gate)
{
    struct http_gate again;
    struct strbuf request;
    http_gate_init(&again);
    strbuf_init(&request, (size_t)4 * HTTP_HEAD_BYTES_MAX);
    (void)strbuf_add_text(&request,
                          gate->head.is_http_1_0 ? "GET / HTTP/1.0\r\n" : "GET / HTTP/1.1\r\n");
    size_t at = 0;
    const char *value = NULL;
    for (const char *name = NULL;
         (name = http_head_next_kept(&gate->fields, &at, &value)) != NULL;) {
        (void)strbuf_addf(&request, "%s: %s\r\n", name, value);
    }
    (void)strbuf_add_text(&request, "\r\n");
    if (request.size <= HTTP_HEAD_BYTES_MAX) { /* "a:b" has become longer */
        struct outcome outcome = feed(&again, request.bytes, request.size, SIZE_MAX);
        assert(outcome.step == HTTP_GATE_WHOLE && outcome.taken == request.size);
        assert(again.refusal == NULL && again.fields.size == gate->fields.size);
        assert(memcmp(again.fields.bytes, gate->fields.bytes, gate->fields.size) == 0);
    }
    strbuf_clear(&request);
    http_gate_clear(&again);
}

/* Both gates have had the same bytes. */
static void check_same(const struct http_gate *one, const struct http_gate *other)
{
    assert(one->refusal == other->refusal);
    assert(http_gate_request(one) == http_gate_request(other));
    assert(one->fields.size == other->fields.size);
    assert(memcmp(one->fields.bytes, other->fields.bytes, one->fields.size) == 0);
    assert(strcmp(one->head.method, other->head.method) == 0);
    assert(one->content.is_full == other->content.is_full);
    assert(one->content.is_full ||
           (one->content.size == other->content.size &&
            memcmp(one->content.bytes, other->content.bytes, one->content.size) == 0));
    assert(one->refusal != NULL || strcmp(one->head.path, other->head.path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    /* The first byte says how the second gate gets its bytes. */
    size_t part = (size_t)data[0] % 32 + 1;
    const char *bytes = (const char *)data + 1;
    size_t left = size - 1;
    struct http_gate whole;
    struct http_gate cut;
    http_gate_init(&whole);
    http_gate_init(&cut);
    http_gate_keep_content(&whole, CONTENT_BYTES_MAX);
    http_gate_keep_content(&cut, CONTENT_BYTES_MAX);
    struct outcome one = {.step = HTTP_GATE_WHOLE};
    while (left > 0 && one.step == HTTP_GATE_WHOLE && whole.refusal == NULL) {
        one = feed(&whole, bytes, left, SIZE_MAX);
        struct outcome other = feed(&cut, bytes, left, part);
        assert(one.step == other.step || one.step != HTTP_GATE_WHOLE);
        /* A refusal by the first line comes as soon as that is there. */
        assert(one.taken == other.taken || whole.refusal != NULL);
        if (one.step == HTTP_GATE_WHOLE) {
            check_same(&whole, &cut);
            check_request(&whole);
        }
        if (one.step == HTTP_GATE_WHOLE && whole.refusal == NULL) {
            check_again(&whole);
            http_gate_next(&whole);
            http_gate_next(&cut);
        }
        bytes += one.taken;
        left -= one.taken;
    }
    http_gate_clear(&whole);
    http_gate_clear(&cut);
    return 0;
}
