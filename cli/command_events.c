/* omnihook events: every change of state and progress as it happens, until Ctrl-C. */
#include "cli/cli.h"
#include "cli/terminal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void print_event(const json_t *event)
{
    const char *state = cli_text_of(event, "state");
    (void)printf("%s  %-24s ", cli_text_of(event, "at"), cli_text_of(event, "account"));
    terminal_tone(stdout, tone_of_state(state));
    (void)printf("%-8s", state);
    terminal_tone(stdout, TONE_PLAIN);
    (void)printf("  %-8s", strcmp(cli_text_of(event, "event"), "abort") == 0
                               ? "abort asked for"
                               : cli_text_of(event, "phase"));
    if (json_object_get(event, "total") != NULL) {
        char bar[TERMINAL_BAR_SIZE];
        (void)printf("  %s", terminal_bar(stdout, bar, cli_number_of(event, "done"),
                                          cli_number_of(event, "total")));
    }
    (void)printf("  job %s\n", cli_text_of(event, "job"));
}

/* What is no JSON is somebody else's, and is left out. */
static void on_message(void *arg, const char *message, size_t size)
{
    struct cli *cli = arg;
    json_t *event = json_loadb(message, size, 0, NULL);
    if (event != NULL && cli->is_json) {
        cli_print_json(event);
    } else if (event != NULL) {
        print_event(event);
    }
    json_decref(event);
    if (!cli_flush(cli)) {
        cli_end(cli, CLI_FAILED);
    }
}

static void on_interrupt(void *arg)
{
    cli_end(arg, CLI_OK);
}

void command_events(struct cli *cli)
{
    const struct loop_handlers handlers = {
        .on_drain = on_interrupt, .on_reload = on_interrupt, .arg = cli};
    loop_handle_signals(cli->loop, &handlers);
    redis_client_subscribe(cli->redis, job_queue_events_channel(cli->queue), on_message, cli);
}
