#include "common/faults.h"

#include "common/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FAULT_MAX_BYTES = 1024 };

/* A line on its own whatever names from a file are in it: control bytes would break it in two or
   reach the terminal. */
static char *copy_line(char *line)
{
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
    }
    return mem_copy_text(line);
}

void faults_add(struct faults *faults, const char *format, ...)
{
    if (faults->count < FAULTS_SHOWN_MAX) {
        char line[FAULT_MAX_BYTES];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(line, sizeof line, format, args);
        va_end(args);
        faults->lines[faults->count] = copy_line(line);
    }
    faults->count++;
}

void faults_warn(struct faults *faults, const char *format, ...)
{
    if (faults->warning_count == FAULTS_SHOWN_MAX) {
        return;
    }
    if (faults->warnings == NULL) {
        faults->warnings = mem_new(FAULTS_SHOWN_MAX, sizeof *faults->warnings);
    }
    char line[FAULT_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    faults->warnings[faults->warning_count++] = copy_line(line);
}

void faults_print(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count && i < FAULTS_SHOWN_MAX; i++) {
        (void)fprintf(stderr, "%s\n", faults->lines[i]);
    }
    if (faults->count > FAULTS_SHOWN_MAX) {
        (void)fprintf(stderr, "… and %zu more\n", faults->count - FAULTS_SHOWN_MAX);
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
