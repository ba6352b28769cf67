/* The Omnitron client at a desk: one account, one call after the other, each waited for. */
#ifndef OMNIHOOK_TESTS_SUPPORT_OMNITRON_DESK_H
#define OMNIHOOK_TESTS_SUPPORT_OMNITRON_DESK_H

#include "common/omnitron.h"
#include "tests/support/sim.h"

enum { DESK_LIMIT_MS = 20000 };

struct omnitron_desk {
    struct sim *sim; /* borrowed */
    struct loop *loop;
    struct http_client *http;
    struct omnitron_pool *pool;
    struct settings *settings;
    const struct account *account;
    struct omnitron *omnitron;

    /* What the calls brought: of the last one that ended. */
    unsigned done_count;
    bool has_failed;
    struct omnitron_failure failure;
    struct hook_list *list; /* owned; NULL when there was none */
    enum omnitron_written written;
    int status;
};

/* The simulator of a whole group of tests, and the group's fixtures that start and stop it. */
extern struct sim *desk_sim;
int omnitron_desk_start_sim(void **state);
int omnitron_desk_stop_sim(void **state);

/* tries 3, backoff 1 to 20 ms, no breaker, Retry-After up to 120 s. */
extern const struct omnitron_pool_options omnitron_desk_options;

/* An account "acme" on sim, as its user acme (superuser, password pw, token t0ken), with the
   setting webhooks (a JSON array). omnitron: members of the account's "omnitron" object besides
   url, e.g. DESK_TOKEN. */
#define DESK_TOKEN "\"token\":\"t0ken\",\"timeout_ms\":2000"
#define DESK_LOGIN "\"username\":\"acme\",\"password\":\"pw\",\"timeout_ms\":2000"
struct omnitron_desk *omnitron_desk_new(struct sim *sim,
                                        const struct omnitron_pool_options *options,
                                        const char *webhooks, const char *omnitron);
/* The same account with other members, for omnitron_new; settings_unref ends it. */
struct settings *omnitron_desk_settings(struct sim *sim, const char *webhooks,
                                        const char *omnitron);
void omnitron_desk_free(struct omnitron_desk *desk);
/* A test's fixtures: *state becomes a desk at desk_sim, which begins anew, with DESK_TOKEN and
   DESK_SETTING, two webhooks; and its end. */
#define DESK_SETTING                                                                               \
    "[{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/0\"},"                            \
    "{\"event_type\":\"a.b\",\"target_url\":\"https://x.example/1\"}]"
int omnitron_desk_set_up(void **state);
int omnitron_desk_tear_down(void **state);

/* Callbacks that note what came; their arg is the desk. */
void omnitron_desk_on_list(void *arg, struct hook_list *list,
                           const struct omnitron_failure *failure);
void omnitron_desk_on_written(void *arg, enum omnitron_written written, int status,
                              const struct omnitron_failure *failure);
void omnitron_desk_on_user(void *arg, const struct omnitron_failure *failure);

/* Turns the loop until so many calls in all have ended; the test fails after DESK_LIMIT_MS. */
void omnitron_desk_wait(struct omnitron_desk *desk, unsigned done_count);
/* Turns the loop for so long: for what must not happen. */
void omnitron_desk_idle(struct omnitron_desk *desk, int64_t ms);

/* One call, waited for; webhooks by their place in the setting. */
void omnitron_desk_list(struct omnitron_desk *desk);
void omnitron_desk_list_at_once(struct omnitron_desk *desk,
                                unsigned count); /* and all waited for */
void omnitron_desk_find(struct omnitron_desk *desk, size_t webhook);
void omnitron_desk_create(struct omnitron_desk *desk, size_t webhook);
void omnitron_desk_patch(struct omnitron_desk *desk, int64_t id, size_t webhook, unsigned fields);
void omnitron_desk_check_token(struct omnitron_desk *desk, const char *token);

/* The test fails unless the last call ended so. */
void omnitron_desk_expect_failure(const struct omnitron_desk *desk,
                                  enum omnitron_failure_kind kind);
void omnitron_desk_expect_success(const struct omnitron_desk *desk);

#endif
