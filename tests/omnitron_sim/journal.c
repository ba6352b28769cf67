#include "tests/omnitron_sim/journal.h"

#include "common/mem.h"
#include "common/now.h"
#include "common/strbuf.h"

enum { PATH_MAX_BYTES = 16 * 1024 };

/* A ring: request number n is in rows[n % JOURNAL_SIZE] until the n + JOURNAL_SIZEth comes. */
struct journal {
    json_t *rows[JOURNAL_SIZE];
    uint64_t next;
    uint64_t first; /* the oldest that journal_reset has not taken */
    int64_t start_ms;
};

struct journal *journal_new(void)
{
    struct journal *journal = mem_new(1, sizeof *journal);
    journal->start_ms = now_mono_ms();
    return journal;
}

void journal_reset(struct journal *journal)
{
    for (size_t i = 0; i < JOURNAL_SIZE; i++) {
        json_decref(journal->rows[i]);
        journal->rows[i] = NULL;
    }
    journal->first = journal->next;
}

void journal_free(struct journal *journal)
{
    journal_reset(journal);
    mem_free(journal);
}

static json_t *text_or_null(const char *text)
{
    json_t *value = text == NULL ? NULL : json_string(text);
    return value == NULL ? json_null() : value; /* NULL too for what is not UTF-8 */
}

uint64_t journal_arrived(struct journal *journal, const struct journal_entry *entry)
{
    struct strbuf path;
    strbuf_init(&path, PATH_MAX_BYTES);
    strbuf_addf(&path, "%s%s%s", entry->path, entry->query[0] == '\0' ? "" : "?", entry->query);
    json_t *row = json_object();
    json_object_set_new(row, "method", json_string(entry->method));
    json_object_set_new(row, "path", text_or_null(path.bytes));
    json_object_set_new(row, "username", text_or_null(entry->username));
    json_object_set_new(row, "status", json_null());
    json_object_set_new(row, "ms", json_integer(now_mono_ms() - journal->start_ms));
    json_object_set_new(row, "has_authorization", json_boolean(entry->has_authorization));
    strbuf_clear(&path);
    json_t **place = &journal->rows[journal->next % JOURNAL_SIZE];
    json_decref(*place);
    *place = row;
    return journal->next++;
}

static uint64_t oldest(const struct journal *journal)
{
    uint64_t kept = journal->next < JOURNAL_SIZE ? 0 : journal->next - JOURNAL_SIZE;
    return kept < journal->first ? journal->first : kept;
}

void journal_answered(struct journal *journal, uint64_t number, int status)
{
    if (number >= oldest(journal)) {
        json_object_set_new(journal->rows[number % JOURNAL_SIZE], "status", json_integer(status));
    }
}

json_t *journal_to_json(const struct journal *journal, size_t limit)
{
    uint64_t number = oldest(journal);
    if (journal->next - number > limit) {
        number = journal->next - limit;
    }
    json_t *rows = json_array();
    for (; number < journal->next; number++) {
        json_array_append(rows, journal->rows[number % JOURNAL_SIZE]);
    }
    return rows;
}
