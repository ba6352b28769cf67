#include "tests/support/environment.h"

#include "common/mem.h"

#include <stddef.h>

char **make_environment(const char *const *variables)
{
    size_t count = 0;
    while (variables[count] != NULL) {
        count++;
    }
    char **environment = mem_new(count + 1, sizeof *environment);
    for (size_t i = 0; i < count; i++) {
        environment[i] = mem_copy_text(variables[i]);
    }
    return environment;
}

void free_environment(char **environment)
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        mem_free(environment[i]);
    }
    mem_free(environment);
}
