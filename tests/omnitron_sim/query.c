#include "tests/omnitron_sim/query.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 1 << 20 };

static char *decoded(const char *text, size_t size)
{
    char *copy = mem_copy_bytes(text, size);
    size_t plain_size = 0;
    char *plain = evhttp_uridecode(copy, 1, &plain_size);
    mem_free(copy);
    return plain == NULL ? mem_copy_text("") : plain;
}

static void add_pair(struct query *query, const char *text, size_t size)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals == NULL ? size : (size_t)(equals - text);
    query->pairs = mem_resize(query->pairs, query->count + 1, sizeof *query->pairs);
    query->pairs[query->count++] = (struct query_pair){
        .name = decoded(text, name_size),
        .value = equals == NULL ? mem_copy_text("") : decoded(equals + 1, size - name_size - 1),
    };
}

void query_parse(struct query *query, const char *text)
{
    *query = (struct query){0};
    while (text != NULL && *text != '\0') {
        size_t size = strcspn(text, "&");
        if (size > 0) {
            add_pair(query, text, size);
        }
        text += size;
        text += *text == '&';
    }
}

void query_clear(struct query *query)
{
    for (size_t i = 0; i < query->count; i++) {
        mem_free(query->pairs[i].name);
        mem_free(query->pairs[i].value);
    }
    mem_free(query->pairs);
    *query = (struct query){0};
}

const char *query_get(const struct query *query, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < query->count; i++) {
        if (strcmp(query->pairs[i].name, name) == 0) {
            value = query->pairs[i].value;
        }
    }
    return value;
}

bool query_has(const struct query *query, const char *name)
{
    const char *value = query_get(query, name);
    return value != NULL && *value != '\0';
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct query_pair *)left)->name,
                  ((const struct query_pair *)right)->name);
}

static void add_encoded(struct strbuf *text, const char *plain)
{
    char *encoded = evhttp_uriencode(plain, -1, 1);
    strbuf_add_text(text, encoded);
    mem_free(encoded);
}

char *query_with(const struct query *query, const char *name, const char *value)
{
    struct query_pair *pairs = mem_new(query->count + 1, sizeof *pairs);
    size_t count = 0;
    for (size_t i = 0; i < query->count; i++) {
        if (strcmp(query->pairs[i].name, name) != 0) {
            pairs[count++] = query->pairs[i];
        }
    }
    char *name_copy = mem_copy_text(name);
    char *value_copy = mem_copy_text(value);
    if (value != NULL) {
        pairs[count++] = (struct query_pair){.name = name_copy, .value = value_copy};
    }
    qsort(pairs, count, sizeof *pairs, by_name);
    struct strbuf text;
    strbuf_init(&text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        strbuf_add_text(&text, i == 0 ? "" : "&");
        add_encoded(&text, pairs[i].name);
        strbuf_add_text(&text, "=");
        add_encoded(&text, pairs[i].value);
    }
    mem_free(name_copy);
    mem_free(value_copy);
    mem_free(pairs);
    return strbuf_take(&text);
}
