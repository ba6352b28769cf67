#include "tests/support/queue_desk.h"

#include "common/mem.h"
#include "common/redis_script.h"
#include "common/strbuf.h"
#include "tests/support/loop_until.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000, POP_WAIT_MS = 10, EVENTS_MAX_BYTES = 1 << 20 };

struct queue_desk {
    struct redis_fixture *redis; /* borrowed */
    struct loop *loop;
    struct redis_address address;
    struct redis_client *client;
    struct redis_client *blocking;
    struct job_queue *queue;
    struct redis_client *listener; /* NULL until desk_listen */
    struct strbuf events;
    unsigned ups;
    bool is_answered;
};

struct job_queue_options desk_options(void)
{
    return (struct job_queue_options){
        .namespace_name = "t",
        .lease_ms = 15000,
        .queue_max = 10,
        .result_ttl_s = 86400,
        .job_attempts = 3,
        .job_max_age_ms = 3600000,
        .retry = {.base_ms = 10, .max_ms = 10},
    };
}

static void on_state(void *arg, bool is_up, const struct error *why_down)
{
    struct queue_desk *desk = arg;
    (void)why_down;
    desk->ups += is_up;
}

static bool both_are_up(void *arg)
{
    const struct queue_desk *desk = arg;
    return desk->ups == 2;
}

struct queue_desk *queue_desk_new(struct redis_fixture *redis,
                                  const struct job_queue_options *options)
{
    struct queue_desk *desk = mem_new(1, sizeof *desk);
    struct job_queue_options defaults = desk_options();
    struct error err;
    desk->redis = redis;
    desk->loop = loop_new();
    strbuf_init(&desk->events, EVENTS_MAX_BYTES);
    if (!redis_address_parse(&desk->address, redis_fixture_url(redis), &err)) {
        fail_because("%s", err.text);
    }
    const struct redis_options redis_options = {
        .address = &desk->address,
        .name = "desk",
        .timeout_ms = LIMIT_MS,
        .on_state = on_state,
        .arg = desk,
    };
    desk->client = redis_client_new(desk->loop, &redis_options);
    desk->blocking = redis_client_new(desk->loop, &redis_options);
    desk->queue = job_queue_new(desk->client, options == NULL ? &defaults : options);
    assert_loop_reaches(desk->loop, both_are_up, desk, LIMIT_MS);
    return desk;
}

void queue_desk_free(struct queue_desk *desk)
{
    if (desk == NULL) {
        return;
    }
    redis_client_free(desk->client);
    redis_client_free(desk->blocking);
    redis_client_free(desk->listener);
    job_queue_free(desk->queue);
    redis_address_clear(&desk->address);
    strbuf_clear(&desk->events);
    loop_free(desk->loop);
    mem_free(desk);
}

/* ---- As fixtures ---- */

int queue_desk_group_setup(void **state)
{
    *state = redis_fixture_new(NULL);
    return 0;
}

static bool cluster_is_ok(void *arg)
{
    return strstr(redis_text(arg, "CLUSTER INFO"), "cluster_state:ok") != NULL;
}

int queue_desk_group_setup_cluster(void **state)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", socket_free_port());
    const char *const args[] = {"--cluster-enabled", "yes", "--cluster-port", port, NULL};
    const struct redis_fixture_options options = {.args = args};
    struct redis_fixture *redis = redis_fixture_new(&options);
    redis_do(redis, "CLUSTER ADDSLOTSRANGE 0 16383");
    assert_becomes_true(cluster_is_ok, redis, LIMIT_MS);
    *state = redis;
    return 0;
}

int queue_desk_group_teardown(void **state)
{
    redis_fixture_free(*state);
    return 0;
}

int queue_desk_setup(void **state)
{
    struct redis_fixture *redis = *state;
    redis_do(redis, "FLUSHALL");
    redis_do(redis, "CONFIG SET maxmemory 0");
    *state = queue_desk_new(redis, NULL);
    return 0;
}

int queue_desk_teardown(void **state)
{
    queue_desk_free(*state);
    return 0;
}

struct redis_fixture *queue_desk_redis(struct queue_desk *desk)
{
    return desk->redis;
}

/* ---- Waiting for an answer ---- */

/* A call's answer: where it goes, and whose call it was. */
struct ask {
    struct queue_desk *desk;
    void *answer;
};

static bool is_answered(void *arg)
{
    const struct queue_desk *desk = arg;
    return desk->is_answered;
}

static void begin(struct ask *ask, struct queue_desk *desk, void *answer)
{
    *ask = (struct ask){.desk = desk, .answer = answer};
    desk->is_answered = false;
}

static void wait_answer(const struct ask *ask)
{
    assert_false(ask->desk->is_answered);
    assert_loop_reaches(ask->desk->loop, is_answered, ask->desk, LIMIT_MS);
}

static void answered(const struct ask *ask)
{
    assert_false(ask->desk->is_answered);
    ask->desk->is_answered = true;
}

static enum error_code code_of(const struct error *why_not)
{
    return why_not == NULL ? ERROR_NONE : why_not->code;
}

/* ---- The API's calls ---- */

static void on_enqueued(void *arg, enum enqueue_result result, const char *job,
                        const struct error *why_not)
{
    const struct ask *ask = arg;
    struct enqueue_answer *answer = ask->answer;
    answer->code = code_of(why_not);
    answer->result = result;
    (void)snprintf(answer->job, sizeof answer->job, "%s", job == NULL ? "" : job);
    answered(ask);
}

struct enqueue_answer desk_enqueue(struct queue_desk *desk, const char *account)
{
    struct enqueue_answer answer = {0};
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_enqueue(desk->queue, account, on_enqueued, &ask);
    wait_answer(&ask);
    return answer;
}

static void on_read_state(void *arg, const char *state, const struct error *why_not)
{
    static const char *const states[] = {"READY", "WORKING", "FINISHED", "FAILED", "ABORTED"};
    const struct ask *ask = arg;
    assert_null(why_not);
    const char **answer = ask->answer;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(states[i], state) == 0) {
            *answer = states[i];
        }
    }
    assert_non_null(*answer);
    answered(ask);
}

const char *desk_state(struct queue_desk *desk, const char *account)
{
    const char *answer = NULL;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_get_state(desk->queue, account, on_read_state, &ask);
    wait_answer(&ask);
    return answer;
}

static void on_aborted(void *arg, bool found, const struct error *why_not)
{
    const struct ask *ask = arg;
    assert_null(why_not);
    *(bool *)ask->answer = found;
    answered(ask);
}

bool desk_abort(struct queue_desk *desk, const char *account)
{
    bool answer = false;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_abort(desk->queue, account, on_aborted, &ask);
    wait_answer(&ask);
    return answer;
}

static void on_document(void *arg, const char *document, size_t size, const struct error *why_not)
{
    const struct ask *ask = arg;
    assert_null(why_not);
    if (document != NULL) {
        json_error_t error;
        json_t *parsed = json_loadb(document, size, JSON_REJECT_DUPLICATES, &error);
        if (parsed == NULL) {
            fail_because("%s in %s", error.text, document);
        }
        *(json_t **)ask->answer = parsed;
    }
    answered(ask);
}

json_t *desk_report(struct queue_desk *desk, const char *account)
{
    json_t *answer = NULL;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_get_report(desk->queue, account, on_document, &ask);
    wait_answer(&ask);
    return answer;
}

json_t *desk_document(struct queue_desk *desk, desk_get_fn *get)
{
    json_t *answer = NULL;
    struct ask ask;
    begin(&ask, desk, &answer);
    get(desk->queue, on_document, &ask);
    wait_answer(&ask);
    return answer;
}

json_t *desk_statuses(struct queue_desk *desk, const char *const *accounts, size_t count)
{
    json_t *answer = NULL;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_list_statuses(desk->queue, accounts, count, on_document, &ask);
    wait_answer(&ask);
    return answer;
}

/* ---- The worker's calls for itself ---- */

static void on_done(void *arg, const struct error *why_not)
{
    const struct ask *ask = arg;
    *(enum error_code *)ask->answer = code_of(why_not);
    answered(ask);
}

static struct worker_info info_of(const char *worker)
{
    return (struct worker_info){
        .name = worker,
        .host = "host",
        .pid = 1,
        .started_at_ms = 1700000000123,
        .concurrency = 64,
    };
}

enum error_code desk_register(struct queue_desk *desk, const char *worker)
{
    enum error_code answer = ERROR_NONE;
    struct ask ask;
    struct worker_info info = info_of(worker);
    begin(&ask, desk, &answer);
    job_queue_register(desk->queue, &info, on_done, &ask);
    wait_answer(&ask);
    return answer;
}

enum error_code desk_unregister(struct queue_desk *desk, const char *worker)
{
    enum error_code answer = ERROR_NONE;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_unregister(desk->queue, worker, on_done, &ask);
    wait_answer(&ask);
    return answer;
}

static void on_beaten(void *arg, const char *const *aborted, size_t aborted_count,
                      const struct error *why_not)
{
    const struct ask *ask = arg;
    struct beat_answer *answer = ask->answer;
    answer->code = code_of(why_not);
    assert_in_range(aborted_count, 0, DESK_ABORTED_MAX);
    for (size_t i = 0; i < aborted_count; i++) {
        (void)snprintf(answer->aborted[i], sizeof answer->aborted[i], "%s", aborted[i]);
    }
    answer->aborted_count = aborted_count;
    answered(ask);
}

struct beat_answer desk_beat(struct queue_desk *desk, const char *worker)
{
    struct beat_answer answer = {0};
    struct ask ask;
    struct worker_info info = info_of(worker);
    begin(&ask, desk, &answer);
    job_queue_beat(desk->queue, &info, on_beaten, &ask);
    wait_answer(&ask);
    return answer;
}

static void on_popped(void *arg, const char *element, size_t size, const struct error *why_not)
{
    const struct ask *ask = arg;
    struct pop_answer *answer = ask->answer;
    answer->code = code_of(why_not);
    assert_in_range(size, 0, sizeof answer->element - 1);
    if (element != NULL) {
        memcpy(answer->element, element, size);
    }
    answered(ask);
}

struct pop_answer desk_pop(struct queue_desk *desk, const char *worker)
{
    struct pop_answer answer = {0};
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_pop(desk->queue, desk->blocking, worker, POP_WAIT_MS, on_popped, &ask);
    wait_answer(&ask);
    return answer;
}

/* ---- The worker's calls for a run ---- */

static void on_claimed(void *arg, const struct job_claim *claim, const struct error *why_not)
{
    const struct ask *ask = arg;
    struct claim_answer *answer = ask->answer;
    answer->code = code_of(why_not);
    answer->is_run = claim != NULL;
    if (claim != NULL) {
        answer->claim = *claim;
        answer->claim.earlier = NULL;
        (void)snprintf(answer->earlier, sizeof answer->earlier, "%.*s", (int)claim->earlier_size,
                       claim->earlier);
    }
    answered(ask);
}

struct claim_answer desk_claim(struct queue_desk *desk, const char *worker, const char *element,
                               const char *token)
{
    struct claim_answer answer = {0};
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_claim(desk->queue, worker, element, strlen(element), token, on_claimed, &ask);
    wait_answer(&ask);
    return answer;
}

struct claim_answer desk_start(struct queue_desk *desk, const char *worker)
{
    char token[RANDOM_ID_SIZE];
    struct pop_answer popped = desk_pop(desk, worker);
    assert_int_equal(popped.code, ERROR_NONE);
    if (popped.element[0] == '\0') {
        return (struct claim_answer){0};
    }
    return desk_claim(desk, worker, popped.element, random_id_make(token));
}

enum error_code desk_progress(struct queue_desk *desk, const struct job_claim *claim,
                              const struct run_counts *counts, const char *details)
{
    enum error_code answer = ERROR_NONE;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_progress(desk->queue, claim, counts, details, on_done, &ask);
    wait_answer(&ask);
    return answer;
}

static void on_finished(void *arg, enum job_end end, const struct error *why_not)
{
    const struct ask *ask = arg;
    struct finish_answer *answer = ask->answer;
    answer->code = code_of(why_not);
    answer->end = end;
    answered(ask);
}

struct finish_answer desk_finish_with(struct queue_desk *desk, const struct job_claim *claim,
                                      const struct run_result *result)
{
    struct finish_answer answer = {0};
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_finish(desk->queue, claim, result, on_finished, &ask);
    wait_answer(&ask);
    return answer;
}

struct finish_answer desk_finish(struct queue_desk *desk, const struct job_claim *claim,
                                 enum run_outcome outcome)
{
    const struct run_result result = {
        .outcome = outcome,
        .error = outcome == RUN_OK ? NULL : "it did not work",
    };
    return desk_finish_with(desk, claim, &result);
}

/* ---- Housekeeping ---- */

static void on_swept(void *arg, int64_t moved, const struct error *why_not)
{
    const struct ask *ask = arg;
    if (why_not != NULL) {
        fail_because("%s", why_not->text);
    }
    *(int64_t *)ask->answer = moved;
    answered(ask);
}

typedef void sweep_fn(struct job_queue *queue, job_swept_fn *fn, void *arg);

static int64_t sweep(struct queue_desk *desk, sweep_fn *start)
{
    int64_t answer = 0;
    struct ask ask;
    begin(&ask, desk, &answer);
    start(desk->queue, on_swept, &ask);
    wait_answer(&ask);
    return answer;
}

int64_t desk_drop_dead(struct queue_desk *desk, const char *job)
{
    int64_t answer = 0;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_drop_dead(desk->queue, job, on_swept, &ask);
    wait_answer(&ask);
    return answer;
}

int64_t desk_promote(struct queue_desk *desk)
{
    return sweep(desk, job_queue_promote);
}

int64_t desk_take_back(struct queue_desk *desk)
{
    return sweep(desk, job_queue_take_back);
}

int64_t desk_audit(struct queue_desk *desk)
{
    return sweep(desk, job_queue_audit);
}

int64_t desk_take_back_own(struct queue_desk *desk, const char *worker, const char *const *known,
                           size_t known_count)
{
    int64_t answer = 0;
    struct ask ask;
    begin(&ask, desk, &answer);
    job_queue_take_back_own(desk->queue, worker, known, known_count, on_swept, &ask);
    wait_answer(&ask);
    return answer;
}

/* ---- Looking at Redis itself ---- */

extern const unsigned char embedded_prelude_lua[];
extern const unsigned char embedded_prelude_rest_lua[];
extern const unsigned char embedded_enqueue_lua[];

char *desk_script(const char *body)
{
    struct redis_script script;
    bool is_short = body == (const char *)embedded_enqueue_lua;
    const unsigned char *const parts[] = {embedded_prelude_lua,
                                          is_short ? NULL : embedded_prelude_rest_lua,
                                          (const unsigned char *)body};
    redis_script_init(&script, parts);
    return redis_script_text(&script);
}

const char *desk_status(struct queue_desk *desk, const char *account, const char *field)
{
    const char *value = redis_text(desk->redis, "HGET {t}:status:%s %s", account, field);
    return value == NULL ? "(none)" : value;
}

char *desk_dump(struct queue_desk *desk, const char *except)
{
    static const char script[] =
        "local keys, lines = redis.call('KEYS', '*'), {} "
        "table.sort(keys) "
        "for _, key in ipairs(keys) do "
        "  if ARGV[1] == '' or not key:find(ARGV[1], 1, true) then "
        "    lines[#lines + 1] = key .. ' ' .. redis.sha1hex(redis.call('DUMP', key)) "
        "  end "
        "end "
        "return table.concat(lines, '\\n')";
    return mem_copy_text(
        redis_text(desk->redis, "EVAL %s 1 {t}: %s", script, except == NULL ? "" : except));
}

static void on_message(void *arg, const char *message, size_t size)
{
    struct queue_desk *desk = arg;
    strbuf_add(&desk->events, message, size);
    strbuf_add_text(&desk->events, "\n");
}

static bool has_heard(void *arg)
{
    const struct queue_desk *desk = arg;
    return strstr(desk->events.bytes, "\"mark\"") != NULL;
}

void desk_listen(struct queue_desk *desk)
{
    const struct redis_options options = {
        .address = &desk->address, .name = "listener", .timeout_ms = LIMIT_MS};
    desk->listener = redis_client_new(desk->loop, &options);
    redis_client_subscribe(desk->listener, job_queue_events_channel(desk->queue), on_message, desk);
    while (redis_int(desk->redis, "PUBLISH {t}:events %s", "{}") == 0) {
        loop_turn(desk->loop);
    }
    (void)desk_events(desk);
    strbuf_reset(&desk->events);
}

const char *desk_events(struct queue_desk *desk)
{
    redis_do(desk->redis, "PUBLISH {t}:events %s", "\"mark\"");
    assert_loop_reaches(desk->loop, has_heard, desk, LIMIT_MS);
    desk->events.size = (size_t)(strstr(desk->events.bytes, "\"mark\"") - desk->events.bytes);
    desk->events.bytes[desk->events.size] = '\0';
    return desk->events.bytes;
}

void desk_end_lease(struct queue_desk *desk, const char *worker, int64_t ms_ago)
{
    static const char script[] =
        "local time = redis.call('TIME') "
        "local ms = time[1] * 1000 + math.floor(time[2] / 1000) "
        "redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', ms - ARGV[1]), ARGV[2])";
    char ago[24];
    (void)snprintf(ago, sizeof ago, "%" PRId64, ms_ago);
    redis_do(desk->redis, "EVAL %s 1 {t}:workers %s %s", script, ago, worker);
}
