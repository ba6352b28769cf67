#include "common/omnitron_next.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "common/url.h"

#include <stdint.h>
#include <string.h>

/* Where the path of a link starts, whatever stands for its origin. */
static const char *skip_origin(const char *next)
{
    if (next[0] == '{') {
        const char *end = strchr(next, '}');
        return end == NULL ? next : end + 1;
    }
    size_t before_query = strcspn(next, "?#");
    const char *mark = strstr(next, "//");
    bool has_origin =
        mark != NULL && (size_t)(mark - next) < before_query && (mark == next || mark[-1] == ':');
    return has_origin ? mark + 2 + strcspn(mark + 2, "/?#") : next;
}

/* An origin alone means "/". */
static char *copy_path(const char *next)
{
    const char *path = skip_origin(next);
    size_t size = strcspn(path, "?#");
    if (size == 0 && path != next) {
        return mem_copy_text("/");
    }
    return mem_copy_bytes(path, size);
}

static bool is_same_path(const char *left, const char *right)
{
    size_t size = strcspn(left, "?#");
    return size == strcspn(right, "?#") && strncmp(left, right, size) == 0;
}

/* What cannot stand in a request line. Raw bytes above ASCII can, as servers send them. */
static bool has_space_or_control(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c > ' ' && *c != 0x7f) {
        c++;
    }
    return *c != '\0';
}

char *omnitron_next_url(const char *hooks_url, const char *next, struct error *err)
{
    if (has_space_or_control(next)) {
        error_set(err, ERROR_PROTOCOL, "the link to the next page is no link");
        return NULL;
    }
    char *path = copy_path(next);
    char *there = url_resolve(hooks_url, path, NULL);
    char *here = url_resolve(hooks_url, "", NULL);
    mem_free(path);
    bool is_ours = there != NULL && here != NULL && is_same_path(here, there);
    mem_free(there);
    mem_free(here);
    if (!is_ours) {
        error_set(err, ERROR_PROTOCOL, "the link to the next page leads to another path");
        return NULL;
    }
    char *url = url_with_query_of(hooks_url, next);
    if (url == NULL) {
        error_set(err, ERROR_PROTOCOL, "the link to the next page has no query");
    }
    return url;
}

/* Where the value of the first parameter "page" behind at stands; NULL when there is none. */
static const char *find_page(const char *at)
{
    static const char name[] = "page=";
    at += strcspn(at, "?&");
    while (*at != '\0' && strncmp(at + 1, name, strlen(name)) != 0) {
        at++;
        at += strcspn(at, "&");
    }
    return *at == '\0' ? NULL : at + 1 + strlen(name);
}

/* The same, of the only such parameter, and when it is 2. */
static const char *find_page_2(const char *url)
{
    const char *value = find_page(url + strcspn(url, "?"));
    bool is_page_2 = value != NULL && value[0] == '2' && (value[1] == '\0' || value[1] == '&');
    return is_page_2 && find_page(value) == NULL ? value : NULL;
}

char *omnitron_page_url(const char *second_url, unsigned page)
{
    const char *value = find_page_2(second_url);
    if (value == NULL) {
        return NULL;
    }
    struct strbuf url;
    strbuf_init(&url, SIZE_MAX / 2);
    strbuf_addf(&url, "%.*s%u%s", (int)(value - second_url), second_url, page, value + 1);
    return strbuf_take(&url);
}
