/* Any query is refused with a reason, or gives values that hold what they must. */
#include "api/dashboard_query.h"
#include "common/mem.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct dashboard_query *query)
{
    assert(query->count <= QUERY_PARAMETERS_MAX);
    for (size_t i = 0; i < query->count; i++) {
        const char *value = query->parameters[i].value;
        assert(strlen(value) <= QUERY_VALUE_MAX_BYTES);
        for (const char *at = value; *at != '\0'; at++) {
            assert((unsigned char)*at >= ' ' && *at != 0x7f);
        }
        assert(dashboard_query_text(query, query->parameters[i].name) == value);
    }
}

static void check_number(const struct dashboard_query *query)
{
    struct error err;
    int64_t number = 7;
    if (dashboard_query_number(query, "limit", 1, 50, &number, &err)) {
        assert(number >= 1 && number <= 50);
    } else {
        assert(err.code == ERROR_BAD_INPUT && number == 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const allowed[] = {"account", "after", "limit", "search", "view", NULL};
    char *text =
        mem_copy_bytes(data, size); /* up to the first 0, of which the gate lets none through */
    struct dashboard_query query;
    struct error err;
    if (dashboard_query_parse(&query, text, allowed, &err)) {
        check_values(&query);
        check_number(&query);
    } else {
        assert(err.code == ERROR_BAD_INPUT && query.count == 0);
    }
    dashboard_query_clear(&query);
    mem_free(text);
    return 0;
}
