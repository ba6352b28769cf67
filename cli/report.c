#include "cli/report.h"

#include "cli/cli.h"
#include "cli/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum tone tone_of_outcome(const char *outcome)
{
    if (strcmp(outcome, "failed") == 0) {
        return TONE_BAD;
    }
    bool is_change = strcmp(outcome, "created") == 0 || strcmp(outcome, "reactivated") == 0 ||
                     strcmp(outcome, "updated") == 0;
    return is_change ? TONE_GOOD : TONE_QUIET;
}

static void print_webhook(const json_t *webhook)
{
    const char *outcome = cli_text_of(webhook, "outcome");
    const char *error = cli_text_of(webhook, "error");
    terminal_tone(stdout, tone_of_outcome(outcome));
    (void)printf("%-11s", outcome);
    terminal_tone(stdout, TONE_PLAIN);
    (void)printf(" %s -> %s%s%s\n", cli_text_of(webhook, "event_type"),
                 cli_text_of(webhook, "target_url"), error[0] == '\0' ? "" : ": ", error);
}

static void print_job(const json_t *report)
{
    const char *state = cli_text_of(report, "state");
    const char *error = cli_text_of(report, "error");
    terminal_tone(stdout, tone_of_state(state));
    (void)printf("%s", state);
    terminal_tone(stdout, TONE_PLAIN);
    (void)printf("  job %s, attempt %" PRId64 " of %" PRId64 ", %" PRId64 " of %" PRId64
                 " webhooks done\n",
                 cli_text_of(report, "job"), cli_number_of(report, "attempt"),
                 cli_number_of(report, "attempts"), cli_number_of(report, "done"),
                 cli_number_of(report, "total"));
    static const char *const times[] = {"enqueued_at", "started_at", "finished_at",
                                        "next_attempt_at"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (cli_text_of(report, times[i])[0] != '\0') {
            (void)printf("  %-15s %s\n", times[i], cli_text_of(report, times[i]));
        }
    }
    if (error[0] != '\0') {
        (void)printf("  %-15s %s\n", "error", error);
    }
}

void report_print(const json_t *report)
{
    size_t i;
    const json_t *row;
    print_job(report);
    json_array_foreach(json_object_get(report, "webhooks"), i, row)
    {
        print_webhook(row);
    }
    json_array_foreach(json_object_get(report, "warnings"), i, row)
    {
        (void)printf("warning: %s: %s\n", cli_text_of(row, "warning"), cli_text_of(row, "detail"));
    }
}
