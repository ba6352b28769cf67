#include "tests/hostile_omnitron/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of a header, copied and cut to size; "" when it is not there. */
static void copy_header(const struct request *request, const char *line_start, char *value,
                        size_t size)
{
    const char *line = strstr(request->text, line_start);
    value[0] = '\0';
    if (line != NULL && line < request->body) {
        line += strlen(line_start);
        (void)snprintf(value, size, "%.*s", (int)strcspn(line, "\r"), line);
    }
}

static enum request_kind kind_of(const char *method, const char *path)
{
    bool is_get = strcmp(method, "GET") == 0;
    bool is_post = strcmp(method, "POST") == 0;
    if (strcmp(path, "hooks/") == 0 && (is_get || is_post)) {
        return is_get ? REQUEST_LIST : REQUEST_CREATE;
    }
    if (strcmp(path, "hooks/registry/") == 0 && is_get) {
        return REQUEST_REGISTRY;
    }
    if (strcmp(path, "login/") == 0 && is_post) {
        return REQUEST_LOGIN;
    }
    if (strcmp(path, "user/") == 0 && is_get) {
        return REQUEST_USER;
    }
    int end = 0;
    (void)sscanf(path, "hooks/%*[-0-9]/%n", &end);
    bool is_row = end > 0 && path[end] == '\0';
    return is_row && strcmp(method, "PATCH") == 0 ? REQUEST_PATCH : REQUEST_STRAY;
}

static void read_line(struct request *request)
{
    char method[16] = "";
    char path[128] = "";
    request->kind = REQUEST_STRAY;
    int digits = 0;
    if (sscanf(request->text, "%15s /%n%*[0-9]/%127[^? ]", method, &digits, path) == 2) {
        request->account = (unsigned)strtoul(request->text + digits, NULL, 10);
        request->kind = kind_of(method, path);
    }
    const char *line_end = strstr(request->text, "\r\n");
    const char *page = strstr(request->text, "page=");
    request->page = page != NULL && page < line_end ? (unsigned)strtoul(page + 5, NULL, 10) : 1;
}

bool request_read(struct request *request, const struct strbuf *text)
{
    const char *end = strstr(text->bytes, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    *request = (struct request){.text = text->bytes, .body = end + 4};
    if (strncmp(text->bytes, "PRI * HTTP/2.0", 14) == 0) {
        request->kind = REQUEST_HTTP2;
        request->size = text->size;
        return true;
    }
    char length[32];
    copy_header(request, "\r\nContent-Length: ", length, sizeof length);
    request->size = (size_t)(request->body - text->bytes) + strtoul(length, NULL, 10);
    copy_header(request, "\r\nAuthorization: ", request->secret, sizeof request->secret);
    read_line(request);
    return request->size <= text->size;
}

const char *request_fault(const struct request *request)
{
    char cookie[8];
    char injected[8];
    char mark[32];
    copy_header(request, "\r\nCookie: ", cookie, sizeof cookie);
    copy_header(request, "\r\nX-Injected: ", injected, sizeof injected);
    (void)snprintf(mark, sizeof mark, "Token t0ken-%u.", request->account);
    bool is_login = request->kind == REQUEST_LOGIN;
    bool has_known_token = strncmp(request->secret, "Token t0ken-", 12) == 0;
    if (request->kind == REQUEST_HTTP2) {
        return NULL;
    }
    if (request->kind == REQUEST_STRAY) {
        return "a path that nobody configured";
    }
    if (cookie[0] != '\0') {
        return "a cookie";
    }
    if (injected[0] != '\0') {
        return "a header that we made up";
    }
    if (is_login != (request->secret[0] == '\0')) {
        return "a token where none belongs, or none where one does";
    }
    if (has_known_token && strncmp(request->secret, mark, strlen(mark)) != 0) {
        return "the token of another account";
    }
    if (!is_login && strstr(request->text, "pa55word") != NULL) {
        return "the password";
    }
    return NULL;
}
