/* What the commands print differently for a person at a terminal: colours and progress bars. */
#ifndef OMNIHOOK_CLI_TERMINAL_H
#define OMNIHOOK_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum tone { TONE_PLAIN, TONE_GOOD, TONE_BUSY, TONE_WARN, TONE_BAD, TONE_QUIET };

/* A terminal with a cursor that can be moved. */
bool terminal_is(FILE *stream);

struct terminal_size {
    unsigned rows;
    unsigned columns;
};
/* 24 x 80 when the terminal does not say. */
struct terminal_size terminal_get_size(FILE *stream);

/* How much of a line there is room for: the terminal's width, and elsewhere no limit. */
size_t terminal_room(FILE *stream);

/* Prints what of the text *room allows, its control characters as '?', and takes it off. A byte is
   taken for a column, which is never too few; characters stay whole. */
void terminal_print(FILE *stream, const char *text, size_t *room);

/* Switches to a colour, and with TONE_PLAIN back: nothing unless stream is a terminal and NO_COLOR
   (https://no-color.org) is unset. */
void terminal_tone(FILE *stream, enum tone tone);

/* READY, WORKING, FINISHED, FAILED, ABORTED. */
enum tone tone_of_state(const char *state);

enum { TERMINAL_BAR_SIZE = 80 };
/* Writes "[#######.............] 12/50", without the bar unless stream is a terminal, and returns
   text; total 0 = not known yet: no numbers. */
char *terminal_bar(FILE *stream, char text[TERMINAL_BAR_SIZE], int64_t done, int64_t total);

#endif
