#include "cli/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROWS = 24, COLUMNS = 80, BAR_CELLS = 24 };

bool terminal_is(FILE *stream)
{
    const char *kind = getenv("TERM");
    return isatty(fileno(stream)) == 1 && kind != NULL && strcmp(kind, "dumb") != 0;
}

struct terminal_size terminal_get_size(FILE *stream)
{
    struct winsize size;
    struct terminal_size fallback = {.rows = ROWS, .columns = COLUMNS};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        return fallback;
    }
    return (struct terminal_size){.rows = size.ws_row, .columns = size.ws_col};
}

size_t terminal_room(FILE *stream)
{
    return terminal_is(stream) ? terminal_get_size(stream).columns : SIZE_MAX;
}

void terminal_print(FILE *stream, const char *text, size_t *room)
{
    size_t size = strlen(text);
    if (size > *room) {
        size = *room;
        while (size > 0 && ((unsigned char)text[size] & 0xC0U) == 0x80) {
            size--; /* a character of several bytes begins before */
        }
        *room = size;
    }
    *room -= size;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        (void)putc(c < 0x20 || c == 0x7f ? '?' : c, stream);
    }
}

void terminal_tone(FILE *stream, enum tone tone)
{
    static const char *const codes[] = {
        [TONE_PLAIN] = "\033[0m", [TONE_GOOD] = "\033[32m", [TONE_BUSY] = "\033[36m",
        [TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[31m",  [TONE_QUIET] = "\033[2m",
    };
    const char *no_color = getenv("NO_COLOR");
    bool is_wanted = no_color == NULL || no_color[0] == '\0';
    if (is_wanted && terminal_is(stream)) {
        (void)fputs(codes[tone], stream);
    }
}

enum tone tone_of_state(const char *state)
{
    static const struct {
        const char *state;
        enum tone tone;
    } tones[] = {{"WORKING", TONE_BUSY},
                 {"FINISHED", TONE_GOOD},
                 {"FAILED", TONE_BAD},
                 {"ABORTED", TONE_BAD},
                 {"READY", TONE_QUIET}};
    for (size_t i = 0; i < sizeof tones / sizeof tones[0]; i++) {
        if (strcmp(state, tones[i].state) == 0) {
            return tones[i].tone;
        }
    }
    return TONE_PLAIN;
}

char *terminal_bar(FILE *stream, char text[TERMINAL_BAR_SIZE], int64_t done, int64_t total)
{
    char cells[] = "[........................] ";
    _Static_assert(sizeof cells == BAR_CELLS + sizeof "[] ", "as many dots");
    int64_t full =
        total > 0 && done > 0 ? (done < total ? done * BAR_CELLS / total : BAR_CELLS) : 0;
    memset(cells + 1, '#', (size_t)full);
    char numbers[48] = "";
    if (total > 0) {
        (void)snprintf(numbers, sizeof numbers, "%" PRId64 "/%" PRId64, done, total);
    }
    (void)snprintf(text, TERMINAL_BAR_SIZE, "%s%s", terminal_is(stream) ? cells : "", numbers);
    return text;
}
