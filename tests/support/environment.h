/* An environment as a program is given it, made from the literals of a test. */
#ifndef OMNIHOOK_TESTS_SUPPORT_ENVIRONMENT_H
#define OMNIHOOK_TESTS_SUPPORT_ENVIRONMENT_H

/* Owned copies of variables (NAME=value ..., ends with NULL), as environ is. */
char **make_environment(const char *const *variables);
void free_environment(char **environment);

#endif
