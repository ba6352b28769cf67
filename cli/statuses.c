#include "cli/statuses.h"

#include "common/job_queue_view.h"
#include "common/mem.h"

struct reading {
    struct cli *cli;
    size_t next;
    size_t end;
    status_row_fn *on_row;
    statuses_done_fn *on_done;
    void *arg;
};

static void ask_next(struct reading *reading);

static void finish(struct reading *reading, const struct error *why_not)
{
    statuses_done_fn *on_done = reading->on_done;
    void *arg = reading->arg;
    mem_free(reading);
    on_done(arg, why_not);
}

static void on_statuses(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct reading *reading = arg;
    if (why_not != NULL) {
        finish(reading, why_not);
        return;
    }
    json_t *rows = json_loadb(document, size, 0, NULL);
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        reading->on_row(reading->arg, row);
    }
    json_decref(rows);
    if (reading->next == reading->end) {
        finish(reading, NULL);
    } else {
        ask_next(reading);
    }
}

static void ask_next(struct reading *reading)
{
    const struct cli *cli = reading->cli;
    const char *names[JOB_STATUSES_MAX];
    size_t count = 0;
    if (cli->account != NULL) {
        names[count++] = cli->account->name;
        reading->next = reading->end;
    }
    while (reading->next < reading->end && count < JOB_STATUSES_MAX) {
        names[count++] = settings_account_at(cli->settings, reading->next++)->name;
    }
    job_queue_list_statuses(cli->queue, names, count, on_statuses, reading);
}

void statuses_read(struct cli *cli, size_t accounts_max, status_row_fn *on_row,
                   statuses_done_fn *on_done, void *arg)
{
    struct reading *reading = mem_new(1, sizeof *reading);
    size_t accounts = settings_account_count(cli->settings);
    *reading = (struct reading){
        .cli = cli,
        .end = accounts < accounts_max ? accounts : accounts_max,
        .on_row = on_row,
        .on_done = on_done,
        .arg = arg,
    };
    ask_next(reading);
}
