#include "tests/support/http_call.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/support/http_pending.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_LIMIT_MS = 30000, PART_MAX_BYTES = 64 * 1024 * 1024, URL_SIZE = 8192 };

/* curl_easy_setopt takes any type; a refused option is a fault of this file. */
#define SET(curl, option, value) assert_int_equal(curl_easy_setopt(curl, option, value), CURLE_OK)

static size_t on_bytes(char *bytes, size_t size, size_t count, void *buffer)
{
    return strbuf_add(buffer, bytes, size * count) ? size * count : 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *buffer)
{
    /* A new status line: what came before was "100 Continue". */
    if (size * count >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        strbuf_reset(buffer);
    }
    return on_bytes(bytes, size, count, buffer);
}

static void set_target(CURL *curl, const struct http_call *call)
{
    bool is_unix = strncmp(call->address, "unix:", 5) == 0;
    char url[URL_SIZE];
    int length =
        snprintf(url, sizeof url, "http://%s%s", is_unix ? "localhost" : call->address, call->path);
    assert_true(length > 0 && (size_t)length < sizeof url);
    if (is_unix) {
        SET(curl, CURLOPT_UNIX_SOCKET_PATH, call->address + 5);
    }
    SET(curl, CURLOPT_URL, url);
    SET(curl, CURLOPT_PATH_AS_IS, 1L);
    SET(curl, CURLOPT_PROXY, "");
    if (call->method != NULL) {
        SET(curl, CURLOPT_CUSTOMREQUEST, call->method);
    }
    SET(curl, CURLOPT_NOBODY, call->method != NULL && strcmp(call->method, "HEAD") == 0 ? 1L : 0L);
    if (call->body != NULL) {
        SET(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(call->body));
        SET(curl, CURLOPT_COPYPOSTFIELDS, call->body);
    }
    SET(curl, CURLOPT_TIMEOUT_MS, (long)(call->limit_ms == 0 ? DEFAULT_LIMIT_MS : call->limit_ms));
}

/* curl's own headers that a body brings are dropped unless the call names them. */
static struct curl_slist *header_list(const struct http_call *call)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool has_type = false;
    for (const char *const *header = call->headers; header != NULL && *header != NULL; header++) {
        list = curl_slist_append(list, *header);
        has_type = has_type || strncasecmp(*header, "Content-Type:", 13) == 0;
    }
    if (call->body != NULL && !has_type) {
        list = curl_slist_append(list, "Content-Type: application/json");
    }
    return list;
}

struct http_pending *http_pending_new(const struct http_call *call)
{
    struct http_pending *pending = mem_new(1, sizeof *pending);
    strbuf_init(&pending->headers, PART_MAX_BYTES);
    strbuf_init(&pending->body, PART_MAX_BYTES);
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    pending->curl = curl;
    pending->list = header_list(call);
    set_target(curl, call);
    SET(curl, CURLOPT_NOSIGNAL, 1L);
    SET(curl, CURLOPT_HTTPHEADER, pending->list);
    SET(curl, CURLOPT_ERRORBUFFER, pending->error);
    SET(curl, CURLOPT_HEADERFUNCTION, on_header);
    SET(curl, CURLOPT_HEADERDATA, &pending->headers);
    SET(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    SET(curl, CURLOPT_WRITEDATA, &pending->body);
    pending->start_ms = now_mono_ms();
    return pending;
}

struct http_answer *http_pending_end(struct http_pending *pending, CURLcode result)
{
    struct http_answer *answer = mem_new(1, sizeof *answer);
    answer->took_ms = now_mono_ms() - pending->start_ms;
    if (result == CURLE_OK) {
        long status = 0;
        (void)curl_easy_getinfo(pending->curl, CURLINFO_RESPONSE_CODE, &status);
        answer->status = (int)status;
    } else {
        (void)snprintf(answer->error, sizeof answer->error, "%s",
                       pending->error[0] == '\0' ? curl_easy_strerror(result) : pending->error);
    }
    curl_slist_free_all(pending->list);
    curl_easy_cleanup(pending->curl);
    answer->size = pending->body.size;
    answer->headers = strbuf_take(&pending->headers);
    answer->body = strbuf_take(&pending->body);
    answer->json = json_loadb(answer->body, answer->size, JSON_DECODE_ANY, NULL);
    mem_free(pending);
    return answer;
}

struct http_answer *http_call(const struct http_call *call)
{
    struct http_pending *pending = http_pending_new(call);
    return http_pending_end(pending, curl_easy_perform(pending->curl));
}

void http_answer_free(struct http_answer *answer)
{
    if (answer == NULL) {
        return;
    }
    json_decref(answer->json);
    mem_free(answer->headers);
    mem_free(answer->body);
    mem_free(answer);
}

char *http_answer_header(const struct http_answer *answer, const char *name)
{
    size_t name_size = strlen(name);
    for (const char *line = answer->headers; *line != '\0';) {
        size_t length = strcspn(line, "\r\n");
        if (length > name_size && line[name_size] == ':' &&
            strncasecmp(line, name, name_size) == 0) {
            size_t start = name_size + 1 + strspn(line + name_size + 1, " \t");
            return mem_copy_bytes(line + start, length > start ? length - start : 0);
        }
        line += length + strspn(line + length, "\r\n");
    }
    return NULL;
}

const char *http_answer_text(const struct http_answer *answer, const char *key)
{
    return json_string_value(json_object_get(answer->json, key));
}
