/* The names of all accounts in their order, made once for each version of the settings, and pages
   of them. */
#ifndef OMNIHOOK_API_ACCOUNT_NAMES_H
#define OMNIHOOK_API_ACCOUNT_NAMES_H

#include "common/settings.h"

struct account_names;

struct account_names *account_names_new(void);
void account_names_free(struct account_names *names);

/* Gives up the version of the settings that it knows: a newer one is there. */
void account_names_forget(struct account_names *names);

struct account_names_page {
    const char **names; /* room for max; borrowed from the settings, until they change */
    size_t max;
    size_t count;
    size_t total;  /* names that match, on all pages */
    bool has_more; /* behind this page */
};

/* Those of settings that contain search and come after the name after ("" = from the first). */
void account_names_find(struct account_names *names, struct settings *settings, const char *search,
                        const char *after, struct account_names_page *page);

#endif
