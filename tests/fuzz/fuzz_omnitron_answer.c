/* Any bytes as what Omnitron answers: a page of the list, an error body, a link, a time to wait. */
#include "common/hook_rows.h"
#include "common/json_slice.h"
#include "common/mem.h"
#include "common/omnitron_next.h"
#include "common/omnitron_quote.h"
#include "common/retry_after.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Our check and jansson's differ only where it is told here. */
static void check_agreement(const char *text, size_t size, bool is_json)
{
    json_error_t why;
    json_t *tree = json_loadb(text, size, JSON_DECODE_ANY, &why);
    if (tree == NULL && is_json) {
        /* We take numbers of any size, and any four digits behind \u. */
        assert(json_error_code(&why) == json_error_numeric_overflow || strstr(text, "\\u") != NULL);
    }
    if (tree != NULL && !is_json) {
        /* It goes deeper, and takes 0 bytes behind the value. */
        assert(size > JSON_SLICE_DEPTH_MAX || memchr(text, '\0', size) != NULL);
    }
    json_decref(tree);
}

/* Every row is taken or refused; what is taken has its texts. */
static void check_rows(const struct json_slice *slice)
{
    struct hook_rows rows;
    hook_rows_init(&rows);
    hook_rows_start_reading(&rows);
    struct json_slice row;
    struct json_walk walk = json_walk_start(slice);
    while (json_walk_next(&walk, NULL, &row)) {
        assert(row.bytes >= slice->bytes && row.bytes + row.size < slice->bytes + slice->size);
        struct registered_hook hook;
        struct error err = {0};
        if (registered_hook_parse(&hook, &row, &err)) {
            assert(hook.event_type != NULL && hook.target_url != NULL);
            (void)hook_rows_take(&rows, &hook);
        } else {
            assert(err.code == ERROR_PROTOCOL || err.code == ERROR_BAD_INPUT);
        }
    }
    hook_rows_clear(&rows);
}

static void check_quote(const char *text, size_t size)
{
    const struct http_response response = {
        .status = 400, .body = text, .body_size = size, .content_type = "application/json"};
    struct redaction redaction = {0};
    redaction_add(&redaction, "s3cret");
    char quote[OMNITRON_QUOTE_SIZE];
    (void)omnitron_quote(quote, &response, &redaction);
    assert(strlen(quote) < OMNITRON_QUOTE_SIZE);
    assert(strstr(quote, "s3cret") == NULL);
    for (const char *c = quote; *c != '\0'; c++) {
        assert((unsigned char)*c >= ' ' && *c != 0x7f);
    }
    redaction_clear(&redaction);
}

static void check_next(const char *text)
{
    static const char hooks[] = "https://omnitron.example/whisperer/hooks/";
    struct error err;
    char *url = omnitron_next_url(hooks, text, &err);
    if (url != NULL) {
        assert(strncmp(url, hooks, strlen(hooks)) == 0 && url[strlen(hooks)] == '?');
        mem_free(url);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_copy_bytes(data, size);
    struct json_slice slice;
    bool is_json = json_slice_init(&slice, text, size);
    check_agreement(text, size, is_json);
    if (is_json) {
        check_rows(&slice);
    }
    check_quote(text, size);
    check_next(text);
    int64_t wait_ms = retry_after_ms(text, "", 1709208000000, 120000);
    assert(wait_ms >= RETRY_AFTER_NONE && wait_ms <= 120000);
    mem_free(text);
    return 0;
}
