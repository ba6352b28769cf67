#include "tests/omnitron_sim/answer.h"

#include "common/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum { BODY_MAX_BYTES = 512 * 1024 * 1024 };

static const char json_media_type[] = "application/json";
static const char html_media_type[] = "text/html; charset=utf-8";

void answer_init(struct answer *answer)
{
    *answer = (struct answer){.status = 200};
    strbuf_init(&answer->body, BODY_MAX_BYTES);
}

void answer_clear(struct answer *answer)
{
    strbuf_clear(&answer->body);
    json_decref(answer->headers);
    answer->headers = NULL;
}

void answer_header(struct answer *answer, const char *name, const char *value)
{
    if (answer->headers == NULL) {
        answer->headers = json_object();
    }
    json_object_set_new(answer->headers, name, json_string(value));
}

void answer_text(struct answer *answer, int status, const char *content_type, const char *text)
{
    answer->status = status;
    answer->content_type = content_type;
    strbuf_reset(&answer->body);
    strbuf_add_text(&answer->body, text);
}

void answer_empty(struct answer *answer, int status)
{
    answer_text(answer, status, NULL, "");
}

void answer_start_json(struct answer *answer, int status)
{
    answer_text(answer, status, json_media_type, "");
}

void answer_json(struct answer *answer, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert(text != NULL);
    answer_text(answer, status, json_media_type, text);
    mem_free(text);
    json_decref(value);
}

void answer_detail(struct answer *answer, int status, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    json_t *text = json_string(detail);
    /* A cut or an echo of bad input may not be UTF-8; the sentence is then of no use. */
    answer_json(answer, status,
                json_pack("{s:o}", "detail", text == NULL ? json_string("Bad request.") : text));
}

void answer_not_found(struct answer *answer)
{
    answer_detail(answer, 404, "Not found.");
}

void answer_no_such_path(struct answer *answer)
{
    answer_text(
        answer, 404, html_media_type,
        "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Not Found</title>\n</head>\n"
        "<body>\n  <h1>Not Found</h1><p>The requested resource was not found on this "
        "server.</p>\n</body>\n</html>\n");
}

void answer_server_error(struct answer *answer)
{
    answer_text(
        answer, 500, html_media_type,
        "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Server Error (500)</title>\n"
        "</head>\n<body>\n  <h1>Server Error (500)</h1><p></p>\n</body>\n</html>\n");
}
