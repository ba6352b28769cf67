/* A report for people: the job in one line, then each webhook. */
#ifndef OMNIHOOK_CLI_REPORT_H
#define OMNIHOOK_CLI_REPORT_H

#include <jansson.h>

/* report is the document of docs/http-api.md. */
void report_print(const json_t *report);

#endif
