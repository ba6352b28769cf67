#include "tests/support/omnitron_desk.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/fail.h"
#include "tests/support/loop_until.h"
#include "tests/support/settings_text.h"
#include "tests/support/test.h"

const struct omnitron_pool_options omnitron_desk_options = {
    .tries = 3,
    .retry = {.base_ms = 1, .max_ms = 20},
    .retry_after_max_ms = 120000,
};

struct settings *omnitron_desk_settings(struct sim *sim, const char *webhooks, const char *omnitron)
{
    struct strbuf text;
    strbuf_init(&text, SIZE_MAX / 2);
    strbuf_addf(&text,
                "{\"accounts\":{\"acme\":{\"api_keys\":[\"sha256:%064d\"],"
                "\"omnitron\":{\"url\":\"%s\",%s},\"OMNITRON_WEBHOOKS\":%s}}}",
                1, sim_api_url(sim), omnitron, webhooks);
    struct settings *settings = settings_of_text(text.bytes);
    strbuf_clear(&text);
    return settings;
}

struct omnitron_desk *omnitron_desk_new(struct sim *sim,
                                        const struct omnitron_pool_options *options,
                                        const char *webhooks, const char *omnitron)
{
    struct omnitron_desk *desk = mem_new(1, sizeof *desk);
    desk->sim = sim;
    sim_add_user(sim, "acme", "pw", "t0ken", true);
    desk->loop = loop_new();
    desk->http = http_client_new(desk->loop, 16);
    desk->pool = omnitron_pool_new(desk->loop, desk->http, options);
    desk->settings = omnitron_desk_settings(sim, webhooks, omnitron);
    desk->account = settings_find_account(desk->settings, "acme");
    desk->omnitron = omnitron_new(desk->pool, desk->settings, desk->account);
    return desk;
}

void omnitron_desk_free(struct omnitron_desk *desk)
{
    hook_list_free(desk->list);
    omnitron_free(desk->omnitron);
    omnitron_pool_free(desk->pool);
    http_client_free(desk->http);
    settings_unref(desk->settings);
    loop_free(desk->loop);
    mem_free(desk);
}

struct sim *desk_sim;

int omnitron_desk_set_up(void **state)
{
    sim_reset(desk_sim);
    *state = omnitron_desk_new(desk_sim, &omnitron_desk_options, DESK_SETTING, DESK_TOKEN);
    return 0;
}

int omnitron_desk_tear_down(void **state)
{
    omnitron_desk_free(*state);
    return 0;
}

int omnitron_desk_start_sim(void **state)
{
    (void)state;
    desk_sim = sim_start();
    return 0;
}

int omnitron_desk_stop_sim(void **state)
{
    (void)state;
    sim_stop(desk_sim);
    return 0;
}

static void note(struct omnitron_desk *desk, const struct omnitron_failure *failure)
{
    desk->done_count++;
    desk->has_failed = failure != NULL;
    if (failure != NULL) {
        desk->failure = *failure;
    }
}

void omnitron_desk_on_list(void *arg, struct hook_list *list,
                           const struct omnitron_failure *failure)
{
    struct omnitron_desk *desk = arg;
    assert_true((list == NULL) == (failure != NULL));
    hook_list_free(desk->list);
    desk->list = list;
    note(desk, failure);
}

void omnitron_desk_on_written(void *arg, enum omnitron_written written, int status,
                              const struct omnitron_failure *failure)
{
    struct omnitron_desk *desk = arg;
    desk->written = written;
    desk->status = status;
    note(desk, failure);
}

void omnitron_desk_on_user(void *arg, const struct omnitron_failure *failure)
{
    note(arg, failure);
}

struct goal {
    const struct omnitron_desk *desk;
    unsigned done_count;
};

static bool is_reached(void *arg)
{
    const struct goal *goal = arg;
    return goal->desk->done_count >= goal->done_count;
}

void omnitron_desk_wait(struct omnitron_desk *desk, unsigned done_count)
{
    struct goal goal = {desk, done_count};
    assert_loop_reaches(desk->loop, is_reached, &goal, DESK_LIMIT_MS);
    assert_int_equal(desk->done_count, done_count);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void omnitron_desk_idle(struct omnitron_desk *desk, int64_t ms)
{
    (void)loop_until(desk->loop, never, NULL, ms);
}

void omnitron_desk_list(struct omnitron_desk *desk)
{
    omnitron_desk_list_at_once(desk, 1);
}

void omnitron_desk_list_at_once(struct omnitron_desk *desk, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)omnitron_list(desk->omnitron, omnitron_desk_on_list, desk);
    }
    omnitron_desk_wait(desk, desk->done_count + count);
}

void omnitron_desk_find(struct omnitron_desk *desk, size_t webhook)
{
    (void)omnitron_find(desk->omnitron, &desk->account->webhooks[webhook], omnitron_desk_on_list,
                        desk);
    omnitron_desk_wait(desk, desk->done_count + 1);
}

void omnitron_desk_create(struct omnitron_desk *desk, size_t webhook)
{
    (void)omnitron_create(desk->omnitron, &desk->account->webhooks[webhook],
                          omnitron_desk_on_written, desk);
    omnitron_desk_wait(desk, desk->done_count + 1);
}

void omnitron_desk_patch(struct omnitron_desk *desk, int64_t id, size_t webhook, unsigned fields)
{
    (void)omnitron_patch(desk->omnitron, id, &desk->account->webhooks[webhook], fields,
                         omnitron_desk_on_written, desk);
    omnitron_desk_wait(desk, desk->done_count + 1);
}

void omnitron_desk_check_token(struct omnitron_desk *desk, const char *token)
{
    (void)omnitron_check_token(desk->omnitron, token, omnitron_desk_on_user, desk);
    omnitron_desk_wait(desk, desk->done_count + 1);
}

void omnitron_desk_expect_failure(const struct omnitron_desk *desk, enum omnitron_failure_kind kind)
{
    if (!desk->has_failed || desk->failure.kind != kind) {
        fail_because("expected %s, got %s: %s", omnitron_failure_name(kind),
                     desk->has_failed ? omnitron_failure_name(desk->failure.kind) : "success",
                     desk->has_failed ? desk->failure.error.text : "");
    }
}

void omnitron_desk_expect_success(const struct omnitron_desk *desk)
{
    if (desk->has_failed) {
        fail_because("%s: %s", omnitron_failure_name(desk->failure.kind), desk->failure.error.text);
    }
}
