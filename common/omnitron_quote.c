#include "common/omnitron_quote.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    FLAT_MAX = 4096,         /* of a flattened body; what is longer is left out, never cut */
    BODY_QUOTED_MAX = 65536, /* a larger body is not looked into for a message */
    DEPTH_MAX = 8,
    PATH_MAX_BYTES = 200,
    LAST_WORD_MIN = 8,
    TYPE_QUOTED_MAX = 40,
};

/* ---- Redaction ---- */

static void add_one(struct redaction *redaction, const char *text)
{
    redaction->texts = mem_resize(redaction->texts, redaction->count + 1, sizeof *redaction->texts);
    redaction->texts[redaction->count++] = text;
}

void redaction_add(struct redaction *redaction, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    add_one(redaction, text);
    /* Of "Token 9f86d081..." the last word alone is as secret. */
    const char *space = strrchr(text, ' ');
    if (space != NULL && strlen(space + 1) >= LAST_WORD_MIN) {
        add_one(redaction, space + 1);
    }
}

void redaction_add_json(struct redaction *redaction, json_t *value)
{
    redaction_add(redaction, json_string_value(value));
    size_t index = 0;
    json_t *element = NULL;
    json_array_foreach(value, index, element)
    {
        redaction_add_json(redaction, element);
    }
    const char *key = NULL;
    json_object_foreach(value, key, element)
    {
        redaction_add_json(redaction, element);
    }
}

void redaction_add_account(struct redaction *redaction, const struct account *account)
{
    redaction_add(redaction, account->omnitron.token.value);
    redaction_add(redaction, account->omnitron.password.value);
}

void redaction_add_webhook(struct redaction *redaction, const struct webhook *webhook)
{
    if (webhook == NULL) {
        return;
    }
    redaction_add(redaction, webhook->secret_key.value);
    redaction_add_json(redaction, webhook->additional_headers);
    redaction_add_json(redaction, json_object_get(webhook->config, "auth"));
}

void redaction_clear(struct redaction *redaction)
{
    mem_free(redaction->texts);
    *redaction = (struct redaction){0};
}

/* The length of the longest secret that starts here; 0 = none. */
static size_t secret_at(const char *at, const struct redaction *redaction)
{
    size_t longest = 0;
    for (size_t i = 0; i < redaction->count; i++) {
        size_t size = strlen(redaction->texts[i]);
        if (size > longest && strncmp(at, redaction->texts[i], size) == 0) {
            longest = size;
        }
    }
    return longest;
}

/* Copies flat to text without secrets and control characters, cut between two characters. */
static void copy_redacted(char text[OMNITRON_QUOTE_SIZE], const char *flat,
                          const struct redaction *redaction)
{
    size_t used = 0;
    const char *at = flat;
    while (*at != '\0' && used < OMNITRON_QUOTE_MAX) {
        size_t secret = secret_at(at, redaction);
        if (secret > 0) {
            used += (size_t)snprintf(text + used, OMNITRON_QUOTE_SIZE - used, "***");
            at += secret;
            continue;
        }
        bool is_control = (unsigned char)*at < ' ' || *at == 0x7f;
        text[used] = *at;
        if (is_control) {
            text[used] = ' ';
        }
        used++;
        at++;
    }
    bool is_cut = *at != '\0' || used > OMNITRON_QUOTE_MAX;
    used = used > OMNITRON_QUOTE_MAX ? OMNITRON_QUOTE_MAX : used;
    /* Not in the middle of a character: back to its first byte. */
    while (used > 0 && at > flat && ((unsigned char)*at & 0xc0) == 0x80) {
        used--;
        at--;
    }
    (void)snprintf(text + used, OMNITRON_QUOTE_SIZE - used, "%s", is_cut ? "..." : "");
}

/* ---- Flattening ---- */

struct flattening {
    struct strbuf flat;
    struct strbuf path; /* "config.auth" */
};

static void cut_back(struct strbuf *buffer, size_t size)
{
    if (buffer->size > size) {
        buffer->size = size;
        buffer->bytes[size] = '\0';
    }
}

/* All of a message or nothing: half a secret would not be recognised. */
static void add_message(struct flattening *to, const char *message)
{
    size_t size = to->flat.size;
    bool is_added = (size == 0 || strbuf_add_text(&to->flat, "; ")) &&
                    (to->path.size == 0 || strbuf_addf(&to->flat, "%s: ", to->path.bytes)) &&
                    strbuf_add_text(&to->flat, message);
    if (!is_added) {
        cut_back(&to->flat, size);
    }
}

/* "detail" and "non_field_errors" name no field: their messages stand alone. */
static bool names_a_field(const struct flattening *to, const char *key)
{
    return to->path.size > 0 ||
           (strcmp(key, "detail") != 0 && strcmp(key, "non_field_errors") != 0);
}

/* Django REST framework has the messages about a field in an array. A plain text under a key is
   data, perhaps somebody's secret (a row of the list, a login's token), but for these keys. */
static bool holds_words(const char *key)
{
    static const char *const keys[] = {"detail", "code",  "en",    "message",
                                       "error",  "title", "reason"};
    size_t i = 0;
    while (i < sizeof keys / sizeof keys[0] && strcmp(key, keys[i]) != 0) {
        i++;
    }
    return i < sizeof keys / sizeof keys[0];
}

static void flatten(struct flattening *to, json_t *value, int depth)
{
    if (depth > DEPTH_MAX) {
        return;
    }
    if (json_is_string(value)) {
        add_message(to, json_string_value(value));
        return;
    }
    size_t index = 0;
    json_t *element = NULL;
    json_array_foreach(value, index, element)
    {
        flatten(to, element, depth + 1);
    }
    const char *key = NULL;
    json_object_foreach(value, key, element)
    {
        if (json_is_string(element) && !holds_words(key)) {
            continue;
        }
        size_t size = to->path.size;
        if (names_a_field(to, key)) {
            strbuf_addf(&to->path, "%s%s", size == 0 ? "" : ".", key);
        }
        flatten(to, element, depth + 1);
        cut_back(&to->path, size);
    }
}

/* Cut to size, 0 byte included. Names of types are ASCII. */
static void copy_printable(char *copy, const char *text, size_t size)
{
    size_t used = 0;
    for (; text[used] != '\0' && used < size - 1; used++) {
        copy[used] = text[used];
        if (text[used] < ' ' || text[used] >= 0x7f) {
            copy[used] = '?';
        }
    }
    copy[used] = '\0';
}

static bool says_json(const struct http_response *response, struct error *err)
{
    const char *type = response->content_type;
    size_t type_size = strcspn(type, "; ");
    bool is_json = type_size == 0 ||
                   (type_size == 16 && strncasecmp(type, "application/json", 16) == 0) ||
                   (type_size > 5 && strncasecmp(type + type_size - 5, "+json", 5) == 0);
    if (is_json) {
        return true;
    }
    char shown[TYPE_QUOTED_MAX + 1];
    copy_printable(shown, type, sizeof shown);
    return error_set(err, ERROR_PROTOCOL, "not JSON but %s", shown);
}

bool omnitron_read_body(const struct http_response *response, struct json_slice *body,
                        struct error *err)
{
    return says_json(response, err) &&
           (json_slice_init(body, response->body, response->body_size) ||
            error_set(err, ERROR_PROTOCOL, "not valid JSON"));
}

json_t *omnitron_parse_body(const struct http_response *response, struct error *err)
{
    if (!says_json(response, err)) {
        return NULL;
    }
    json_t *body = json_loadb(response->body, response->body_size, JSON_DECODE_ANY, NULL);
    if (body == NULL) {
        /* Without jansson's words: they quote the bytes around the mistake. */
        error_set(err, ERROR_PROTOCOL, "not valid JSON");
    }
    return body;
}

/* Of a body that is small enough to be a message. */
static json_t *parse_small(const struct http_response *response)
{
    if (response->body_size > BODY_QUOTED_MAX) {
        return NULL;
    }
    return omnitron_parse_body(response, NULL);
}

char *omnitron_quote(char text[OMNITRON_QUOTE_SIZE], const struct http_response *response,
                     const struct redaction *redaction)
{
    text[0] = '\0';
    json_t *body = parse_small(response);
    if (body != NULL) {
        struct flattening to;
        strbuf_init(&to.flat, FLAT_MAX);
        strbuf_init(&to.path, PATH_MAX_BYTES);
        flatten(&to, body, 0);
        copy_redacted(text, to.flat.bytes, redaction);
        strbuf_clear(&to.flat);
        strbuf_clear(&to.path);
        json_decref(body);
    }
    return text;
}

bool omnitron_has_code(const struct http_response *response, const char *code)
{
    json_t *body = parse_small(response);
    const char *found = json_string_value(json_object_get(body, "code"));
    bool has_code = found != NULL && strcmp(found, code) == 0;
    json_decref(body);
    return has_code;
}

bool omnitron_is_rest_refusal(const struct http_response *response)
{
    json_t *body = parse_small(response);
    bool is_refusal = json_is_string(json_object_get(body, "detail"));
    json_decref(body);
    return is_refusal;
}
