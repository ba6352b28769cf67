#include "tests/support/list_pages.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void list_seed(struct sim *sim, size_t count)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "{\"username\":\"acme\",\"event_type\":\"a.b\",\"target_prefix\":"
                   "\"https://x.example/\",\"count\":%zu}",
                   count);
    sim_seed(sim, text);
}

static void assert_each_target_once(const struct hook_list *list, size_t count)
{
    static const char prefix[] = "https://x.example/";
    bool *seen = mem_new(count, sizeof *seen);
    for (size_t i = 0; i < list->count; i++) {
        const char *url = list->hooks[i].target_url;
        assert_int_equal(strncmp(url, prefix, strlen(prefix)), 0);
        unsigned long number = strtoul(url + strlen(prefix), NULL, 10);
        if (number >= count || seen[number]) {
            fail_because("row %lu of %zu is too many", number, count);
        }
        seen[number] = true;
    }
    mem_free(seen);
    assert_int_equal(list->count, count);
}

void list_expect_all(struct omnitron_desk *desk, size_t count)
{
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_each_target_once(desk->list, count);
    assert_false(desk->list->is_unstable);
}

void list_fake_page(struct sim *sim, const struct fake_page *page)
{
    struct strbuf fault;
    strbuf_init(&fault, SIZE_MAX / 2);
    strbuf_addf(&fault,
                "{\"method\":\"GET\",\"path\":\"/whisperer/hooks/\",\"match\":\"%s\",\"times\":%d,"
                "\"action\":{\"json\":{",
                page->match, page->times);
    if (page->count >= 0) {
        strbuf_addf(&fault, "\"count\":%d,", page->count);
    }
    strbuf_addf(&fault, "\"next\":%s,\"results\":[", page->next);
    for (const char *id = page->ids; *id != '\0'; id++) {
        strbuf_addf(&fault,
                    "%s{\"id\":%c,\"event_type\":\"a.b\",\"target_url\":\"https://x.example/%c\"}",
                    id == page->ids ? "" : ",", *id, *id);
    }
    strbuf_add_text(&fault, "]}}}");
    sim_fault(sim, fault.bytes);
    strbuf_clear(&fault);
}

void list_expect_ids(struct omnitron_desk *desk, const char *ids, bool is_unstable)
{
    omnitron_desk_list(desk);
    omnitron_desk_expect_success(desk);
    assert_int_equal(desk->list->count, strlen(ids));
    for (size_t i = 0; i < desk->list->count; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "%lld", (long long)desk->list->hooks[i].id);
        assert_non_null(strstr(ids, id));
    }
    assert_int_equal(desk->list->is_unstable, is_unstable);
}

void list_expect_broken(struct omnitron_desk *desk, const char *words)
{
    omnitron_desk_list(desk);
    omnitron_desk_expect_failure(desk, OMNITRON_BROKEN);
    if (strstr(desk->failure.error.text, words) == NULL) {
        fail_because("no \"%s\" in: %s", words, desk->failure.error.text);
    }
    assert_true(omnitron_failure_may_pass(&desk->failure));
}
