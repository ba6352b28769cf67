#include "api/reply.h"

#include "api/request_internal.h"
#include "common/now.h"
#include "common/number_text.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

/* A failover or a restart of Redis takes seconds, a full queue too. */
enum { RETRY_AFTER_S = 1 };

enum { WORD_MAX = 32 };

/* Those that evhttp would name by their class only. */
static const char *reason_of(int status)
{
    switch (status) {
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 417:
        return "Expectation Failed";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return NULL;
    }
}

void reply_add_header(struct request *request, const char *name, const char *value)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(request_http(request)), name, value);
}

/* Ends request. bytes NULL = no body. */
static void send_answer(struct request *request, int status, const char *bytes, size_t size)
{
    struct evhttp_request *http = request_http(request);
    char date[NOW_HTTP_SIZE];
    reply_add_header(request, "X-Request-Id", request_id(request));
    reply_add_header(request, "Cache-Control", "no-store");
    if (!request_is_http_1_0(request)) { /* evhttp would print the time anew for each answer */
        reply_add_header(request, "Date", now_http(date, now_wall_ms()));
    }
    if (request_must_close(request)) {
        reply_add_header(request, "Connection", "close");
    }
    if (bytes != NULL) {
        char length[NUMBER_TEXT_SIZE];
        (void)number_print(length, (int64_t)size);
        reply_add_header(request, "Content-Type", "application/json");
        reply_add_header(request, "Content-Length", length);
    }
    if (bytes != NULL && request_method(request) != METHOD_HEAD) {
        (void)evbuffer_add(evhttp_request_get_output_buffer(http), bytes, size);
    }
    request_end(request, status, reason_of(status));
}

void reply_no_content(struct request *request)
{
    send_answer(request, HTTP_NOCONTENT, NULL, 0);
}

void reply_json_text(struct request *request, const char *text, size_t size)
{
    send_answer(request, HTTP_OK, text, size);
}

static void send_document(struct request *request, int status, json_t *document_take)
{
    char *text = json_dumps(document_take, JSON_ENSURE_ASCII);
    json_decref(document_take);
    send_answer(request, status, text, strlen(text));
    free(text);
}

void reply_json(struct request *request, json_t *document_take)
{
    send_document(request, HTTP_OK, document_take);
}

static bool is_letter(char byte)
{
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'z';
}

void reply_result(struct request *request, const char *word)
{
    static const char before[] = "{\"result\": \"";
    static const char behind[] = "\"}";
    enum { BEFORE = sizeof before - 1, BEHIND = sizeof behind - 1 };
    size_t size = 0;
    while (is_letter(word[size])) {
        size++;
    }
    if (size > WORD_MAX || word[size] != '\0') {
        reply_json(request, json_pack("{s:s}", "result", word)); /* not from a script of ours */
        return;
    }
    char text[BEFORE + WORD_MAX + BEHIND];
    memcpy(text, before, BEFORE);
    memcpy(text + BEFORE, word, size);
    memcpy(text + BEFORE + size, behind, BEHIND);
    reply_json_text(request, text, BEFORE + size + BEHIND);
}

void reply_error(struct request *request, int status, const char *detail)
{
    send_document(request, status, json_pack("{s:s}", "detail", detail));
}

void reply_try_later(struct request *request, int status, int64_t seconds, const char *detail)
{
    char text[NUMBER_TEXT_SIZE];
    (void)number_print(text, seconds);
    reply_add_header(request, "Retry-After", text);
    reply_error(request, status, detail);
}

const char *reply_queue_detail(const struct error *why_not)
{
    switch (why_not->code) {
    case ERROR_FULL:
        return "The job queue is full.";
    case ERROR_TIMEOUT:
        return "Redis did not confirm in time. Asking again is safe.";
    case ERROR_CANCELLED:
        return "The service is stopping.";
    case ERROR_NONE:
    case ERROR_BAD_INPUT:
    case ERROR_NOT_FOUND:
    case ERROR_UNAVAILABLE:
    case ERROR_REFUSED:
    case ERROR_UNAUTHORIZED:
    case ERROR_PROTOCOL:
    case ERROR_LOST:
    case ERROR_SYSTEM:
        break;
    }
    return NULL;
}

void reply_queue_error(struct request *request, const struct error *why_not)
{
    const char *detail = reply_queue_detail(why_not);
    reply_try_later(request, HTTP_SERVUNAVAIL, RETRY_AFTER_S,
                    detail == NULL ? "Redis is not available." : detail);
}
