/* omnihook status [ACCOUNT] [--watch]: one line an account, in the settings' order. */
#include "cli/statuses.h"
#include "cli/terminal.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <stdint.h>
#include <string.h>

enum { WATCHED_MAX = 1000, REFRESH_MS = 500, NAME_WIDTH = 24, ROW_MAX_BYTES = 64 * 1024 };

struct status_command {
    struct cli *cli;
    /* With --watch: */
    struct event *timer;
    json_t *rows;  /* read in this round, at a terminal */
    json_t *shown; /* elsewhere: what each account showed last, by name */
    bool is_reading;
    bool is_over;
};

static void print_part(struct strbuf *text, size_t *room)
{
    terminal_print(stdout, text->bytes, room);
    strbuf_reset(text);
}

/* "acme   WORKING   running  [###...] 3/50", or why it failed. */
static void print_row(const json_t *row, size_t room)
{
    const char *state = cli_text_of(row, "state");
    struct strbuf text;
    strbuf_init(&text, ROW_MAX_BYTES);
    (void)strbuf_addf(&text, "%-*s ", NAME_WIDTH, cli_text_of(row, "account"));
    print_part(&text, &room);
    terminal_tone(stdout, tone_of_state(state));
    (void)strbuf_addf(&text, "%-8s", state);
    print_part(&text, &room);
    terminal_tone(stdout, TONE_PLAIN);
    if (strcmp(state, "WORKING") == 0) {
        char bar[TERMINAL_BAR_SIZE];
        (void)strbuf_addf(
            &text, "  %-8s %s", cli_text_of(row, "phase"),
            terminal_bar(stdout, bar, cli_number_of(row, "done"), cli_number_of(row, "total")));
    }
    const char *next_attempt_at = cli_text_of(row, "next_attempt_at");
    if (next_attempt_at[0] != '\0') {
        (void)strbuf_addf(&text, "  next attempt %s", next_attempt_at);
    }
    const char *error = cli_text_of(row, "error");
    const char *finished_at = cli_text_of(row, "finished_at");
    (void)strbuf_addf(&text, "%s%s%s%s", finished_at[0] == '\0' ? "" : "  ", finished_at,
                      error[0] == '\0' ? "" : "  ", error);
    print_part(&text, &room);
    (void)putchar('\n');
    strbuf_clear(&text);
}

static void on_row(void *arg, const json_t *row)
{
    const struct status_command *command = arg;
    if (command->cli->is_json) {
        cli_print_json(row);
    } else {
        print_row(row, SIZE_MAX);
    }
}

static void status_command_free(struct status_command *command)
{
    if (command->timer != NULL) {
        event_free(command->timer);
    }
    json_decref(command->rows);
    json_decref(command->shown);
    mem_free(command);
}

static void on_done(void *arg, const struct error *why_not)
{
    struct status_command *command = arg;
    struct cli *cli = command->cli;
    status_command_free(command);
    if (why_not != NULL) {
        cli_fail(cli, "the status cannot be read", why_not);
    } else {
        cli_end(cli, CLI_OK);
    }
}

/* ---- --watch ---- */

/* A terminal gets the whole screen drawn again; anything else a line for each change. */
static bool is_screen(const struct status_command *command)
{
    return !command->cli->is_json && terminal_is(stdout);
}

static void on_watched_row(void *arg, const json_t *row)
{
    struct status_command *command = arg;
    const char *account = cli_text_of(row, "account");
    if (is_screen(command)) {
        (void)json_array_append_new(command->rows, json_deep_copy(row));
    } else if (!json_equal(json_object_get(command->shown, account), row)) {
        (void)json_object_set_new(command->shown, account, json_deep_copy(row));
        on_row(command, row);
    }
}

/* Prints the rows that are (not) busy, as long as there is room; gives the lines left. */
static size_t draw_rows(const json_t *rows, bool is_busy, size_t room)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        bool is_this_busy = strcmp(cli_text_of(row, "state"), "WORKING") == 0;
        if (is_this_busy == is_busy && room > 0) {
            (void)fputs("\033[K", stdout);
            print_row(row, terminal_room(stdout)); /* else the screen scrolls */
            room--;
        }
    }
    return room;
}

static void draw_screen(const struct status_command *command)
{
    unsigned rows = terminal_get_size(stdout).rows;
    (void)fputs("\033[H", stdout);
    size_t room = draw_rows(command->rows, true, rows > 1 ? rows - 1 : 1);
    (void)draw_rows(command->rows, false, room);
    (void)fputs("\033[J", stdout);
}

static void on_watched(void *arg, const struct error *why_not)
{
    struct status_command *command = arg;
    command->is_reading = false;
    if (command->is_over) {
        status_command_free(command);
        return;
    }
    struct cli *cli = command->cli;
    /* Redis may come back: who watches would rather see that than start again. */
    if (why_not != NULL) {
        (void)cli_may_read_again(cli, why_not, true);
    } else {
        cli_has_read(cli);
        if (is_screen(command)) {
            draw_screen(command);
        }
    }
    if (cli_flush(cli)) {
        loop_timer_start(command->timer, REFRESH_MS);
    } else {
        status_command_free(command);
        cli_end(cli, CLI_FAILED);
    }
}

static void refresh(evutil_socket_t unused, short events, void *arg)
{
    (void)unused;
    (void)events;
    struct status_command *command = arg;
    (void)json_array_clear(command->rows);
    command->is_reading = true;
    statuses_read(command->cli, WATCHED_MAX, on_watched_row, on_watched, command);
}

/* An answer on its way is cancelled when the connection is closed, which frees the command. */
static void on_interrupt(void *arg)
{
    struct status_command *command = arg;
    struct cli *cli = command->cli;
    command->is_over = true;
    if (!command->is_reading) {
        status_command_free(command);
    }
    cli_end(cli, CLI_OK);
}

static void watch(struct status_command *command)
{
    struct cli *cli = command->cli;
    const struct loop_handlers handlers = {
        .on_drain = on_interrupt, .on_reload = on_interrupt, .arg = command};
    loop_handle_signals(cli->loop, &handlers);
    command->timer = loop_timer_new(cli->loop, refresh, command);
    command->rows = json_array();
    command->shown = json_object();
    if (is_screen(command)) {
        (void)fputs("\033[2J", stdout);
    }
    refresh(-1, 0, command);
}

void command_status(struct cli *cli)
{
    struct status_command *command = mem_new(1, sizeof *command);
    command->cli = cli;
    if ((cli->options & CLI_WATCH) != 0) {
        watch(command);
    } else {
        statuses_read(cli, SIZE_MAX, on_row, on_done, command);
    }
}
