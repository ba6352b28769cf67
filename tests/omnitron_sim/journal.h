/* The last requests, in the order of their arrival. No token, no body. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_JOURNAL_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOURNAL_SIZE = 1000 };

struct journal;

struct journal *journal_new(void);
void journal_free(struct journal *journal);
void journal_reset(struct journal *journal);

struct journal_entry {
    const char *method;
    const char *path;
    const char *query;
    const char *username; /* NULL: nobody we know */
    bool has_authorization;
};

/* Writes down an arrival and returns its number, for journal_answered. */
uint64_t journal_arrived(struct journal *journal, const struct journal_entry *entry);

/* status 0: closed without an answer. A request that is no longer in the journal is ignored. */
void journal_answered(struct journal *journal, uint64_t number, int status);

/* The last limit requests, oldest first; "status" is null while there is no answer yet. */
json_t *journal_to_json(const struct journal *journal, size_t limit);

#endif
