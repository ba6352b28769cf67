#include "common/log.h"

#include "common/now.h"
#include "common/own_pid.h"
#include "common/strbuf.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192, TEXT_MAX_BYTES = 2048, HELD_MAX_BYTES = PIPE_BUF };

static struct {
    const char *program;
    enum log_level level;
    enum log_format format;
    bool is_holding;
    /* The line that is made, and those that are not written yet. Both keep their memory. */
    struct strbuf line, held;
    /* How the last line began. Of many in one millisecond the next begins in the same way. */
    struct strbuf head;
    int64_t head_ms; /* -1 = not to be used again */
    enum log_level head_level;
    pid_t head_pid;
} logger = {.program = "omnihook",
            .level = LOG_INFO,
            .format = LOG_LOGFMT,
            .held = {.max = HELD_MAX_BYTES},
            .head = {.max = LINE_MAX_BYTES},
            .head_ms = -1};

void log_setup(const char *program, enum log_level level, enum log_format format)
{
    logger.program = program;
    logger.level = level;
    logger.format = format;
    logger.head_ms = -1;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

/* For each byte, whether a value in logfmt may have it without quotes. */
static const bool *plain_bytes(void)
{
    static bool is_plain[UCHAR_MAX + 1];
    if (!is_plain['a']) {
        for (int c = ' ' + 1; c < 0x7f; c++) {
            is_plain[c] = strchr("\"=\\", c) == NULL;
        }
    }
    return is_plain;
}

static bool needs_quotes(const char *text)
{
    if (text[0] == '\0') {
        return true;
    }
    const bool *is_plain = plain_bytes();
    const unsigned char *c = (const unsigned char *)text;
    while (is_plain[*c]) {
        c++;
    }
    return *c != '\0';
}

/* A quoted string that is valid in both formats: control bytes and what is not ASCII become \u
   escapes of the single byte, so that a line is always printable and never two lines. */
static void add_quoted(struct strbuf *line, const char *text)
{
    strbuf_add_text(line, "\"");
    size_t left = TEXT_MAX_BYTES;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0' && left > 0;
         c++, left--) {
        if (*c == '"' || *c == '\\') {
            char escaped[2] = {'\\', (char)*c};
            strbuf_add(line, escaped, sizeof escaped);
        } else if (*c < ' ' || *c >= 0x7f) {
            strbuf_addf(line, "\\u%04x", *c);
        } else {
            strbuf_add(line, c, 1);
        }
    }
    strbuf_add_text(line, left == 0 ? "...\"" : "\"");
}

static void add_key(struct strbuf *line, const char *key)
{
    bool is_json = logger.format == LOG_JSON;
    if (line->size == 0) {
        strbuf_add_text(line, is_json ? "{\"" : "");
    } else {
        strbuf_add_text(line, is_json ? ",\"" : " ");
    }
    strbuf_add_text(line, key);
    strbuf_add_text(line, is_json ? "\":" : "=");
}

static void add_text(struct strbuf *line, const char *key, const char *text)
{
    add_key(line, key);
    if (logger.format == LOG_JSON || needs_quotes(text)) {
        add_quoted(line, text);
    } else {
        strbuf_add(line, text, strnlen(text, TEXT_MAX_BYTES));
    }
}

static void add_field(struct strbuf *line, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_KIND_TEXT:
        if (field->text != NULL) {
            add_text(line, field->key, field->text);
        }
        return;
    case LOG_KIND_INT:
        add_key(line, field->key);
        strbuf_add_int(line, field->number);
        return;
    case LOG_KIND_BOOL:
        add_key(line, field->key);
        strbuf_add_text(line, field->number != 0 ? "true" : "false");
        return;
    case LOG_KIND_END:
        return;
    }
}

/* One write for whole lines, of no more than a pipe takes in one piece (but for a line that is
   longer alone), so that lines of several processes do not mix. A full pipe or a closed stderr
   loses them: logging never stops the service. */
static void write_out(struct strbuf *lines)
{
    if (lines->size > 0 && write(STDERR_FILENO, lines->bytes, lines->size) < 0) {
        /* there is nowhere to say so */
    }
    strbuf_reset(lines);
}

void log_hold(void)
{
    logger.is_holding = true;
}

void log_flush(void)
{
    write_out(&logger.held);
}

void log_release(void)
{
    logger.is_holding = false;
    log_flush();
}

static const struct strbuf *head_of(enum log_level level)
{
    int64_t now_ms = now_wall_ms();
    if (logger.head_ms == now_ms && logger.head_level == level && logger.head_pid == own_pid()) {
        return &logger.head;
    }
    char time[NOW_ISO_SIZE];
    logger.head_ms = now_ms;
    logger.head_level = level;
    logger.head_pid = own_pid();
    strbuf_reset(&logger.head);
    add_text(&logger.head, "time", now_iso(time, now_ms));
    add_text(&logger.head, "level", level_name(level));
    add_text(&logger.head, "program", logger.program);
    add_key(&logger.head, "pid");
    strbuf_add_int(&logger.head, logger.head_pid);
    return &logger.head;
}

/* In place of what line holds. */
static void print_line(enum log_level level, const char *event, const struct log_field *fields)
{
    const struct strbuf *head = head_of(level);
    strbuf_reset(&logger.line);
    logger.line.max = LINE_MAX_BYTES;
    strbuf_add(&logger.line, head->bytes, head->size);
    add_text(&logger.line, "event", event);
    for (const struct log_field *field = fields; field->kind != LOG_KIND_END; field++) {
        size_t before = logger.line.size;
        add_field(&logger.line, field);
        if (logger.line.is_full) { /* a field is in the line as a whole or not at all */
            logger.line.size = before;
            logger.line.is_full = false;
        }
    }
    logger.line.max += 2;
    strbuf_add_text(&logger.line, logger.format == LOG_JSON ? "}\n" : "\n");
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (level < logger.level) {
        return;
    }
    print_line(level, event, fields);
    if (!strbuf_add(&logger.held, logger.line.bytes, logger.line.size)) {
        log_flush();
        logger.held.max = HELD_MAX_BYTES > logger.line.size ? HELD_MAX_BYTES : logger.line.size;
        strbuf_add(&logger.held, logger.line.bytes, logger.line.size);
    }
    if (!logger.is_holding || level >= LOG_WARN) {
        log_flush();
    }
}
