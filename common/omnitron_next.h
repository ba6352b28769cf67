/* The "next" link of a page, as an address on our own base. For omnitron_list.c. Pure. */
#ifndef OMNIHOOK_COMMON_OMNITRON_NEXT_H
#define OMNIHOOK_COMMON_OMNITRON_NEXT_H

#include "common/error.h"

/* Only the query of next is used: behind proxies its scheme and host are often wrong, and the token
   goes nowhere but to the configured origin. Its path must be that of hooks_url (after dot segments
   are taken out); a link that is relative, or starts with a placeholder like "{domain_url}", is as
   good as an absolute one. Owned result; NULL and err when next leads elsewhere. */
MUST_CHECK char *omnitron_next_url(const char *hooks_url, const char *next, struct error *err);

/* Where pages are numbered, the link on the first page asks for "page=2": second_url, as
   omnitron_next_url gives it, with another number there. Owned result; NULL when second_url is no
   such link (a cursor's, for example). */
char *omnitron_page_url(const char *second_url, unsigned page);

#endif
