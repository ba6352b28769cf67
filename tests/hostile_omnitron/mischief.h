/* What is answered to a request, and how it is delivered. */
#ifndef OMNIHOOK_TESTS_HOSTILE_OMNITRON_MISCHIEF_H
#define OMNIHOOK_TESTS_HOSTILE_OMNITRON_MISCHIEF_H

#include "tests/hostile_omnitron/request.h"
#include "tests/support/chance.h"

enum mischief_end {
    END_KEEP,  /* the connection stays open for the next request */
    END_CLOSE, /* as HTTP and TLS would have it, but perhaps too early */
    END_RESET,
    END_HANG,    /* nothing more comes, until the client goes */
    END_ENDLESS, /* the last bytes come again and again, until the client goes */
};

struct mischief {
    struct strbuf answer; /* owned */
    size_t cut_at;        /* so many bytes of it leave (encrypted ones, with TLS) before the end */
    enum mischief_end end;
    size_t drop; /* > 0: so many bytes every few milliseconds */
};

struct mischief mischief_make(const struct request *request, struct chance *chance,
                              const char *elsewhere);
void mischief_clear(struct mischief *mischief);

#endif
