#include "common/redis_command.h"

#include "common/number_text.h"

#include <assert.h>
#include <string.h>

enum { NUMBERS_MAX = sizeof((struct redis_command *)NULL)->numbers / 24 };

void redis_command_init(struct redis_command *command, const char *name)
{
    command->count = 0;
    command->number_count = 0;
    redis_command_add(command, name);
}

void redis_command_add(struct redis_command *command, const char *text)
{
    redis_command_add_bytes(command, text, text == NULL ? 0 : strlen(text));
}

void redis_command_add_bytes(struct redis_command *command, const void *bytes, size_t size)
{
    assert(command->count < REDIS_ARGS_MAX);
    command->args[command->count] = size == 0 ? "" : bytes;
    command->sizes[command->count] = size;
    command->count++;
}

void redis_command_add_int(struct redis_command *command, int64_t number)
{
    assert(command->number_count < NUMBERS_MAX);
    char *text = command->numbers[command->number_count++];
    size_t size = number_print(text, number);
    redis_command_add_bytes(command, text, size);
}

/* "*3\r\n" or "$17\r\n". By hand: printf would cost more than all the rest of a command. */
static void print_head(struct strbuf *wire, char kind, size_t number)
{
    char text[24];
    char *at = text + sizeof text;
    *--at = '\n';
    *--at = '\r';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    *--at = kind;
    strbuf_add(wire, at, (size_t)(text + sizeof text - at));
}

bool redis_command_print(const struct redis_command *command, struct strbuf *wire)
{
    strbuf_reset(wire);
    print_head(wire, '*', command->count);
    for (size_t i = 0; i < command->count; i++) {
        print_head(wire, '$', command->sizes[i]);
        strbuf_add(wire, command->args[i], command->sizes[i]);
        strbuf_add(wire, "\r\n", 2);
    }
    return !wire->is_full;
}
