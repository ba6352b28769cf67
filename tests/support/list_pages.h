/* The simulated Omnitron's list: filled with rows, or replaced by pages that make no sense. */
#ifndef OMNIHOOK_TESTS_SUPPORT_LIST_PAGES_H
#define OMNIHOOK_TESTS_SUPPORT_LIST_PAGES_H

#include "tests/support/omnitron_desk.h"

#include <stddef.h>

/* Rows of acme with event type "a.b" and targets https://x.example/0 ... */
void list_seed(struct sim *sim, size_t count);

/* Reads the list: it must be exactly those rows, and stable. */
void list_expect_all(struct omnitron_desk *desk, size_t count);

/* Part of the query of every first page, and of no other where next is "?page=2". */
#define FIRST_PAGE "limit=200"

/* A page that stands in, so many times (-1: for ever), for those whose query has match. ids: a
   character each, the row's id and its target; next: JSON; count: -1 leaves it out. Of several
   pages for one match each waits until the one before it is used up. */
struct fake_page {
    const char *match;
    const char *ids;
    const char *next;
    int count;
    int times;
};
void list_fake_page(struct sim *sim, const struct fake_page *page);

/* The list must be exactly the rows of these ids, and stable or not as told. */
void list_expect_ids(struct omnitron_desk *desk, const char *ids, bool is_unstable);

/* Reading the list must fail as broken, with these words, and may pass. */
void list_expect_broken(struct omnitron_desk *desk, const char *words);

#endif
