#include "common/url.h"

#include "common/mem.h"
#include "common/secret.h"
#include "common/strbuf.h"

#include <ctype.h>
#include <curl/urlapi.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static void free_wiped(char *text)
{
    if (text != NULL) {
        secret_wipe(text, strlen(text));
        mem_free(text);
    }
}

/* A part as an owned text of ours; NULL when the URL has none. */
static char *take_part(CURLU *handle, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    if (curl_url_get(handle, part, &text, flags) != CURLUE_OK) {
        return NULL;
    }
    char *copy = mem_copy_text(text);
    secret_wipe(text, strlen(text));
    curl_free(text);
    return copy;
}

/* False when the part is there but decodes to a control byte. */
static bool take_decoded(CURLU *handle, CURLUPart part, char **decoded)
{
    char *encoded = take_part(handle, part, 0);
    *decoded = take_part(handle, part, CURLU_URLDECODE);
    bool is_good = (encoded == NULL) == (*decoded == NULL);
    free_wiped(encoded);
    return is_good;
}

/* The text behind "scheme://", NULL when it does not begin so. libcurl also takes one slash, or
   three, and no scheme at all. */
static const char *authority_of(const char *text)
{
    const char *c = text;
    while (isalnum((unsigned char)*c) || (c > text && (*c == '+' || *c == '-' || *c == '.'))) {
        c++;
    }
    return isalpha((unsigned char)text[0]) && strncmp(c, "://", 3) == 0 ? c + 3 : NULL;
}

static void lower(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
}

static void remove_brackets(char *host)
{
    size_t size = strlen(host);
    if (size > 2 && host[0] == '[') {
        memmove(host, host + 1, size - 2);
        host[size - 2] = '\0';
    }
}

/* text with a host put in where it has none ("unix:///path"): libcurl would take the first segment
   of the path for one. */
static char *with_some_host(const char *text, const char *authority, bool *has_host)
{
    *has_host = *authority != '\0' && strchr("/?#", *authority) == NULL;
    struct strbuf all;
    strbuf_init(&all, SIZE_MAX / 2);
    strbuf_add(&all, text, (size_t)(authority - text));
    strbuf_add_text(&all, *has_host ? "" : "none");
    strbuf_add_text(&all, authority);
    return strbuf_take(&all);
}

static bool take_parts(struct url *url, CURLU *handle, bool has_host)
{
    url->scheme = take_part(handle, CURLUPART_SCHEME, 0);
    url->host = has_host ? take_part(handle, CURLUPART_HOST, 0) : NULL;
    url->port = take_part(handle, CURLUPART_PORT, 0);
    url->path = take_part(handle, CURLUPART_PATH, 0);
    url->query = take_part(handle, CURLUPART_QUERY, 0);
    url->fragment = take_part(handle, CURLUPART_FRAGMENT, 0);
    if (url->scheme != NULL) {
        lower(url->scheme);
    }
    if (url->host != NULL) {
        remove_brackets(url->host);
    }
    bool is_user_good = take_decoded(handle, CURLUPART_USER, &url->user);
    return take_decoded(handle, CURLUPART_PASSWORD, &url->password) && is_user_good;
}

bool url_parse(struct url *url, const char *text, struct error *err)
{
    *url = (struct url){0};
    const char *authority = authority_of(text);
    if (authority == NULL) {
        return error_set(err, ERROR_BAD_INPUT, "not an absolute URL");
    }
    bool has_host;
    char *complete = with_some_host(text, authority, &has_host);
    CURLU *handle = curl_url();
    CURLUcode code =
        curl_url_set(handle, CURLUPART_URL, complete, CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS);
    free_wiped(complete);
    bool is_good = code == CURLUE_OK && take_parts(url, handle, has_host);
    curl_url_cleanup(handle);
    if (!is_good) {
        url_clear(url);
        return error_set(err, ERROR_BAD_INPUT, "not a URL: %s",
                         code == CURLUE_OK ? "bad percent-encoding" : curl_url_strerror(code));
    }
    return true;
}

void url_clear(struct url *url)
{
    mem_free(url->scheme);
    mem_free(url->user);
    free_wiped(url->password);
    mem_free(url->host);
    mem_free(url->port);
    mem_free(url->path);
    mem_free(url->query);
    mem_free(url->fragment);
    *url = (struct url){0};
}

static bool same_part(CURLU *left, CURLU *right, CURLUPart part, unsigned flags)
{
    char *left_text = take_part(left, part, flags);
    char *right_text = take_part(right, part, flags);
    bool is_same = left_text == NULL || right_text == NULL ? left_text == right_text
                                                           : strcasecmp(left_text, right_text) == 0;
    free_wiped(left_text);
    free_wiped(right_text);
    return is_same;
}

static bool same_origin(CURLU *left, CURLU *right)
{
    return same_part(left, right, CURLUPART_SCHEME, 0) &&
           same_part(left, right, CURLUPART_HOST, 0) &&
           same_part(left, right, CURLUPART_PORT, CURLU_DEFAULT_PORT) &&
           same_part(left, right, CURLUPART_USER, 0) &&
           same_part(left, right, CURLUPART_PASSWORD, 0);
}

/* "" and "#fragment" mean base itself; libcurl would drop base's last segment and its query. */
static bool set_reference(CURLU *handle, const char *reference)
{
    if (reference[0] == '\0' || reference[0] == '#') {
        const char *fragment = reference[0] == '#' ? reference + 1 : NULL;
        return curl_url_set(handle, CURLUPART_FRAGMENT, fragment, 0) == CURLUE_OK;
    }
    return curl_url_set(handle, CURLUPART_URL, reference, 0) == CURLUE_OK;
}

char *url_resolve(const char *base, const char *reference, struct error *err)
{
    char *resolved = NULL;
    CURLU *from = curl_url();
    CURLU *to = curl_url();
    if (curl_url_set(from, CURLUPART_URL, base, 0) != CURLUE_OK ||
        curl_url_set(to, CURLUPART_URL, base, 0) != CURLUE_OK) {
        error_set(err, ERROR_BAD_INPUT, "the base is not an absolute URL");
    } else if (!set_reference(to, reference)) {
        error_set(err, ERROR_BAD_INPUT, "not a URL or a relative reference");
    } else if (!same_origin(from, to)) {
        error_set(err, ERROR_BAD_INPUT, "leaves the origin of its base");
    } else {
        resolved = take_part(to, CURLUPART_URL, 0);
    }
    curl_url_cleanup(from);
    curl_url_cleanup(to);
    return resolved;
}

char *url_with_query_of(const char *base, const char *other)
{
    const char *query = strchr(other, '?');
    if (query == NULL || strcspn(other, "#") < (size_t)(query - other)) {
        return NULL;
    }
    struct strbuf url;
    strbuf_init(&url, SIZE_MAX / 2);
    strbuf_add(&url, base, strcspn(base, "?#"));
    strbuf_add(&url, query, strcspn(query, "#"));
    return strbuf_take(&url);
}
