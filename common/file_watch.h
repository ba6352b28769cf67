/* Reads files, and remembers them, so that one can ask whether what was read is still what they
   hold. */
#ifndef OMNIHOOK_COMMON_FILE_WATCH_H
#define OMNIHOOK_COMMON_FILE_WATCH_H

#include "common/error.h"
#include "common/hash_index.h"
#include "common/secret.h"

#include <stdint.h>

enum { FILE_DIGEST_SIZE = 32 };

struct watched_file;

/* Zeroed = empty; pair with file_watch_clear. */
struct file_watch {
    struct watched_file **files; /* owned, in the order of their first reading */
    size_t count;
    size_t capacity;
    struct hash_index paths; /* path -> its place in files */
};

/* Reads a whole regular file of at most max_bytes into content, and watches it from here, also when
   it fails. ERROR_NOT_FOUND, ERROR_FULL or ERROR_SYSTEM; no error quotes the path, which may be a
   secret given in the wrong place. */
MUST_CHECK bool file_watch_read(struct file_watch *watch, const char *path, size_t max_bytes,
                                struct secret *content, struct error *err);

/* Whether one of the files first .. first + count - 1 holds something else than was read (can be
   read, cannot be read). One stat a file; reads again only what stat does not settle. */
bool file_watch_changed(struct file_watch *watch, size_t first, size_t count);

void file_watch_clear(struct file_watch *watch);

#endif
