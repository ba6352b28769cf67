/* JSON text (RFC 8259) read in place: checked as a whole, then walked through, building nothing.
   For long answers of which little is wanted; jansson builds a tree of all of it first. Pure. */
#ifndef OMNIHOOK_COMMON_JSON_SLICE_H
#define OMNIHOOK_COMMON_JSON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text of one value, without white space around it. Borrows the whole text. */
struct json_slice {
    const char *bytes;
    size_t size;
};

enum { JSON_SLICE_DEPTH_MAX = 256 };

/* Checks that text is one JSON value: UTF-8, nested at most JSON_SLICE_DEPTH_MAX deep. Numbers may
   be of any size, a key may be there twice. False: it is not, and slice is not filled. */
bool json_slice_init(struct json_slice *slice, const char *text, size_t size);

bool json_slice_is_object(const struct json_slice *slice);
bool json_slice_is_array(const struct json_slice *slice);
bool json_slice_is_null(const struct json_slice *slice);

/* False when it is not of that type; an integer also when it does not fit. */
bool json_slice_get_bool(const struct json_slice *slice, bool *value);
bool json_slice_get_int(const struct json_slice *slice, int64_t *value);

/* The decoded text, owned; NULL when it is no string, or one that holds a 0 byte or half a
   surrogate pair. */
char *json_slice_get_text(const struct json_slice *slice);

/* Whether a string is text, byte for byte once decoded. */
bool json_slice_is_text(const struct json_slice *slice, const char *text);

/* The members of an object or the elements of an array, in their order; of any other value: none.
 */
struct json_walk {
    const char *at;
};
struct json_walk json_walk_start(const struct json_slice *slice);
/* False at the end. key is filled for members and may be NULL. */
bool json_walk_next(struct json_walk *walk, struct json_slice *key, struct json_slice *value);

#endif
