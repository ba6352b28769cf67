#include "common/http_transfer.h"

#include "common/mem.h"
#include "common/secret.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum {
    HEADER_BYTES_MAX = 64 * 1024,
    LOW_SPEED_BYTES_PER_S = 1,
    LOW_SPEED_S = 10,
};

/* An option that libcurl does not take is a wrong build or no memory: neither can be mended here.
 */
static void must(CURLcode result)
{
    assert(result == CURLE_OK);
    (void)result;
}

/* ---- Callbacks of libcurl, in the order they fire ---- */

/* A connection is there and the request's bytes leave next; again when libcurl repeats a request
   that met a kept connection which the server had closed. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static int on_before_send(void *arg, char *remote_ip, char *local_ip, int remote_port,
                          int local_port)
{
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    struct http_transfer *transfer = arg;
    if (transfer->may_send != NULL && !transfer->may_send(transfer->arg)) {
        transfer->is_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->was_sent = true;
    return CURL_PREREQFUNC_OK;
}

/* Copies the value of a header line, cut to what text holds, without the white space around it. */
static void copy_value(char text[HTTP_HEADER_TEXT_SIZE], const char *value, size_t size)
{
    while (size > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        size--;
    }
    while (size > 0 && strchr(" \t\r\n", value[size - 1]) != NULL) {
        size--;
    }
    size = size < HTTP_HEADER_TEXT_SIZE - 1 ? size : HTTP_HEADER_TEXT_SIZE - 1;
    memcpy(text, value, size);
    text[size] = '\0';
}

static bool starts_with(const char *line, size_t size, const char *start)
{
    size_t length = strlen(start);
    return size >= length && strncasecmp(line, start, length) == 0;
}

static size_t on_header(char *line, size_t one, size_t size, void *arg)
{
    (void)one;
    struct http_transfer *transfer = arg;
    transfer->header_bytes += size;
    if (transfer->header_bytes > HEADER_BYTES_MAX) {
        transfer->is_too_large = true;
        return 0;
    }
    if (starts_with(line, size, "HTTP/")) {
        /* What an interim 1xx answer said does not count. */
        transfer->retry_after[0] = '\0';
        transfer->date[0] = '\0';
    } else if (starts_with(line, size, "retry-after:")) {
        copy_value(transfer->retry_after, line + strlen("retry-after:"),
                   size - strlen("retry-after:"));
    } else if (starts_with(line, size, "date:")) {
        copy_value(transfer->date, line + strlen("date:"), size - strlen("date:"));
    }
    return size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *arg)
{
    (void)one;
    struct http_transfer *transfer = arg;
    if (!strbuf_add(&transfer->body, bytes, size)) {
        transfer->is_too_large = true;
        return 0;
    }
    return size;
}

/* ---- The easy handle ---- */

static void set_constants(struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    must(curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer));
    must(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text));
    must(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    must(curl_easy_setopt(easy, CURLOPT_USERAGENT, "omnihook/" OMNIHOOK_VERSION));
#if LIBCURL_VERSION_NUM >= 0x075500
    must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
#else
    must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Else ending a transfer in mid-resolving joins the resolver's thread: it would block the loop
       for as long as a name server is silent. */
    must(curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
#endif
    must(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L));
    must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L));
    must(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    must(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS));
    must(curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
    must(curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L));
    must(curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
    must(curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES_PER_S));
    must(curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_S));
    must(curl_easy_setopt(easy, CURLOPT_NOPROXY, "")); /* NULL would let no_proxy in */
    must(curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_send));
    must(curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
    must(curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    must(curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
}

struct http_transfer *http_transfer_new(struct http_client *client)
{
    struct http_transfer *transfer = mem_new(1, sizeof *transfer);
    transfer->client = client;
    transfer->easy = curl_easy_init();
    assert(transfer->easy != NULL);
    strbuf_init(&transfer->sent, SIZE_MAX / 2);
    strbuf_init(&transfer->body, 0);
    set_constants(transfer);
    return transfer;
}

void http_transfer_free(struct http_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy); /* first: it points into sent */
    if (transfer->sent.size > 0) {
        secret_wipe(transfer->sent.bytes, transfer->sent.size);
    }
    strbuf_clear(&transfer->sent);
    strbuf_clear(&transfer->body);
    mem_free(transfer->origin);
    mem_free(transfer);
}

/* "https://host:port" of a URL that may hold secrets in its query. */
static char *copy_origin(const char *url)
{
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + strlen("://");
    return mem_copy_bytes(url, (size_t)(host - url) + strcspn(host, "/?#"));
}

/* Copies headers and body into one buffer. The list's nodes are our own: libcurl only reads them.
 */
static struct curl_slist *copy_sent(struct http_transfer *transfer,
                                    const struct http_request *request)
{
    static char no_expect[] = "Expect:"; /* no "100-continue": a round trip for nothing */
    size_t offsets[HTTP_HEADERS_MAX];
    size_t count = 0;
    while (count < HTTP_HEADERS_MAX && request->headers[count] != NULL) {
        offsets[count] = transfer->sent.size;
        strbuf_add(&transfer->sent, request->headers[count], strlen(request->headers[count]) + 1);
        count++;
    }
    strbuf_add(&transfer->sent, request->body, request->body_size);
    for (size_t i = 0; i < count; i++) {
        transfer->lines[i].data = transfer->sent.bytes + offsets[i];
        transfer->lines[i].next = &transfer->lines[i + 1];
    }
    transfer->lines[count] = (struct curl_slist){.data = no_expect};
    return transfer->lines;
}

static void set_method(struct http_transfer *transfer, const struct http_request *request)
{
    bool is_get = strcmp(request->method, "GET") == 0;
    bool is_post = strcmp(request->method, "POST") == 0;
    must(curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST,
                          is_get || is_post ? NULL : request->method));
    if (is_get) {
        must(curl_easy_setopt(transfer->easy, CURLOPT_HTTPGET, 1L));
        return;
    }
    must(curl_easy_setopt(transfer->easy, CURLOPT_POST, 1L));
    must(curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                          (curl_off_t)request->body_size));
    must(curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS,
                          transfer->sent.bytes + transfer->sent.size - request->body_size));
}

void http_transfer_prepare(struct http_transfer *transfer, const struct http_request *request)
{
    transfer->may_send = request->may_send;
    transfer->origin = copy_origin(request->url);
    transfer->has_proxy = request->proxy != NULL;
    transfer->body.max = request->max_response_bytes;
    CURL *easy = transfer->easy;
    must(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, copy_sent(transfer, request)));
    set_method(transfer, request);
    must(curl_easy_setopt(easy, CURLOPT_URL, request->url));
    must(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms));
    must(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms));
    must(
        curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_response_bytes));
    /* "" and not NULL, which would let http_proxy and https_proxy in. */
    must(curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy == NULL ? "" : request->proxy));
    if (request->ca_file != NULL) {
        must(curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file));
        must(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
    }
}

/* ---- How it ended ---- */

/* libcurl has one code for a handshake that was refused and for one that was cut off; only the
   first is for a person to mend. */
static bool is_cut_handshake(const char *curl_text)
{
    return strstr(curl_text, "SSL_ERROR_SYSCALL") != NULL || strstr(curl_text, "eof") != NULL ||
           strstr(curl_text, "reset by peer") != NULL;
}

static enum http_failure_kind failure_kind(const struct http_transfer *transfer, CURLcode result)
{
    if (transfer->is_refused) {
        return HTTP_FAILURE_CANCELLED;
    }
    if (transfer->is_too_large || result == CURLE_FILESIZE_EXCEEDED) {
        return HTTP_FAILURE_TOO_LARGE;
    }
    if (result == CURLE_OPERATION_TIMEDOUT) {
        return HTTP_FAILURE_TIMEOUT;
    }
    if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
        result == CURLE_SSL_ISSUER_ERROR || result == CURLE_SSL_CIPHER ||
        result == CURLE_SSL_CERTPROBLEM) {
        return HTTP_FAILURE_TLS;
    }
    if (result == CURLE_SSL_CONNECT_ERROR && !is_cut_handshake(transfer->curl_text)) {
        return HTTP_FAILURE_TLS;
    }
    return transfer->was_sent ? HTTP_FAILURE_BROKEN : HTTP_FAILURE_CONNECT;
}

static enum error_code error_code_of(enum http_failure_kind kind)
{
    switch (kind) {
    case HTTP_FAILURE_CONNECT:
    case HTTP_FAILURE_TLS:
        return ERROR_UNAVAILABLE;
    case HTTP_FAILURE_TIMEOUT:
        return ERROR_TIMEOUT;
    case HTTP_FAILURE_BROKEN:
        return ERROR_PROTOCOL;
    case HTTP_FAILURE_TOO_LARGE:
        return ERROR_FULL;
    case HTTP_FAILURE_CANCELLED:
        return ERROR_CANCELLED;
    }
    return ERROR_SYSTEM;
}

static void complete_failed(struct http_transfer *transfer, CURLcode result)
{
    struct http_failure failure = {.kind = failure_kind(transfer, result),
                                   .was_sent = transfer->was_sent};
    const char *text =
        transfer->curl_text[0] != '\0' ? transfer->curl_text : curl_easy_strerror(result);
    if (failure.kind == HTTP_FAILURE_TOO_LARGE) {
        text = "the answer is too large";
    } else if (failure.kind == HTTP_FAILURE_CANCELLED) {
        text = "not sent: no longer allowed to";
    }
    error_set(&failure.error, error_code_of(failure.kind), "%s%s: %s", transfer->origin,
              transfer->has_proxy ? " (by way of the proxy)" : "", text);
    transfer->fn(transfer->arg, NULL, &failure);
}

void http_transfer_complete(struct http_transfer *transfer, CURLcode result)
{
    if (result != CURLE_OK) {
        complete_failed(transfer, result);
        return;
    }
    long status = 0;
    const char *content_type = NULL;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &content_type);
    struct http_response response = {
        .status = (int)status,
        .body = transfer->body.bytes,
        .body_size = transfer->body.size,
        .content_type = content_type == NULL ? "" : content_type,
        .retry_after = transfer->retry_after,
        .date = transfer->date,
    };
    transfer->fn(transfer->arg, &response, NULL);
}
