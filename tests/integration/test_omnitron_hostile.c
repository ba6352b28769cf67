/* The Omnitron client against a server that answers with everything that may go wrong: every call
   ends in time, with an answer that makes sense or a failure without a secret; nothing leaks, and
   nobody else is ever asked. HOSTILE_SEED has a run again. */
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"
#include "common/omnitron.h"
#include "common/strbuf.h"
#include "tests/support/chance.h"
#include "tests/support/fail.h"
#include "tests/support/hostile.h"
#include "tests/support/loop_until.h"
#include "tests/support/memory.h"
#include "tests/support/settings_text.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXCHANGES = 10000,
    ROUNDS_MAX = 200,
    ACCOUNTS = 96, /* at work at the same time */
    CALLS = 10,    /* of each, one after the other */
    CALL_LIMIT_MS = 60000,
    ROUND_LIMIT_MS = 120000,
    PEAK_MAX_KIB = 256 * 1024,
    GROWTH_MAX_BYTES = 1024 * 1024,
};

/* One account and what it is doing. */
struct caller {
    struct round *round;
    struct omnitron *omnitron;
    const struct account *account;
    struct chance chance;
    char token[64]; /* of a caller that is checked */
    unsigned number;
    unsigned calls_left;
    bool is_writing;
    int64_t started_ms;
};

struct round {
    struct loop *loop;
    struct http_client *http;
    struct omnitron_pool *pool;
    struct settings *settings;
    struct caller callers[ACCOUNTS];
    unsigned calls_ended;
    unsigned calls_succeeded;
    unsigned calls_wanted; /* then the rest is cancelled */
};

/* ---- What must hold when a call ends ---- */

static void check_has_none(const char *text, const char *secret)
{
    if (strstr(text, secret) != NULL) {
        fail_because("a secret in: %s", text);
    }
}

/* The account's own secrets: what this server has learnt from another account it may throw at any.
 */
static void check_text(const struct caller *caller, const char *text)
{
    char secret[64];
    (void)snprintf(secret, sizeof secret, "t0ken-%u.", caller->number);
    check_has_none(text, secret);
    (void)snprintf(secret, sizeof secret, "pa55word-%u", caller->number);
    check_has_none(text, secret);
    if (caller->is_writing) {
        (void)snprintf(secret, sizeof secret, "s3cret-%u.", caller->number);
        check_has_none(text, secret);
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            fail_because("a control character in: %s", text);
        }
    }
}

static int by_id(const void *left, const void *right)
{
    int64_t a = ((const struct registered_hook *)left)->id;
    int64_t b = ((const struct registered_hook *)right)->id;
    return (a > b) - (a < b);
}

static void check_list(struct hook_list *list)
{
    if (list->count > 0) {
        qsort(list->hooks, list->count, sizeof list->hooks[0], by_id);
    }
    for (size_t i = 0; i < list->count; i++) {
        assert_non_null(list->hooks[i].event_type);
        assert_non_null(list->hooks[i].target_url);
        assert_true(i == 0 || list->hooks[i].id != list->hooks[i - 1].id);
    }
}

static void start_call(struct caller *caller);

static void end_call(struct caller *caller, const struct omnitron_failure *failure)
{
    struct round *round = caller->round;
    assert_true(now_mono_ms() - caller->started_ms < CALL_LIMIT_MS);
    if (failure != NULL) {
        if (failure->error.text[0] == '\0') {
            fail_because("%s without a word", omnitron_failure_name(failure->kind));
        }
        check_text(caller, failure->error.text);
        assert_true(failure->retry_after_ms >= 0);
    }
    round->calls_ended++;
    round->calls_succeeded += failure == NULL;
    caller->calls_left--;
    if (caller->calls_left > 0) {
        start_call(caller);
    }
}

static void on_list(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    assert_true((list == NULL) == (failure != NULL));
    if (list != NULL) {
        check_list(list);
    }
    hook_list_free(list);
    end_call(arg, failure);
}

static void on_written(void *arg, enum omnitron_written written, int status,
                       const struct omnitron_failure *failure)
{
    (void)status;
    if (failure == NULL) {
        assert_in_range(written, OMNITRON_CREATED, OMNITRON_PATCHED);
    }
    end_call(arg, failure);
}

static void on_registry(void *arg, const char *const *event_types, size_t count,
                        const struct omnitron_failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        assert_non_null(event_types[i]);
    }
    end_call(arg, failure);
}

static void on_user(void *arg, const struct omnitron_failure *failure)
{
    end_call(arg, failure);
}

/* ---- Calls ---- */

static void start_call(struct caller *caller)
{
    struct omnitron *omnitron = caller->omnitron;
    const struct webhook *webhook =
        &caller->account->webhooks[chance_pick(&caller->chance, caller->account->webhook_count)];
    size_t choice = chance_pick(&caller->chance, 10);
    caller->started_ms = now_mono_ms();
    caller->is_writing = choice <= 2;
    switch (choice) {
    case 0:
    case 1:
        (void)omnitron_create(omnitron, webhook, on_written, caller);
        return;
    case 2:
        (void)omnitron_patch(omnitron, (int64_t)chance_pick(&caller->chance, 9), webhook,
                             WEBHOOK_IS_ACTIVE | WEBHOOK_SECRET_KEY, on_written, caller);
        return;
    case 3:
        (void)omnitron_find(omnitron, webhook, on_list, caller);
        return;
    case 4:
        (void)omnitron_read_registry(omnitron, on_registry, caller);
        return;
    case 5:
        (void)omnitron_check_token(omnitron, caller->token, on_user, caller);
        return;
    default:
        (void)omnitron_list(omnitron, on_list, caller);
        return;
    }
}

/* ---- Rounds ---- */

static void add_account(struct strbuf *text, const struct hostile *hostile, unsigned number)
{
    strbuf_addf(text,
                "\"a%u\":{\"api_keys\":[\"sha256:%064u\"],\"omnitron\":{\"url\":\"%s/%u/\","
                "\"hooks_path\":\"hooks/\",\"login_path\":\"login/\",\"user_path\":\"user/\","
                "\"ca_file\":\"%s\",\"connect_timeout_ms\":400,\"timeout_ms\":400,"
                "\"max_connections\":%u,",
                number, number + 1, hostile_url(hostile, number % 2 == 1), number,
                hostile_ca_file(hostile), 1 + number % 5);
    if (number % 5 == 0) {
        strbuf_addf(text, "\"username\":\"acme\",\"password\":\"pa55word-%u\"}", number);
    } else {
        strbuf_addf(text, "\"token\":\"t0ken-%u.0\"}", number);
    }
    strbuf_addf(text,
                ",\"OMNITRON_WEBHOOKS\":[{\"event_type\":\"a.b\",\"target_url\":"
                "\"https://x.example/1\",\"secret_key\":\"s3cret-%u.1\"},{\"event_type\":"
                "\"a.c\",\"target_url\":\"https://x.example/2\",\"additional_headers\":"
                "{\"Authorization\":\"Token s3cret-%u.2\"}}]}",
                number, number);
}

/* Accounts numbered from first on. */
static struct settings *load_settings(const struct hostile *hostile, unsigned first, unsigned count)
{
    struct strbuf text;
    strbuf_init(&text, SIZE_MAX / 2);
    strbuf_add_text(&text, "{\"accounts\":{");
    for (unsigned i = 0; i < count; i++) {
        strbuf_add_text(&text, i == 0 ? "" : ",");
        add_account(&text, hostile, first + i);
    }
    strbuf_add_text(&text, "}}");
    struct settings *settings = settings_of_text(text.bytes);
    strbuf_clear(&text);
    return settings;
}

static void round_start(struct round *round, const struct hostile *hostile, unsigned first,
                        unsigned count, unsigned breaker_failures)
{
    const struct omnitron_pool_options options = {
        .tries = 2,
        .retry = {.base_ms = 1, .max_ms = 5},
        .retry_after_max_ms = 20,
        .breaker_failures = breaker_failures,
    };
    *round = (struct round){.loop = loop_new()};
    round->http = http_client_new(round->loop, 16);
    round->pool = omnitron_pool_new(round->loop, round->http, &options);
    round->settings = load_settings(hostile, first, count);
    for (unsigned i = 0; i < count; i++) {
        struct caller *caller = &round->callers[i];
        char name[16];
        (void)snprintf(name, sizeof name, "a%u", first + i);
        caller->round = round;
        caller->number = first + i;
        caller->account = settings_find_account(round->settings, name);
        caller->omnitron = omnitron_new(round->pool, round->settings, caller->account);
        (void)snprintf(caller->token, sizeof caller->token, "t0ken-%u.caller", first + i);
    }
}

static void round_end(struct round *round)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        omnitron_free(round->callers[i].omnitron);
    }
    omnitron_pool_free(round->pool);
    http_client_free(round->http);
    settings_unref(round->settings);
    loop_free(round->loop);
}

static bool has_enough(void *arg)
{
    const struct round *round = arg;
    return round->calls_ended >= round->calls_wanted;
}

struct totals {
    unsigned requests;
    unsigned calls;
    unsigned succeeded;
};

static void run_round(struct totals *totals, const struct hostile *hostile, uint64_t seed,
                      unsigned number)
{
    struct round round;
    unsigned first = number % 10 * ACCOUNTS; /* below the endless one */
    round_start(&round, hostile, first, ACCOUNTS, number % 2 * 5);
    /* The last ones are cancelled: that must do no harm either, and saves their time limits. */
    round.calls_wanted = number % 3 == 2 ? ACCOUNTS * CALLS / 2 : ACCOUNTS * CALLS * 9 / 10;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        round.callers[i].chance = chance_start(seed, (uint64_t)number * ACCOUNTS + i);
        round.callers[i].calls_left = CALLS;
        start_call(&round.callers[i]);
    }
    assert_loop_reaches(round.loop, has_enough, &round, ROUND_LIMIT_MS);
    totals->calls += round.calls_ended;
    totals->succeeded += round.calls_succeeded;
    round_end(&round);
    totals->requests = (unsigned)metrics_read_all(METRIC_OMNITRON_ANSWERS);
}

/* ---- What the process holds ---- */

static size_t count_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

static void ten_thousand_exchanges_do_no_harm(void **state)
{
    (void)state;
    uint64_t seed = hostile_seed();
    int64_t start_ms = now_mono_ms();
    struct hostile *hostile = hostile_start(seed);
    struct totals totals = {0};
    unsigned number = 0;
    run_round(&totals, hostile, seed, number++); /* what is made once is made */
    size_t descriptors = count_descriptors();
    size_t bytes = mallinfo2().uordblks;
    while (totals.requests < EXCHANGES && number < ROUNDS_MAX) {
        run_round(&totals, hostile, seed, number++);
    }
    size_t growth = mallinfo2().uordblks - bytes;
    assert_int_equal(count_descriptors(), descriptors);
    struct hostile_end end = hostile_stop(hostile);
    print_message("%u requests of %u calls (%u succeeded) in %u rounds, %lld ms; the server saw %u "
                  "connections, %u requests; %zu bytes more in use, %zu KiB at most\n",
                  totals.requests, totals.calls, totals.succeeded, number,
                  (long long)(now_mono_ms() - start_ms), end.connections, end.requests, growth,
                  memory_peak_kib(0));
    assert_true(totals.requests >= EXCHANGES);
    /* Others fail before: TLS, silence, goodbyes, and time limits on a busy machine. */
    assert_true(end.requests >= EXCHANGES / 4);
    assert_true(totals.succeeded > totals.calls / 100);
    assert_true(totals.succeeded < totals.calls);
    assert_int_equal(end.faults, 0);
    assert_int_equal(end.visits, 0);
    if (!memory_is_sanitized()) {
        assert_true((int64_t)growth < GROWTH_MAX_BYTES);
        assert_true(memory_peak_kib(0) < PEAK_MAX_KIB);
    }
}

struct ending {
    unsigned count;
    bool is_too_long;
};

static void on_endless(void *arg, struct hook_list *list, const struct omnitron_failure *failure)
{
    struct ending *ending = arg;
    assert_null(list);
    ending->count++;
    ending->is_too_long = strstr(failure->error.text, "it is too long") != NULL;
}

static bool has_ended(void *arg)
{
    return ((const struct ending *)arg)->count > 0;
}

/* A connection may fail before: then once more. */
static void a_list_without_end_ends_at_its_limit(void **state)
{
    (void)state;
    enum { TRIES = 20 };
    struct hostile *hostile = hostile_start(hostile_seed());
    struct round round;
    round_start(&round, hostile, HOSTILE_ENDLESS_ACCOUNT, 1, 0);
    struct ending ending = {0};
    for (int i = 0; i < TRIES && !ending.is_too_long; i++) {
        ending.count = 0;
        (void)omnitron_list(round.callers[0].omnitron, on_endless, &ending);
        assert_loop_reaches(round.loop, has_ended, &ending, ROUND_LIMIT_MS);
    }
    assert_true(ending.is_too_long);
    (void)round_end(&round);
    (void)hostile_stop(hostile);
    if (!memory_is_sanitized()) {
        assert_true(memory_peak_kib(0) < PEAK_MAX_KIB);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_exchanges_do_no_harm),
        cmocka_unit_test(a_list_without_end_ends_at_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
