#include "tests/soak/wish.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { URL_SIZE = 64, FIRST_HOOKS = 2, FIRST_SECONDS = 60 };

static const char *event_type(const struct wish_hook *hook)
{
    return hook->number % 2 == 0 ? "package.created" : "order.changed";
}

static const char *print_url(const struct wish_hook *hook, char url[URL_SIZE])
{
    (void)snprintf(url, URL_SIZE, "https://erp.example.com/hooks/%u", hook->number);
    return url;
}

static void add_hook(struct wish *wish)
{
    if (wish->count == WISH_HOOKS_MAX) {
        memmove(&wish->hooks[0], &wish->hooks[1], sizeof wish->hooks - sizeof wish->hooks[0]);
        wish->count--;
    }
    wish->hooks[wish->count++] = (struct wish_hook){
        .number = wish->hooks_made++, .seconds = FIRST_SECONDS, .is_active = true};
}

void wish_init(struct wish *wish)
{
    *wish = (struct wish){.count = 0};
    for (size_t i = 0; i < FIRST_HOOKS; i++) {
        add_hook(wish);
    }
}

void wish_change(struct wish *wish, struct dice *dice)
{
    struct wish_hook *hook = &wish->hooks[dice_roll(dice, wish->count)];
    wish->version++;
    switch (dice_roll(dice, 4)) {
    case 0:
        hook->is_active = !hook->is_active;
        return;
    case 1:
        /* Never used before: what an earlier version left behind does not look like this one. */
        hook->seconds = FIRST_SECONDS + wish->version;
        return;
    default:
        add_hook(wish);
        return;
    }
}

json_t *wish_print(const struct wish *wish)
{
    json_t *array = json_array();
    for (size_t i = 0; i < wish->count; i++) {
        const struct wish_hook *hook = &wish->hooks[i];
        char url[URL_SIZE];
        json_t *item = json_pack("{s:s, s:s, s:b, s:{s:s, s:{s:i}}}", "event_type",
                                 event_type(hook), "target_url", print_url(hook, url), "is_active",
                                 (int)hook->is_active, "retry_countdown_config", "choice", "fixed",
                                 "kwargs", "seconds", (int)hook->seconds);
        assert_non_null(item);
        json_array_append_new(array, item);
    }
    return array;
}

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text == NULL ? "" : text;
}

static json_int_t seconds_of(const json_t *row)
{
    json_t *countdown = json_object_get(row, "retry_countdown_config");
    return json_integer_value(json_object_get(json_object_get(countdown, "kwargs"), "seconds"));
}

/* How many rows have the webhook's key; the last of them. */
static size_t find_rows(const json_t *rows, const struct wish_hook *hook, const json_t **last)
{
    char url[URL_SIZE];
    (void)print_url(hook, url);
    size_t found = 0;
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        if (strcmp(text_at(row, "target_url"), url) == 0 &&
            strcmp(text_at(row, "event_type"), event_type(hook)) == 0) {
            found++;
            *last = row;
        }
    }
    return found;
}

const char *wish_find_fault(const struct wish *wish, const json_t *rows)
{
    static char fault[256];
    for (size_t i = 0; i < wish->count; i++) {
        const struct wish_hook *hook = &wish->hooks[i];
        const json_t *row = NULL;
        size_t found = find_rows(rows, hook, &row);
        bool is_active = json_is_true(json_object_get(row, "is_active"));
        if (found != 1 || is_active != hook->is_active || seconds_of(row) != hook->seconds) {
            char url[URL_SIZE];
            (void)snprintf(fault, sizeof fault,
                           "version %u: %s wanted once, active=%d, seconds=%u; there are %zu, "
                           "active=%d, seconds=%lld",
                           wish->version, print_url(hook, url), (int)hook->is_active, hook->seconds,
                           found, (int)is_active, (long long)seconds_of(row));
            return fault;
        }
    }
    return NULL;
}
