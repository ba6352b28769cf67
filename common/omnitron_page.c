#include "common/omnitron_page.h"

#include "common/mem.h"

/* The members that count; bytes NULL: not there. */
struct members {
    struct json_slice results;
    struct json_slice next;
    struct json_slice count;
};

/* Of two members with one key the last one counts, as for jansson. */
static struct members find_members(const struct json_slice *body)
{
    struct members members = {0};
    struct json_slice key;
    struct json_slice value;
    struct json_walk walk = json_walk_start(body);
    while (json_walk_next(&walk, &key, &value)) {
        if (json_slice_is_text(&key, "results")) {
            members.results = value;
        } else if (json_slice_is_text(&key, "next")) {
            members.next = value;
        } else if (json_slice_is_text(&key, "count")) {
            members.count = value;
        }
    }
    return members;
}

bool omnitron_page_parse(struct omnitron_page *page, const struct json_slice *body)
{
    *page = (struct omnitron_page){0};
    if (json_slice_is_array(body)) {
        page->rows = *body;
        page->is_whole = true;
        return true;
    }
    if (!json_slice_is_object(body)) {
        return false;
    }
    struct members members = find_members(body);
    bool has_rows = members.results.bytes != NULL && json_slice_is_array(&members.results);
    if (!has_rows || members.next.bytes == NULL) {
        return false;
    }
    page->next = json_slice_get_text(&members.next);
    if (page->next == NULL && !json_slice_is_null(&members.next)) {
        return false;
    }
    page->rows = members.results;
    page->has_count = members.count.bytes != NULL &&
                      json_slice_get_int(&members.count, &page->count) && page->count >= 0;
    return true;
}

void omnitron_page_clear(struct omnitron_page *page)
{
    mem_free(page->next);
    *page = (struct omnitron_page){0};
}
