#include "api/account_names.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

struct account_names {
    struct settings *settings; /* a reference: the version that the rest is of; NULL = none yet */
    const char **names;
    size_t count;
};

struct account_names *account_names_new(void)
{
    return mem_new(1, sizeof(struct account_names));
}

void account_names_forget(struct account_names *names)
{
    if (names->settings != NULL) {
        settings_unref(names->settings);
    }
    mem_free(names->names);
    *names = (struct account_names){.count = 0};
}

void account_names_free(struct account_names *names)
{
    account_names_forget(names);
    mem_free(names);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void remember(struct account_names *names, struct settings *settings)
{
    account_names_forget(names);
    names->settings = settings_ref(settings);
    names->count = settings_account_count(settings);
    names->names = mem_new(names->count, sizeof *names->names);
    for (size_t i = 0; i < names->count; i++) {
        names->names[i] = settings_account_at(settings, i)->name;
    }
    qsort(names->names, names->count, sizeof *names->names, compare);
}

void account_names_find(struct account_names *names, struct settings *settings, const char *search,
                        const char *after, struct account_names_page *page)
{
    if (names->settings != settings) {
        remember(names, settings);
    }
    page->count = page->total = 0;
    page->has_more = false;
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];
        if (strstr(name, search) == NULL) {
            continue;
        }
        page->total++;
        bool is_behind = strcmp(name, after) > 0;
        if (is_behind && page->count < page->max) {
            page->names[page->count++] = name;
        } else if (is_behind) {
            page->has_more = true;
        }
    }
}
