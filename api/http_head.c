#include "api/http_head.h"

#include "api/http_bytes.h"

#include <string.h>
#include <strings.h>

const struct http_refusal http_head_too_large = {.status = 431,
                                                 .detail = "The headers are larger than 16 KiB."};
const struct http_refusal http_body_too_large = {.status = 413,
                                                 .detail = "The body is larger than 64 KiB."};

enum { BAD_REQUEST = 400 };

#define MALFORMED(text) {.status = BAD_REQUEST, .detail = "Malformed request: " text}

static const struct http_refusal bad_line = MALFORMED("the first line is no request line.");
static const struct http_refusal bad_version =
    MALFORMED("the version is neither HTTP/1.0 nor HTTP/1.1.");
static const struct http_refusal bad_target = MALFORMED("the target is no path.");
static const struct http_refusal bad_field = MALFORMED("a header line is not \"name: value\".");
static const struct http_refusal repeated_key = MALFORMED("more than one Authorization header.");
static const struct http_refusal repeated_field =
    MALFORMED("a header that may be there once is repeated.");
static const struct http_refusal no_host = MALFORMED("no Host header.");
static const struct http_refusal bad_host = MALFORMED("the Host header is no host.");
static const struct http_refusal other_host = MALFORMED("the target names another host than Host.");
static const struct http_refusal unclear_length = MALFORMED("the length of the body is not clear.");
static const struct http_refusal too_many_fields = {.status = 431,
                                                    .detail = "There are more than 100 headers."};
static const struct http_refusal bad_expectation = {.status = 417,
                                                    .detail = "Only 100-continue can be expected."};

/* Borrowed bytes, not 0-terminated. */
struct slice {
    const char *bytes;
    size_t size;
};

static bool equals(struct slice slice, const char *text)
{
    return slice.size == strlen(text) && strncasecmp(slice.bytes, text, slice.size) == 0;
}

static size_t span(struct slice slice, enum http_bytes what)
{
    return http_bytes_span(slice.bytes, slice.size, what);
}

static struct slice skip(struct slice slice, size_t size)
{
    return (struct slice){slice.bytes + size, slice.size - size};
}

static struct slice trim(struct slice slice)
{
    slice = skip(slice, span(slice, HTTP_BLANK));
    while (slice.size > 0 && http_byte_is(slice.bytes[slice.size - 1], HTTP_BLANK)) {
        slice.size--;
    }
    return slice;
}

/* ---- The request line ---- */

struct request_line {
    struct slice method;
    struct slice authority; /* of a target in absolute form; else bytes is NULL */
    struct slice path;
    struct slice query; /* bytes is NULL when there is none */
    bool is_http_1_0;
};

static const char root[] = "/"; /* the path of a target that has none */

/* Takes "http://host" off a target in absolute form, which a server must accept (RFC 9112, 3.2.2).
 */
static bool take_authority(struct slice *target, struct slice *authority)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t size = strlen(schemes[i]);
        if (target->size > size && strncasecmp(target->bytes, schemes[i], size) == 0) {
            *target = skip(*target, size);
            *authority = *target;
            authority->size = span(*target, HTTP_HOST);
            *target = skip(*target, authority->size);
            return authority->size > 0;
        }
    }
    return true;
}

static bool parse_target(struct request_line *line, struct slice target)
{
    if (span(target, HTTP_TARGET) != target.size || !take_authority(&target, &line->authority)) {
        return false;
    }
    const char *query = target.size == 0 ? NULL : memchr(target.bytes, '?', target.size);
    line->path = target;
    if (query != NULL) {
        line->path.size = (size_t)(query - target.bytes);
        line->query = skip(target, line->path.size + 1);
    }
    if (line->authority.bytes != NULL && line->path.size == 0) {
        line->path = (struct slice){root, 1};
    }
    bool is_server = equals(target, "*") && equals(line->method, "OPTIONS");
    return is_server || (line->path.size > 0 && line->path.bytes[0] == '/');
}

static const struct http_refusal *parse_line(struct request_line *line, const char *bytes,
                                             size_t size)
{
    *line = (struct request_line){0};
    struct slice rest = {bytes, size};
    line->method = (struct slice){bytes, span(rest, HTTP_TOKEN)};
    rest = skip(rest, line->method.size);
    if (line->method.size == 0 || line->method.size > HTTP_METHOD_MAX || rest.size == 0 ||
        rest.bytes[0] != ' ') {
        return &bad_line;
    }
    rest = skip(rest, 1);
    const char *end = rest.size == 0 ? NULL : memchr(rest.bytes, ' ', rest.size);
    if (end == NULL) {
        return &bad_line; /* HTTP/0.9 */
    }
    struct slice target = {rest.bytes, (size_t)(end - rest.bytes)};
    struct slice version = skip(rest, target.size + 1);
    line->is_http_1_0 = version.size == 8 && memcmp(version.bytes, "HTTP/1.0", 8) == 0;
    if (!line->is_http_1_0 && (version.size != 8 || memcmp(version.bytes, "HTTP/1.1", 8) != 0)) {
        bool is_spaced = version.size > 0 && memchr(version.bytes, ' ', version.size) != NULL;
        return is_spaced ? &bad_line : &bad_version;
    }
    return parse_target(line, target) ? NULL : &bad_target;
}

const struct http_refusal *http_head_check_line(const char *line, size_t size)
{
    struct request_line parsed;
    return parse_line(&parsed, line, size);
}

/* ---- The fields ---- */

/* What is known of the fields while they are read. */
struct fields {
    struct slice host, key, length, encoding; /* bytes is NULL when absent */
    size_t count;
    bool has_close, has_keep_alive, has_continue;
    const struct http_refusal *refusal; /* the first */
    struct strbuf *kept;
};

static void refuse(struct fields *fields, const struct http_refusal *refusal)
{
    if (fields->refusal == NULL) {
        fields->refusal = refusal;
    }
}

static void take_single(struct fields *fields, struct slice *field, struct slice value)
{
    if (field->bytes != NULL) {
        refuse(fields, field == &fields->key ? &repeated_key : &repeated_field);
    }
    *field = value;
}

static void take_host(struct fields *fields, struct slice value)
{
    take_single(fields, &fields->host, value);
    if (span(value, HTTP_HOST) != value.size) {
        refuse(fields, &bad_host);
    }
}

static void take_key(struct fields *fields, struct slice value)
{
    take_single(fields, &fields->key, value);
}

static void take_length(struct fields *fields, struct slice value)
{
    take_single(fields, &fields->length, value);
}

static void take_encoding(struct fields *fields, struct slice value)
{
    take_single(fields, &fields->encoding, value);
}

static void take_connection(struct fields *fields, struct slice value)
{
    while (value.size > 0) {
        const char *comma = memchr(value.bytes, ',', value.size);
        size_t size = comma == NULL ? value.size : (size_t)(comma - value.bytes);
        struct slice option = trim((struct slice){value.bytes, size});
        fields->has_close = fields->has_close || equals(option, "close");
        fields->has_keep_alive = fields->has_keep_alive || equals(option, "keep-alive");
        value = skip(value, comma == NULL ? size : size + 1);
    }
}

static void take_expect(struct fields *fields, struct slice value)
{
    fields->has_continue = true;
    if (!equals(value, "100-continue")) {
        refuse(fields, &bad_expectation);
    }
}

/* Every field that something here reads; all others end here. */
static const struct {
    const char *name;
    void (*take)(struct fields *fields, struct slice value); /* NULL = nothing to judge */
    bool is_kept;                                            /* for the handlers */
} known_fields[] = {
    {"Host", take_host, true},
    {"Authorization", take_key, true},
    {"Connection", take_connection, false},
    {"Content-Length", take_length, false},
    {"Transfer-Encoding", take_encoding, false},
    {"Expect", take_expect, false},
    {"X-Request-Id", NULL, true},
    {"X-Forwarded-For", NULL, true},
    /* Those of the dashboard. */
    {"Forwarded", NULL, true},
    {"X-Real-IP", NULL, true},
    {"Via", NULL, true},
    {"Origin", NULL, true},
    {"Content-Type", NULL, true},
};
enum { KNOWN_COUNT = sizeof known_fields / sizeof *known_fields };

/* Name and value, each with a 0 byte behind it: neither has one. */
static void keep(struct strbuf *kept, const char *name, struct slice value)
{
    (void)strbuf_add(kept, name, strlen(name) + 1);
    (void)strbuf_add(kept, value.bytes, value.size);
    (void)strbuf_add(kept, "", 1);
}

const char *http_head_next_kept(const struct strbuf *kept, size_t *at, const char **value)
{
    if (*at == kept->size) {
        return NULL;
    }
    const char *name = kept->bytes + *at;
    *value = name + strlen(name) + 1;
    *at = (size_t)(*value - kept->bytes) + strlen(*value) + 1;
    return name;
}

static void take_field(struct fields *fields, struct slice name, struct slice value)
{
    for (int i = 0; i < KNOWN_COUNT; i++) {
        if (!equals(name, known_fields[i].name)) {
            continue;
        }
        if (known_fields[i].take != NULL) {
            known_fields[i].take(fields, value);
        }
        if (known_fields[i].is_kept) {
            keep(fields->kept, known_fields[i].name, value);
        }
        return;
    }
}

static void parse_field(struct fields *fields, struct slice line)
{
    struct slice name = {line.bytes, span(line, HTTP_TOKEN)};
    /* Nothing between the name and the colon, no line that goes on with the one before. */
    if (name.size == 0 || name.size == line.size || line.bytes[name.size] != ':') {
        refuse(fields, &bad_field);
        return;
    }
    fields->count++;
    take_field(fields, name, trim(skip(line, name.size + 1)));
}

static const struct http_refusal *check_host(const struct fields *fields,
                                             const struct request_line *line)
{
    if (fields->host.bytes == NULL) {
        return line->is_http_1_0 ? NULL : &no_host;
    }
    const struct slice *authority = &line->authority;
    if (authority->bytes != NULL &&
        (authority->size != fields->host.size ||
         strncasecmp(authority->bytes, fields->host.bytes, authority->size) != 0)) {
        return &other_host;
    }
    return NULL;
}

/* Content-Length: digits and nothing else; too many of them are too large, whatever they say. */
static const struct http_refusal *parse_length(struct http_head *head, struct slice value)
{
    if (value.size == 0 || span(value, HTTP_DECIMAL) != value.size) {
        return &unclear_length;
    }
    uint64_t length = 0;
    for (size_t i = 0; i < value.size; i++) {
        length = length * 10 + (uint64_t)(value.bytes[i] - '0');
        if (length > HTTP_BODY_BYTES_MAX) {
            return &http_body_too_large;
        }
    }
    head->framing = length == 0 ? HTTP_NO_BODY : HTTP_LENGTH;
    head->length = length;
    return NULL;
}

static const struct http_refusal *find_framing(struct http_head *head, const struct fields *fields)
{
    if (fields->encoding.bytes != NULL) {
        head->framing = HTTP_CHUNKED;
        bool is_clear = fields->length.bytes == NULL && !head->is_http_1_0 &&
                        equals(fields->encoding, "chunked");
        return is_clear ? NULL : &unclear_length;
    }
    return fields->length.bytes == NULL ? NULL : parse_length(head, fields->length);
}

/* Malformed comes before too large, and too large before what is only not to be had. */
static const struct http_refusal *judge(struct http_head *head, const struct fields *fields,
                                        const struct request_line *line)
{
    if (fields->refusal != NULL && fields->refusal->status == BAD_REQUEST) {
        return fields->refusal;
    }
    const struct http_refusal *refusal = check_host(fields, line);
    if (refusal == NULL) {
        refusal = find_framing(head, fields);
    }
    if (refusal == NULL && fields->count > HTTP_FIELDS_MAX) {
        refusal = &too_many_fields;
    }
    return refusal == NULL ? fields->refusal : refusal;
}

static void copy_line(struct http_head *head, const struct request_line *line)
{
    memcpy(head->method, line->method.bytes, line->method.size);
    head->method[line->method.size] = '\0';
    head->is_http_1_0 = line->is_http_1_0;
}

const struct http_refusal *http_head_parse(struct http_head *head, char *bytes, size_t size,
                                           struct strbuf *kept)
{
    *head = (struct http_head){0};
    struct request_line line = {0};
    struct fields fields = {.kept = kept};
    const char *end = memchr(bytes, '\r', size);
    const struct http_refusal *refusal = parse_line(&line, bytes, (size_t)(end - bytes));
    if (refusal != NULL) {
        return refusal;
    }
    copy_line(head, &line);
    for (const char *at = end + 2; *at != '\r'; at = end + 2) {
        end = memchr(at, '\r', size - (size_t)(at - bytes));
        parse_field(&fields, (struct slice){at, (size_t)(end - at)});
    }
    head->is_last = fields.has_close || (head->is_http_1_0 && !fields.has_keep_alive);
    /* Nobody of HTTP/1.0 waits for a 100. */
    head->expects_continue = fields.has_continue && !head->is_http_1_0;
    refusal = judge(head, &fields, &line);
    if (refusal == NULL) {
        head->path = line.path.bytes;
        if (line.path.bytes != root) {
            bytes[line.path.bytes - bytes + (ptrdiff_t)line.path.size] = '\0';
        }
        head->query = line.query.bytes;
        if (line.query.bytes != NULL) {
            bytes[line.query.bytes - bytes + (ptrdiff_t)line.query.size] = '\0';
        }
    }
    return refusal;
}
