/* One page of Omnitron's list of webhooks: an array that is all of it, or
   {"count":, "next":, "results": [...]} (Django REST framework; cursors give no count). For
   omnitron_list.c. Pure. */
#ifndef OMNIHOOK_COMMON_OMNITRON_PAGE_H
#define OMNIHOOK_COMMON_OMNITRON_PAGE_H

#include "common/json_slice.h"

struct omnitron_page {
    struct json_slice rows; /* an array; borrows the body */
    bool is_whole;          /* the list, not a page of it */
    char *next;             /* owned; NULL = the last page */
    bool has_count;         /* of the rows on all pages */
    int64_t count;
};

/* False when body is neither: also without "next", for then nobody knows whether that was all. A
   count that is no number is none. Pair with omnitron_page_clear. */
bool omnitron_page_parse(struct omnitron_page *page, const struct json_slice *body);
void omnitron_page_clear(struct omnitron_page *page);

#endif
