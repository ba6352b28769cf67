#include "tests/support/api_text.h"

#include "common/strbuf.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 64 * 1024 };

char *with_key(const char *text, const char *key)
{
    static const char mark[] = "{key}";
    struct strbuf result;
    strbuf_init(&result, TEXT_BYTES_MAX);
    const char *found = NULL;
    while ((found = strstr(text, mark)) != NULL) {
        strbuf_add(&result, text, (size_t)(found - text));
        strbuf_add_text(&result, key);
        text = found + sizeof mark - 1;
    }
    strbuf_add_text(&result, text);
    return strbuf_take(&result);
}
