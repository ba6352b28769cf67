#include "common/json_text.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <string.h>

enum { PATH_MAX_BYTES = 2048, PATH_SHOWN_BYTES = 512, KEY_SHOWN_MAX = 128 };

/* jansson's own texts quote what they met. */
static const char *describe(enum json_error_code code)
{
    static const struct {
        enum json_error_code code;
        const char *text;
    } texts[] = {
        {json_error_premature_end_of_input, "the JSON ends too early"},
        {json_error_end_of_input_expected, "something follows after the end of the JSON"},
        {json_error_invalid_utf8, "must be UTF-8"},
        {json_error_null_character, "\\u0000 is not allowed"},
        {json_error_null_byte_in_key, "\\u0000 is not allowed"},
        {json_error_numeric_overflow, "the number is too large"},
        {json_error_stack_overflow, "the JSON is nested too deeply"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].code == code) {
            return texts[i].text;
        }
    }
    return "must be valid JSON";
}

/* One open object or array on the way to a position. */
struct level {
    bool is_array;
    bool expects_key;
    size_t index;    /* of the element, in an array */
    const char *key; /* in the text, still escaped; NULL before the first one */
    size_t key_size;
    bool
        has_colon; /* behind the key: before, it may be anything in the wrong place, a secret too */
};

struct path_scan {
    struct level *levels;
    size_t depth;
    size_t capacity;
};

static void push(struct path_scan *scan, bool is_array)
{
    if (scan->depth == scan->capacity) {
        scan->capacity = scan->capacity * 2 + 16;
        scan->levels = mem_resize(scan->levels, scan->capacity, sizeof *scan->levels);
    }
    scan->levels[scan->depth++] = (struct level){.is_array = is_array, .expects_key = !is_array};
}

/* The string that begins at text + at: remembered when it is a key. Returns where it ends. */
static size_t skip_string(struct path_scan *scan, const char *text, size_t at, size_t end)
{
    size_t start = ++at;
    while (at < end && text[at] != '"') {
        at += text[at] == '\\' ? 2 : 1;
    }
    struct level *top = scan->depth == 0 ? NULL : &scan->levels[scan->depth - 1];
    if (top != NULL && top->expects_key && at < end) {
        top->key = text + start;
        top->key_size = at - start;
        top->expects_key = false;
        top->has_colon = false;
    }
    return at;
}

static void scan_mark(struct path_scan *scan, char mark)
{
    struct level *top = scan->depth == 0 ? NULL : &scan->levels[scan->depth - 1];
    if (mark == '{' || mark == '[') {
        push(scan, mark == '[');
    } else if ((mark == '}' || mark == ']') && top != NULL) {
        scan->depth--;
    } else if (mark == ',' && top != NULL) {
        top->index++;
        top->expects_key = !top->is_array;
    } else if (mark == ':' && top != NULL) {
        top->has_colon = true;
    }
}

static void add_level(struct strbuf *path, const struct level *level, bool is_key_sure)
{
    int size = level->key_size < KEY_SHOWN_MAX ? (int)level->key_size : KEY_SHOWN_MAX;
    if (level->is_array) {
        strbuf_addf(path, "[%zu]", level->index);
    } else if (level->key != NULL && (is_key_sure || level->has_colon)) {
        strbuf_addf(path, "%s%.*s", path->size == 0 ? "" : ".", size, level->key);
    }
}

/* The path of what ends at text + end, as far as the JSON before that tells. */
static char *path_at(const char *text, size_t end, const char *root, bool is_key)
{
    struct path_scan scan = {0};
    for (size_t at = 0; at < end; at++) {
        if (text[at] == '"') {
            at = skip_string(&scan, text, at, end);
        } else {
            scan_mark(&scan, text[at]);
        }
    }
    struct strbuf path;
    strbuf_init(&path, PATH_MAX_BYTES);
    strbuf_add_text(&path, root);
    for (size_t i = 0; i < scan.depth && path.size < PATH_SHOWN_BYTES; i++) {
        add_level(&path, &scan.levels[i], is_key);
    }
    if (path.size >= PATH_SHOWN_BYTES) {
        strbuf_add_text(&path, "…"); /* what is wrong there must have room in the line, too */
    }
    mem_free(scan.levels);
    return strbuf_take(&path);
}

/* What jansson says of text that does not begin as it must would be no help. */
static const char *describe_start(const struct secret *text)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    size_t at = 0;
    while (at < text->size && strchr(" \t\r\n", text->value[at]) != NULL) {
        at++;
    }
    if (at == text->size) {
        return "is empty";
    }
    if (strncmp(text->value, byte_order_mark, sizeof byte_order_mark - 1) == 0) {
        return "must not begin with a byte order mark";
    }
    return text->value[at] == '{' || text->value[at] == '[' ? NULL : "must begin with { or [";
}

json_t *json_text_decode(const struct secret *text, const char *place, const char *root,
                         struct faults *faults)
{
    json_error_t err;
    json_t *value = json_loadb(text->value, text->size, JSON_REJECT_DUPLICATES, &err);
    if (value != NULL) {
        return value;
    }
    enum json_error_code code = json_error_code(&err);
    bool is_duplicate = code == json_error_duplicate_key;
    const char *what = is_duplicate ? "duplicate key" : describe(code);
    const char *start = describe_start(text);
    if (start != NULL) {
        faults_add(faults, "%s: %s", place, start);
        return NULL;
    }
    char *path = path_at(text->value, (size_t)err.position, root, is_duplicate);
    if (is_duplicate || code == json_error_null_character || code == json_error_numeric_overflow) {
        /* Well-formed: it is this member that is wrong. */
        faults_add(faults, "%s: %s (line %d, column %d)", path, what, err.line, err.column);
        value = json_loadb(text->value, text->size, JSON_ALLOW_NUL, NULL);
    } else {
        bool is_root = strcmp(path, root) == 0;
        faults_add(faults, "%s: line %d, column %d: %s%s%s", place, err.line, err.column, what,
                   is_root ? "" : ", in ", is_root ? "" : path);
    }
    mem_free(path);
    return value;
}
