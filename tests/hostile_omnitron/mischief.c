#include "tests/hostile_omnitron/mischief.h"

#include "tests/hostile_omnitron/body.h"

#include <string.h>

enum { FLOOD_LINES = 3000 };

/* The parts of an answer that is still HTTP. */
struct parts {
    const char *version_and_status; /* "HTTP/1.1 200 OK" */
    const char *type;
    struct strbuf headers; /* lines */
    struct strbuf body;
};

static const char *honest_status(const struct request *request)
{
    return request->kind == REQUEST_CREATE ? "HTTP/1.1 201 Created" : "HTTP/1.1 200 OK";
}

static void add_answer(struct strbuf *answer, const struct parts *parts)
{
    strbuf_addf(answer, "%s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
                parts->version_and_status, parts->type, parts->body.size);
    strbuf_add(answer, parts->headers.bytes, parts->headers.size);
    strbuf_add_text(answer, "\r\n");
    strbuf_add(answer, parts->body.bytes, parts->body.size);
}

static void set_odd_status(struct parts *parts, struct chance *chance)
{
    static const char *const lines[] = {
        "HTTP/1.1 200 OK",        "HTTP/1.1 201 Created",     "HTTP/1.1 202 Accepted",
        "HTTP/1.1 204 No",        "HTTP/1.1 206 Part",        "HTTP/1.1 304 Same",
        "HTTP/1.1 400 Bad",       "HTTP/1.1 401 Who",         "HTTP/1.1 403 No",
        "HTTP/1.1 404 Not Found", "HTTP/1.1 405 Not so",      "HTTP/1.1 406 Already",
        "HTTP/1.1 408 Slow",      "HTTP/1.1 413 Large",       "HTTP/1.1 415 Type",
        "HTTP/1.1 418 Teapot",    "HTTP/1.1 425 Early",       "HTTP/1.1 429 Slowly",
        "HTTP/1.1 500 Oops",      "HTTP/1.1 502 Gateway",     "HTTP/1.1 503 Later",
        "HTTP/1.1 504 Late",      "HTTP/1.1 599 Odd",         "HTTP/1.1 999 Denied",
        "HTTP/1.1 600 Six",       "HTTP/1.0 200 OK",          "HTTP/1.1 407 Proxy",
        "HTTP/1.1 101 Switch",    "HTTP/1.1 103 Early Hints", "HTTP/1.1 -1 Minus",
    };
    static const char *const headers[] = {
        "Retry-After: 0\r\n",
        "Retry-After: -5\r\n",
        "Retry-After: 99999999999999999999\r\n",
        "Retry-After: Thu, 31 Dec 2099 23:59:59 GMT\r\n",
        "Retry-After: \r\nRetry-After: soon\r\n",
        "WWW-Authenticate: Basic realm=\"x\"\r\n",
        "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n",
        "WWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\r\n",
        "Proxy-Authenticate: Basic realm=\"x\"\r\n",
        "Allow: \r\n",
    };
    parts->version_and_status = CHANCE_TEXT(chance, lines);
    strbuf_add_text(&parts->headers, CHANCE_TEXT(chance, headers));
}

/* Every way that a client is told to go elsewhere. */
static void set_redirect(struct parts *parts, struct chance *chance, const char *elsewhere)
{
    static const char *const lines[] = {
        "HTTP/1.1 301 Moved", "HTTP/1.1 302 Found",  "HTTP/1.1 303 See",   "HTTP/1.1 307 There",
        "HTTP/1.1 308 Away",  "HTTP/1.1 300 Choose", "HTTP/1.1 305 Proxy", "HTTP/1.1 200 OK"};
    static const char *const origins[] = {"http://", "https://", "//",
                                          "ftp://",  "file:///", "http://user:pass@"};
    parts->version_and_status = CHANCE_TEXT(chance, lines);
    const char *origin = CHANCE_TEXT(chance, origins);
    strbuf_addf(&parts->headers,
                "Location: %s%s/login/\r\nRefresh: 0; url=%s%s/\r\nAlt-Svc: h2=\"%s\"; ma=9\r\n"
                "Content-Location: http://%s/\r\nLink: <http://%s/>; rel=preconnect\r\n",
                origin, elsewhere, origin, elsewhere, elsewhere, elsewhere, elsewhere);
}

static void add_header_mischief(struct parts *parts, struct chance *chance)
{
    static const char *const lines[] = {
        "no colon at all\r\n",
        ": no name\r\n",
        "Content-Type: text/html; charset=utf-16\r\n",
        "Content-Encoding: gzip\r\n",
        "Content-Encoding: br, gzip, deflate, x-none\r\n",
        "Set-Cookie: a=b; Domain=.example; Path=/\r\nSet-Cookie: c=d\r\n",
        "Folded: a\r\n b\r\n\tc\r\n",
        "Connection: close, keep-alive, upgrade\r\nUpgrade: h2c\r\n",
        "Strict-Transport-Security: max-age=31536000\r\n",
        "Trailer: X\r\nTE: trailers\r\n",
        "Date: yesterday\r\n",
        "Content-Type: application/json\r\n",
        "Keep-Alive: timeout=0, max=0\r\n",
        "Content-Range: bytes 0-0/*\r\n",
    };
    if (chance_hits(chance, 200)) {
        parts->version_and_status = "HTTP/1.1 200 OK\r\n folded: at once";
    }
    if (chance_hits(chance, 100)) {
        strbuf_add(&parts->headers, "Nul: a\0b\r\n", 10);
    }
    if (chance_hits(chance, 100)) {
        for (int i = 0; i < FLOOD_LINES; i++) {
            strbuf_addf(&parts->headers, "X-Flood-%d: 0123456789\r\n", i);
        }
    }
    strbuf_add_text(&parts->headers, CHANCE_TEXT(chance, lines));
    strbuf_add_text(&parts->headers, CHANCE_TEXT(chance, lines));
}

/* The body's length told wrong, twice, or in chunks that do not fit. */
static void add_badly_framed(struct strbuf *answer, const struct parts *parts,
                             struct chance *chance)
{
    static const char *const framings[] = {
        "Content-Length: 0\r\n",
        "Content-Length: 3\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: abc\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "",
    };
    static const char *const chunks[] = {"5\r\n[]   \r\n0\r\n\r\n",
                                         "ffffffffffffffff\r\n[]",
                                         "-1\r\n[]\r\n0\r\n\r\n",
                                         "5\r\n[]\r\n0\r\n\r\n",
                                         "2;a=b;c=\"\r\n[]\r\n0\r\n\r\n",
                                         "zz\r\n[]\r\n0\r\n\r\n",
                                         "2\r\n[]\r\n0\r\nX: y\r\n",
                                         "0\r\n\r\n",
                                         "2\n[]\n0\n\n",
                                         "00000000000000000002\r\n[]\r\n0\r\n\r\n"};
    bool is_chunked = chance_hits(chance, 400);
    strbuf_addf(answer, "%s\r\nContent-Type: %s\r\n%s\r\n", parts->version_and_status, parts->type,
                is_chunked ? "Transfer-Encoding: chunked\r\n" : CHANCE_TEXT(chance, framings));
    if (is_chunked) {
        strbuf_add_text(answer, CHANCE_TEXT(chance, chunks));
    } else {
        strbuf_add(answer, parts->body.bytes, parts->body.size);
    }
}

static void add_no_http(struct strbuf *answer, struct chance *chance)
{
    static const char *const texts[] = {"",
                                        "\r\n\r\n",
                                        "HTTP/1.1\r\n\r\n",
                                        "HTTP/1.1 200",
                                        "HTTP/2 200 OK\r\n\r\n[]",
                                        "HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n[]",
                                        "HTTP/1.1 200 OK\nContent-Length: 2\n\n[]",
                                        "[]",
                                        "220 mail.example ESMTP\r\n",
                                        "-ERR unknown command\r\n",
                                        "SSH-2.0-OpenSSH_9.2\r\n"};
    if (chance_hits(chance, 500)) {
        chance_add_bytes(chance, answer, 1 + chance_pick(chance, 400));
    } else {
        strbuf_add_text(answer, CHANCE_TEXT(chance, texts));
    }
}

static void add_interim_answers(struct strbuf *answer, struct chance *chance)
{
    for (size_t left = 1 + chance_pick(chance, 200); left > 0; left--) {
        strbuf_add_text(answer, "HTTP/1.1 102 Processing\r\nRetry-After: 9\r\n\r\n");
    }
}

/* ---- The whole ---- */

static void write_answer(struct mischief *mischief, const struct request *request,
                         struct chance *chance, const char *elsewhere)
{
    struct parts parts = {.version_and_status = honest_status(request), .type = "application/json"};
    strbuf_init(&parts.headers, SIZE_MAX / 2);
    strbuf_init(&parts.body, SIZE_MAX / 2);
    struct strbuf *answer = &mischief->answer;
    size_t kind = request->account == ENDLESS_ACCOUNT ? 0 : chance_pick(chance, 100);
    bool is_odd_body = kind >= 40 && chance_hits(chance, 500);
    (is_odd_body ? body_add_odd : body_add_honest)(&parts.body, request, chance, elsewhere);
    if (kind < 40) {
        if (kind >= 25) {
            chance_mutate(chance, &parts.body);
        }
        add_answer(answer, &parts);
    } else if (kind < 50) {
        add_answer(answer, &parts);
        chance_mutate(chance, answer);
    } else if (kind < 65) {
        set_odd_status(&parts, chance);
        add_answer(answer, &parts);
    } else if (kind < 73) {
        set_redirect(&parts, chance, elsewhere);
        add_answer(answer, &parts);
    } else if (kind < 82) {
        add_badly_framed(answer, &parts, chance);
    } else if (kind < 90) {
        add_header_mischief(&parts, chance);
        add_answer(answer, &parts);
    } else if (kind < 95) {
        add_no_http(answer, chance);
    } else {
        add_interim_answers(answer, chance);
        add_answer(answer, &parts);
    }
    strbuf_clear(&parts.headers);
    strbuf_clear(&parts.body);
}

static void choose_delivery(struct mischief *mischief, struct chance *chance)
{
    size_t size = mischief->answer.size;
    switch (chance_pick(chance, 40)) {
    case 0:
        mischief->end = END_RESET;
        mischief->cut_at = chance_pick(chance, size + 1);
        break;
    case 1:
    case 2:
        mischief->end = END_CLOSE;
        mischief->cut_at = chance_pick(chance, size + 1);
        break;
    case 3:
        mischief->end = END_HANG;
        mischief->cut_at = chance_pick(chance, size + 1);
        break;
    case 4:
        mischief->drop = 1 + chance_pick(chance, 20);
        break;
    case 5:
    case 6:
        mischief->drop = 100 + chance_pick(chance, 2000);
        break;
    case 7:
        mischief->end = chance_hits(chance, 100) ? END_ENDLESS : END_CLOSE;
        break;
    default:
        mischief->end = chance_hits(chance, 200) ? END_CLOSE : END_KEEP;
        break;
    }
}

struct mischief mischief_make(const struct request *request, struct chance *chance,
                              const char *elsewhere)
{
    struct mischief mischief = {.cut_at = SIZE_MAX, .end = END_KEEP};
    strbuf_init(&mischief.answer, SIZE_MAX / 2);
    write_answer(&mischief, request, chance, elsewhere);
    if (request->account != ENDLESS_ACCOUNT) {
        choose_delivery(&mischief, chance);
    }
    return mischief;
}

void mischief_clear(struct mischief *mischief)
{
    strbuf_clear(&mischief->answer);
}
