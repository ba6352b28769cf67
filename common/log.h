/* One line an event on stderr: the event's name, then typed fields, as logfmt or JSON.

       log_warn("job_retry", log_text("job", id), log_int("delay_ms", delay_ms));

   Fields are typed values, not text to format: whatever an outsider puts into one, it stays one
   field of one line. Event and key names are literals in lower_case. A secret is never a field. */
#ifndef OMNIHOOK_COMMON_LOG_H
#define OMNIHOOK_COMMON_LOG_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

enum log_kind { LOG_KIND_END, LOG_KIND_TEXT, LOG_KIND_INT, LOG_KIND_BOOL };

struct log_field {
    const char *key;
    const char *text; /* borrowed until the line is written; NULL leaves the field out */
    int64_t number;
    enum log_kind kind;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text, .kind = LOG_KIND_TEXT};
}

static inline struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number, .kind = LOG_KIND_INT};
}

static inline struct log_field log_bool(const char *key, bool is_set)
{
    return (struct log_field){.key = key, .number = is_set, .kind = LOG_KIND_BOOL};
}

/* reason=<text>, or no field at all when err is NULL. */
static inline struct log_field log_reason(const struct error *err)
{
    return log_text("reason", err == NULL ? NULL : err->text);
}

/* For an event that has nothing to add. */
static inline struct log_field log_nothing(void)
{
    return log_text("", NULL);
}

#define log_debug(event, ...) LOG_LINE(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) LOG_LINE(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) LOG_LINE(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_LINE(LOG_ERROR, event, __VA_ARGS__)
#define LOG_LINE(level, event, ...)                                                                \
    log_write(level, event, (const struct log_field[]){__VA_ARGS__, {.kind = LOG_KIND_END}})

/* Writes one line if level is shown. fields ends with LOG_KIND_END. Use the macros above. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* From log_hold on, lines below LOG_WARN are kept until log_flush, so that a turn of the loop costs
   one write; what is above is written at once, after what is kept. log_release flushes, and then
   each line is written at once again. A program that ends in between loses what is kept. */
void log_hold(void);
void log_flush(void);
void log_release(void);

/* What is shown and how; info and logfmt until called. program is shown in each line (borrowed
   for ever: a literal). */
void log_setup(const char *program, enum log_level level, enum log_format format);

#endif
