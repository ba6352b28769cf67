#include "common/faults.h"

#include "common/mem.h"
#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FAULT_MAX_BYTES = 1024 };

static const char more_format[] = "… and %zu more";

/* One line, whatever names from a file are in it. */
static char *PRINTF_LIKE(1, 0) make_line(const char *format, va_list args)
{
    char line[FAULT_MAX_BYTES];
    (void)vsnprintf(line, sizeof line, format, args);
    text_make_plain(line);
    return mem_copy_text(line);
}

void faults_add(struct faults *faults, const char *format, ...)
{
    if (faults->count < FAULTS_SHOWN_MAX) {
        va_list args;
        va_start(args, format);
        faults->lines[faults->count] = make_line(format, args);
        va_end(args);
    }
    faults->count++;
}

/* In the line behind the last one that is shown. */
static void count_more_warnings(struct faults *faults)
{
    char line[64];
    (void)snprintf(line, sizeof line, more_format, ++faults->more_warnings);
    mem_free(faults->warnings[FAULTS_SHOWN_MAX]);
    faults->warnings[FAULTS_SHOWN_MAX] = mem_copy_text(line);
    faults->warning_count = FAULTS_SHOWN_MAX + 1;
}

void faults_warn(struct faults *faults, const char *format, ...)
{
    if (faults->warning_count >= FAULTS_SHOWN_MAX) {
        count_more_warnings(faults);
        return;
    }
    if (faults->warnings == NULL) {
        faults->warnings = mem_new(FAULTS_SHOWN_MAX + 1, sizeof *faults->warnings);
    }
    va_list args;
    va_start(args, format);
    faults->warnings[faults->warning_count++] = make_line(format, args);
    va_end(args);
}

void faults_print(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count && i < FAULTS_SHOWN_MAX; i++) {
        (void)fprintf(stderr, "%s\n", faults->lines[i]);
    }
    if (faults->count > FAULTS_SHOWN_MAX) {
        (void)fprintf(stderr, more_format, faults->count - FAULTS_SHOWN_MAX);
        (void)fputc('\n', stderr);
    }
}

void faults_clear(struct faults *faults)
{
    for (size_t i = 0; i < FAULTS_SHOWN_MAX; i++) {
        mem_free(faults->lines[i]);
    }
    for (size_t i = 0; i < faults->warning_count; i++) {
        mem_free(faults->warnings[i]);
    }
    mem_free(faults->warnings);
    *faults = (struct faults){0};
}
