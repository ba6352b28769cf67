#include "common/settings.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/settings_read.h"

#include <string.h>

/* A change is seen within a second, reading included. */
enum { LOOK_MS = 500 };

/* One look's share of many files; settings_store_refresh, which each run calls, takes the few that
   stand first: the main file is the first of all. */
enum { FILES_A_LOOK = 2000, FILES_A_REFRESH = 8 };

struct settings_store {
    const struct service_config *config;
    char *const *environment;
    struct settings *current;
    struct file_watch files; /* of the newest version, good or broken */
    size_t next_file;        /* where the next look goes on */
    char *fault;             /* of the newest version; NULL = it is current */
    struct event *look_timer;
    struct event *change_timer;
    void (*on_change)(void *arg);
    void *arg;
};

static void log_faults(const struct settings_store *store, const struct faults *faults)
{
    log_error("settings_reload_failed", log_text("reason", store->fault),
              log_int("faults", (int64_t)faults->count));
}

static void take_failure(struct settings_store *store, const struct faults *faults, bool is_asked)
{
    bool is_known = store->fault != NULL && strcmp(store->fault, faults->lines[0]) == 0;
    mem_free(store->fault);
    store->fault = mem_copy_text(faults->lines[0]);
    metrics_set(METRIC_SETTINGS_BROKEN, NULL, 1);
    metrics_count(METRIC_SETTINGS_FAULTS, NULL, NULL);
    if (!is_known || is_asked) {
        log_faults(store, faults);
    }
}

static void show_current(const struct settings_store *store)
{
    metrics_set(METRIC_SETTINGS_BROKEN, NULL, 0);
    metrics_set(METRIC_ACCOUNTS, NULL, (int64_t)settings_account_count(store->current));
}

static void take_settings(struct settings_store *store, struct settings *settings,
                          const struct faults *faults)
{
    settings_unref(store->current);
    store->current = settings;
    mem_free(store->fault);
    store->fault = NULL;
    show_current(store);
    for (size_t i = 0; i < faults->warning_count; i++) {
        log_warn("configuration_warning", log_text("warning", faults->warnings[i]));
    }
    log_info("settings_reloaded", log_int("accounts", (int64_t)settings_account_count(settings)));
    loop_timer_start(store->change_timer, 0);
}

/* is_asked: somebody wants to hear about it, even if it is the fault that is known already. */
static void reload(struct settings_store *store, bool is_asked)
{
    struct faults faults = {0};
    file_watch_clear(&store->files);
    struct settings *settings =
        settings_read(store->config, store->environment, &store->files, &faults);
    if (settings == NULL) {
        take_failure(store, &faults, is_asked);
    } else {
        take_settings(store, settings, &faults);
    }
    faults_clear(&faults);
}

static void on_look(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct settings_store *store = arg;
    bool is_changed = file_watch_changed(&store->files, 0, 1);
    size_t others = store->files.count > 1 ? store->files.count - 1 : 0;
    if (!is_changed && others > 0) {
        store->next_file %= others;
        is_changed = file_watch_changed(&store->files, 1 + store->next_file, FILES_A_LOOK);
        store->next_file += FILES_A_LOOK;
        store->next_file = store->next_file < others ? store->next_file : 0;
    }
    if (is_changed) {
        reload(store, false);
    }
    loop_timer_start(store->look_timer, LOOK_MS);
}

static void on_changed(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    const struct settings_store *store = arg;
    if (store->on_change != NULL) {
        store->on_change(store->arg);
    }
}

struct settings_store *settings_store_new(struct loop *loop, const struct service_config *config,
                                          char *const *environment, struct settings *settings_take,
                                          void (*on_change)(void *arg), void *arg)
{
    struct settings_store *store = mem_new(1, sizeof *store);
    store->config = config;
    store->environment = environment;
    store->current = settings_take;
    store->files = settings_take_files(settings_take);
    show_current(store);
    store->on_change = on_change;
    store->arg = arg;
    store->look_timer = loop_timer_new(loop, on_look, store);
    store->change_timer = loop_timer_new(loop, on_changed, store);
    loop_timer_start(store->look_timer, LOOK_MS);
    return store;
}

void settings_store_free(struct settings_store *store)
{
    if (store == NULL) {
        return;
    }
    event_free(store->look_timer);
    event_free(store->change_timer);
    settings_unref(store->current);
    file_watch_clear(&store->files);
    mem_free(store->fault);
    mem_free(store);
}

struct settings *settings_store_current(struct settings_store *store)
{
    return store->current;
}

struct settings *settings_store_refresh(struct settings_store *store)
{
    size_t few = store->files.count <= FILES_A_REFRESH ? store->files.count : 1;
    if (file_watch_changed(&store->files, 0, few)) {
        reload(store, false);
    }
    return store->current;
}

void settings_store_reload(struct settings_store *store)
{
    reload(store, true);
}

const char *settings_store_fault(const struct settings_store *store)
{
    return store->fault;
}
