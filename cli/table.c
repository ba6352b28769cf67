#include "cli/table.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <inttypes.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64 * 1024, NUMBER_SIZE = 24 };

/* The text of a cell; number is its storage when it is a number. */
static const char *cell_text(const json_t *row, const char *member, char number[NUMBER_SIZE])
{
    const json_t *value = json_object_get(row, member);
    if (json_is_integer(value)) {
        (void)snprintf(number, NUMBER_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return number;
    }
    const char *text = json_string_value(value);
    return text == NULL || text[0] == '\0' ? "-" : text;
}

static size_t *measure(const struct table_column *columns, size_t column_count, const json_t *rows)
{
    size_t *widths = mem_new(column_count, sizeof *widths);
    for (size_t c = 0; c < column_count; c++) {
        widths[c] = strlen(columns[c].heading);
        size_t i;
        const json_t *row;
        json_array_foreach(rows, i, row)
        {
            char number[NUMBER_SIZE];
            size_t width = strlen(cell_text(row, columns[c].member, number));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    return widths;
}

static void print_line(FILE *stream, struct strbuf *line, bool may_cut)
{
    size_t room = may_cut ? terminal_room(stream) : SIZE_MAX;
    terminal_print(stream, line->bytes, &room);
    (void)putc('\n', stream);
    strbuf_reset(line);
}

static void add_cell(struct strbuf *line, const char *text, size_t width, bool is_last)
{
    (void)strbuf_addf(line, "%-*s", is_last ? 0 : (int)width + 2, text);
}

void table_print(FILE *stream, const struct table_column *columns, size_t column_count,
                 const json_t *rows)
{
    bool may_cut = !columns[column_count - 1].is_never_cut;
    size_t *widths = measure(columns, column_count, rows);
    struct strbuf line;
    strbuf_init(&line, LINE_MAX_BYTES);
    for (size_t c = 0; c < column_count; c++) {
        add_cell(&line, columns[c].heading, widths[c], c + 1 == column_count);
    }
    print_line(stream, &line, may_cut);
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < column_count; c++) {
            char number[NUMBER_SIZE];
            add_cell(&line, cell_text(row, columns[c].member, number), widths[c],
                     c + 1 == column_count);
        }
        print_line(stream, &line, may_cut);
    }
    if (json_array_size(rows) == 0 && terminal_is(stream)) {
        (void)fputs("(none)\n", stream);
    }
    strbuf_clear(&line);
    mem_free(widths);
}
