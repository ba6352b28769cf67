#include "tests/hostile_omnitron/body.h"

#include "common/mem.h"

#include <jansson.h>
#include <string.h>

enum { ROWS_A_PAGE = 5, GIANT_BYTES = 5 * 1024 * 1024 };

/* ---- What was asked for ---- */

static void add_row(struct strbuf *body, unsigned id)
{
    strbuf_addf(
        body,
        "{\"id\":%u,\"created_date\":\"2024-02-29T12:00:00Z\",\"event_type\":\"a.b\","
        "\"target_url\":\"https://x.example/%u\",\"is_active\":%s,\"secret_key\":\"s3cret\","
        "\"retry_countdown_config\":{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}},"
        "\"additional_headers\":{\"Authorization\":\"Token s3cret\"},\"config\":{}}",
        id, id, id % 3 == 0 ? "false" : "true");
}

/* To the next page: of our own list under any address, in a circle, or somewhere else. */
static void add_link(struct strbuf *body, const struct request *request, struct chance *chance,
                     const char *elsewhere)
{
    static const char *const origins[] = {"http://", "https://", "//", "https://user:pass@"};
    unsigned page = request->page + 1;
    switch (chance_pick(chance, 8)) {
    case 0:
        strbuf_addf(body, "\"?cursor=%u\"", page);
        break;
    case 1:
        strbuf_addf(body, "\"http://%s/%u/login/?page=%u\"", elsewhere, request->account, page);
        break;
    case 2:
        strbuf_addf(body, "\"?page=%u\"", 1 + (unsigned)chance_pick(chance, 4));
        break;
    case 3:
        strbuf_addf(body, "\"{domain_url}/%u/hooks/?page=%u\"", request->account, page);
        break;
    default:
        strbuf_addf(body, "\"%s%s/%u/hooks/?page=%u&limit=200\"", CHANCE_TEXT(chance, origins),
                    elsewhere, request->account, page);
        break;
    }
}

/* New rows for ever, in pages of megabytes. */
static void add_endless_page(struct strbuf *body, const struct request *request)
{
    enum { ROWS = 3000 };
    strbuf_addf(body, "{\"next\":\"?page=%u\",\"results\":[", request->page + 1);
    for (unsigned i = 0; i < ROWS; i++) {
        strbuf_addf(
            body, "%s{\"id\":%u,\"event_type\":\"a\",\"target_url\":\"b\",\"config\":\"%01000d\"}",
            i == 0 ? "" : ",", request->page * ROWS + i, 0);
    }
    strbuf_add_text(body, "]}");
}

/* Some accounts have no page but the first, some up to six; some count their rows. */
static void add_page(struct strbuf *body, const struct request *request, struct chance *chance,
                     const char *elsewhere)
{
    unsigned pages = request->account % 7;
    if (pages == 0) {
        strbuf_add_text(body, "[]");
        return;
    }
    strbuf_add_text(body, "{");
    if (request->account % 3 != 0) {
        strbuf_addf(body, "\"count\":%u,", pages * ROWS_A_PAGE);
    }
    strbuf_add_text(body, "\"next\":");
    if (request->page < pages) {
        add_link(body, request, chance, elsewhere);
    } else {
        strbuf_add_text(body, "null");
    }
    strbuf_add_text(body, ",\"results\":[");
    for (unsigned i = 0; i < ROWS_A_PAGE; i++) {
        strbuf_add_text(body, i == 0 ? "" : ",");
        add_row(body, (request->page - 1) * ROWS_A_PAGE + i + 1);
    }
    strbuf_add_text(body, "]}");
}

/* The row that was sent, with an id. */
static void add_echo(struct strbuf *body, const struct request *request)
{
    json_t *row = json_loads(request->body, 0, NULL);
    if (row == NULL) {
        strbuf_add_text(body, "{}");
        return;
    }
    json_object_set_new(row, "id", json_integer(7));
    char *text = json_dumps(row, JSON_COMPACT);
    strbuf_add_text(body, text);
    mem_free(text);
    json_decref(row);
}

void body_add_honest(struct strbuf *body, const struct request *request, struct chance *chance,
                     const char *elsewhere)
{
    switch (request->kind) {
    case REQUEST_LIST:
        if (request->account == ENDLESS_ACCOUNT) {
            add_endless_page(body, request);
            return;
        }
        add_page(body, request, chance, elsewhere);
        return;
    case REQUEST_CREATE:
    case REQUEST_PATCH:
        add_echo(body, request);
        return;
    case REQUEST_LOGIN:
        strbuf_addf(body, "{\"key\":\"k3y-%u\"}", request->account);
        return;
    case REQUEST_REGISTRY:
        strbuf_add_text(body, "[\"a.b\",\"a.c\"]");
        return;
    case REQUEST_USER:
    case REQUEST_HTTP2:
    case REQUEST_STRAY:
        strbuf_add_text(body, "{\"id\":1}");
        return;
    }
}

/* ---- What nobody asked for ---- */

static void add_times(struct strbuf *body, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_add_text(body, text);
    }
}

static void add_json_string(struct strbuf *body, const char *text)
{
    json_t *string = json_string_nocheck(text);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY);
    strbuf_add_text(body, quoted == NULL ? "\"\"" : quoted);
    mem_free(quoted);
    json_decref(string);
}

/* An error that throws back what the request has brought: its token, its body. */
static void add_thrown_back(struct strbuf *body, const struct request *request)
{
    const char *token = strchr(request->secret, ' ');
    strbuf_add_text(body, "{\"code\":\"webhook_100_1\",\"detail\":");
    add_json_string(body, token == NULL ? "" : token + 1);
    strbuf_add_text(body, ",\"config\":{\"auth\":[");
    add_json_string(body, request->secret);
    strbuf_add_text(body, "]},\"non_field_errors\":[");
    add_json_string(body, request->body);
    strbuf_add_text(body, "]}");
}

static void add_utf16(struct strbuf *body, const struct strbuf *text)
{
    strbuf_add(body, "\xff\xfe", 2);
    for (size_t i = 0; i < text->size; i++) {
        const char unit[2] = {text->bytes[i], '\0'};
        strbuf_add(body, unit, 2);
    }
}

/* As honest, but in another encoding, or cut off. */
static void add_spoilt(struct strbuf *body, const struct request *request, struct chance *chance,
                       const char *elsewhere)
{
    struct strbuf honest;
    strbuf_init(&honest, SIZE_MAX / 2);
    body_add_honest(&honest, request, chance, elsewhere);
    if (chance_hits(chance, 300)) {
        add_utf16(body, &honest);
    } else if (chance_hits(chance, 300)) {
        strbuf_add_text(body, "\xef\xbb\xbf");
        strbuf_add(body, honest.bytes, honest.size);
    } else {
        strbuf_add(body, honest.bytes, chance_pick(chance, honest.size + 1));
    }
    strbuf_clear(&honest);
}

void body_add_odd(struct strbuf *body, const struct request *request, struct chance *chance,
                  const char *elsewhere)
{
    static const char *const texts[] = {
        "",
        " ",
        "null",
        "{}",
        "[]",
        "0",
        "\"\"",
        "[[]]",
        "[{}]",
        "{\"results\":[]}",
        "{\"next\":null,\"results\":{}}",
        "{\"count\":99999999999999999999999,\"next\":null,\"results\":[]}",
        "{\"count\":5000000,\"next\":\"?page=2\",\"results\":[{\"id\":1}]}",
        "[{\"id\":1e3,\"event_type\":\"a\",\"target_url\":\"b\"}]",
        "[{\"id\":9223372036854775807,\"event_type\":\"\",\"target_url\":\"\\u0000\"}]",
        "[{\"id\":-1,\"event_type\":\"\\ud800\",\"target_url\":\"b\"}]",
        "[{\"id\":1,\"event_type\":\"a\",\"target_url\":\"b\",\"is_active\":\"no\"}]",
        "[{\"id\":1,\"event_type\":[],\"target_url\":{}}]",
        "{\"key\":\"a\\r\\nX-Injected: 1\"}",
        "{\"key\":\"\"}",
        "{\"key\":{}}",
        "{\"key\":\"\\u0000\"}",
        "{\"code\":\"webhook_100_2\",\"en\":\"Webhook already registered\"}",
        "{\"code\":[\"webhook_100_2\"]}",
        "{\"detail\":\"Invalid page.\"}",
        "<!doctype html><title>Log in</title><form action=/login/>",
    };
    switch (chance_pick(chance, 8)) {
    case 0:
        add_times(body, chance_hits(chance, 500) ? "[" : "{\"a\":", 1 + chance_pick(chance, 9000));
        break;
    case 1:
        add_spoilt(body, request, chance, elsewhere);
        break;
    case 2:
        add_thrown_back(body, request);
        break;
    case 3:
        chance_add_bytes(chance, body, chance_pick(chance, 2000));
        break;
    case 4:
        if (chance_hits(chance, 50)) {
            strbuf_add_text(body, "[\"");
            add_times(body, "0123456789abcdef", GIANT_BYTES / 16);
            strbuf_add_text(body, "\"]");
            break;
        }
        strbuf_add_text(body, "-");
        add_times(body, "9", chance_pick(chance, 5000));
        break;
    default:
        strbuf_add_text(body, CHANCE_TEXT(chance, texts));
        break;
    }
}
