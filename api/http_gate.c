#include "api/http_gate.h"

#include "api/http_bytes.h"

#include <assert.h>
#include <string.h>

enum {
    FIELDS_BYTES_MAX = 2 * HTTP_HEAD_BYTES_MAX, /* more than can be kept of a head */
    KEPT_CAPACITY = 1024,                       /* between two requests */
};

static const struct http_refusal bad_byte = {
    .status = 400,
    .detail =
        "Malformed request: a byte that no header may have, or a line that does not end in CRLF."};

void http_gate_init(struct http_gate *gate)
{
    *gate = (struct http_gate){0};
    strbuf_init(&gate->bytes, HTTP_HEAD_BYTES_MAX);
    strbuf_init(&gate->fields, FIELDS_BYTES_MAX);
    strbuf_init(&gate->content, 0);
}

void http_gate_keep_content(struct http_gate *gate, size_t max)
{
    strbuf_init(&gate->content, max);
    gate->keeps_content = true;
}

void http_gate_clear(struct http_gate *gate)
{
    strbuf_clear(&gate->content);
    strbuf_clear(&gate->bytes);
    strbuf_clear(&gate->fields);
}

/* Memory for another request of the usual size is kept: idle connections may be many. */
static void empty(struct strbuf *buffer)
{
    if (buffer->capacity > KEPT_CAPACITY) {
        size_t max = buffer->max;
        strbuf_clear(buffer);
        strbuf_init(buffer, max);
    } else {
        strbuf_reset(buffer);
    }
}

void http_gate_next(struct http_gate *gate)
{
    assert(gate->refusal == NULL);
    empty(&gate->bytes);
    empty(&gate->fields);
    empty(&gate->content);
    gate->request = NULL;
    gate->has_begun = gate->has_head = gate->has_line = gate->has_skipped_line = false;
    gate->last = '\0';
    gate->line_size = 0;
    gate->head = (struct http_head){0};
}

/* ---- What evhttp gets ---- */

/* All that evhttp needs to know: whether the answer has a body, in which version it is written, and
   whether it is the connection's last. */
#define REQUESTS(method)                                                                           \
    {{method " / HTTP/1.1\r\n\r\n", method " / HTTP/1.1\r\nConnection: close\r\n\r\n"},            \
     {method " / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",                                      \
      method " / HTTP/1.0\r\nConnection: close\r\n\r\n"}}
static const char *const requests[2][2][2] = {REQUESTS("GET"), REQUESTS("HEAD")};

static enum http_gate_step finish(struct http_gate *gate)
{
    bool is_head = strcmp(gate->head.method, "HEAD") == 0;
    bool is_last = gate->refusal != NULL || gate->head.is_last;
    gate->request = requests[is_head][gate->head.is_http_1_0][is_last];
    assert(!gate->fields.is_full);
    return HTTP_GATE_WHOLE;
}

void http_gate_refuse(struct http_gate *gate, const struct http_refusal *refusal)
{
    gate->refusal = refusal;
    (void)finish(gate);
}

const char *http_gate_request(const struct http_gate *gate)
{
    return gate->request;
}

/* ---- What the API reads ---- */

const char *http_gate_field(const struct http_gate *gate, const char *name)
{
    size_t at = 0;
    const char *value = NULL;
    for (const char *found = NULL;
         (found = http_head_next_kept(&gate->fields, &at, &value)) != NULL;) {
        if (strcmp(found, name) == 0) {
            return value;
        }
    }
    return NULL;
}

size_t http_gate_last_fields(const struct http_gate *gate, const char *name, const char **values,
                             size_t max)
{
    size_t count = 0;
    size_t at = 0;
    const char *value = NULL;
    for (const char *found = NULL;
         (found = http_head_next_kept(&gate->fields, &at, &value)) != NULL;) {
        if (strcmp(found, name) != 0) {
            continue;
        }
        if (count == max) {
            memmove(values, values + 1, (max - 1) * sizeof *values);
            count--;
        }
        values[count++] = value;
    }
    return count;
}

/* ---- What comes in ---- */

/* One byte that is not plain text, or that follows CR: every line ends in CR LF, and neither stands
   anywhere else. */
static void take_line_end(struct http_gate *gate, char byte, bool *is_end)
{
    bool is_cr = gate->last != '\r' && byte == '\r';
    bool is_lf = gate->last == '\r' && byte == '\n';
    gate->last = byte;
    if (is_lf) {
        *is_end = gate->line_size == 0;
        gate->line_size = 0;
    } else if (!is_cr) {
        gate->refusal = &bad_byte;
    }
}

/* Takes bytes up to the end of the first empty line or to one that may not be there. */
static size_t scan_head(struct http_gate *gate, const char *bytes, size_t size, bool *is_end)
{
    size_t at = 0;
    *is_end = false;
    while (at < size && !*is_end && gate->refusal == NULL) {
        size_t text = gate->last == '\r' ? 0 : http_bytes_span(bytes + at, size - at, HTTP_TEXT);
        gate->line_size += text;
        at += text;
        if (text > 0) {
            gate->last = '\0';
        } else {
            take_line_end(gate, bytes[at++], is_end);
        }
    }
    return at;
}

/* The empty line has come. One in front of a request is skipped, as RFC 9112, 2.2 asks for. */
static void end_head(struct http_gate *gate)
{
    if (gate->bytes.size == 2 && !gate->has_skipped_line) {
        gate->has_skipped_line = true;
        strbuf_reset(&gate->bytes);
        return;
    }
    gate->has_head = true;
    gate->refusal =
        http_head_parse(&gate->head, gate->bytes.bytes, gate->bytes.size, &gate->fields);
    if (gate->refusal == NULL) {
        http_body_start(&gate->body, &gate->head, gate->keeps_content ? &gate->content : NULL);
    }
}

/* Who speaks another protocol is told so at once: an empty line may never come. And the first line
   is judged first, however much came with it. */
static void check_line_early(struct http_gate *gate)
{
    const char *end = memchr(gate->bytes.bytes, '\r', gate->bytes.size);
    bool is_there = end != NULL && end + 1 < gate->bytes.bytes + gate->bytes.size && end[1] == '\n';
    if (!is_there || gate->has_line) {
        return;
    }
    gate->has_line = true;
    const struct http_refusal *refusal =
        http_head_check_line(gate->bytes.bytes, (size_t)(end - gate->bytes.bytes));
    gate->refusal = refusal == NULL ? gate->refusal : refusal;
}

static size_t feed_head(struct http_gate *gate, const char *bytes, size_t size)
{
    size_t room = HTTP_HEAD_BYTES_MAX - gate->bytes.size;
    bool is_end = false;
    size_t taken = scan_head(gate, bytes, size < room ? size : room, &is_end);
    (void)strbuf_add(&gate->bytes, bytes, taken);
    if (is_end) {
        end_head(gate);
        return taken;
    }
    if (gate->refusal == NULL && gate->bytes.size == HTTP_HEAD_BYTES_MAX) {
        gate->refusal = &http_head_too_large;
    }
    check_line_early(gate);
    return taken;
}

enum http_gate_step http_gate_feed(struct http_gate *gate, const char *bytes, size_t size,
                                   size_t *taken)
{
    bool had_head = gate->has_head;
    *taken = 0;
    gate->has_begun = gate->has_begun || size > 0;
    while (*taken < size && !gate->has_head && gate->refusal == NULL) {
        *taken += feed_head(gate, bytes + *taken, size - *taken);
    }
    if (gate->has_head && gate->refusal == NULL) {
        if (!had_head && gate->head.expects_continue && !gate->body.is_whole) {
            return HTTP_GATE_CONTINUE;
        }
        *taken += http_body_feed(&gate->body, bytes + *taken, size - *taken);
        gate->refusal = gate->body.refusal;
    }
    bool is_whole = gate->refusal != NULL || (gate->has_head && gate->body.is_whole);
    return is_whole ? finish(gate) : HTTP_GATE_MORE;
}
