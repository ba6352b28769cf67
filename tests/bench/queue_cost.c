#include "tests/bench/queue_cost.h"

#include "common/job_queue.h"
#include "common/mem.h"
#include "tests/bench/measure.h"
#include "tests/support/loop_until.h"
#include "tests/support/redis_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each step is done BATCH times in a row, WINDOW of them on the way at once; ROUNDS times in turn
   on each queue, so that all meet the same machine. The first rounds warm up. */
enum { BATCH = 200, WINDOW = 50, ROUNDS = 120, WARM_UP = 10 };
enum { AUDITS = 20, LIMIT_MS = 600000, TIMEOUT_MS = 60000 };

/* The queue's length is to be compared, not what fits the processor's caches: so the second queue
   is short too, but its Redis knows as many accounts as the third one's. No account of those two is
   used twice. */
enum { FEW = 1000, MANY = 1000000, IDLE = (ROUNDS + WARM_UP + 1) * BATCH };
static const struct size {
    size_t waiting;
    size_t accounts;
    const char *name;
} sizes[] = {{FEW, FEW + BATCH, "1k of 1k"},
             {FEW, MANY + IDLE, "1k of 1M"},
             {MANY, MANY + IDLE, "1M of 1M"}};
enum { RIGS = sizeof sizes / sizeof sizes[0] };

struct rig;

/* A step: what is sent for the index-th of a batch, and what Redis counts it as. */
struct step {
    const char *name;
    const char *command;
    void (*send)(struct rig *rig, size_t index);
};

/* A Redis with a queue that keeps its length: each round pushes and takes as many. Every account is
   known, and they are used in turn. */
struct rig {
    struct size size;
    struct redis_fixture *redis;
    struct loop *loop;
    struct redis_address address;
    struct redis_client *client;
    struct job_queue *queue;
    struct job_queue *auditor;
    size_t pushed; /* ever; modulo the accounts: the next one's number */
    const struct step *step;
    size_t count, sent, answered; /* of the batch under way */
    char elements[BATCH][256];
    struct job_claim claims[BATCH];
    size_t popped, claimed;
    double bytes_per_job;
};

static void give_up(const char *what, const struct error *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why == NULL ? "not what it should be" : why->text);
    exit(1);
}

/* ---- The steps ---- */

static void answered(struct rig *rig, bool is_right, const struct error *why_not)
{
    if (!is_right || why_not != NULL) {
        give_up(rig->step->name, why_not);
    }
    rig->answered++;
    if (rig->sent < rig->count) {
        rig->step->send(rig, rig->sent++);
    }
}

static const char *account_of(const struct rig *rig, size_t number)
{
    static char name[32];
    (void)snprintf(name, sizeof name, "a%zu", number % rig->size.accounts);
    return name;
}

static void on_pushed(void *arg, enum enqueue_result result, const char *job,
                      const struct error *why_not)
{
    (void)job;
    answered(arg, result == ENQUEUE_NEW, why_not);
}

static void send_push(struct rig *rig, size_t index)
{
    (void)index;
    job_queue_enqueue(rig->queue, account_of(rig, rig->pushed++), on_pushed, rig);
}

static void on_aborted(void *arg, bool found, const struct error *why_not)
{
    answered(arg, found, why_not);
}

/* The newest: the end that a search from the next job on reaches last. */
static void send_abort(struct rig *rig, size_t index)
{
    (void)index;
    job_queue_abort(rig->queue, account_of(rig, --rig->pushed), on_aborted, rig);
}

static void on_popped(void *arg, const char *element, size_t size, const struct error *why_not)
{
    struct rig *rig = arg;
    if (element == NULL || size >= sizeof rig->elements[0]) {
        give_up("pop", why_not);
        return;
    }
    memcpy(rig->elements[rig->popped], element, size);
    rig->elements[rig->popped++][size] = '\0';
    answered(rig, true, why_not);
}

static void send_pop(struct rig *rig, size_t index)
{
    (void)index;
    job_queue_pop(rig->queue, rig->client, "w", 0, on_popped, rig);
}

static void on_claimed(void *arg, const struct job_claim *claim, const struct error *why_not)
{
    struct rig *rig = arg;
    if (claim != NULL) {
        rig->claims[rig->claimed++] = *claim;
    }
    answered(rig, claim != NULL, why_not);
}

static void send_claim(struct rig *rig, size_t index)
{
    char token[RANDOM_ID_SIZE];
    const char *element = rig->elements[index];
    job_queue_claim(rig->queue, "w", element, strlen(element), random_id_make(token), on_claimed,
                    rig);
}

static void on_finished(void *arg, enum job_end end, const struct error *why_not)
{
    answered(arg, end == JOB_FINISHED, why_not);
}

static void send_finish(struct rig *rig, size_t index)
{
    const struct run_result result = {
        .outcome = RUN_OK,
        .counts = {.done = 1, .total = 1, .created = 1},
        .details = "\"settings\":\"0\",\"webhooks\":[{\"event_type\":\"package.created\","
                   "\"target_url\":\"https://erp.example.com/hooks/\",\"outcome\":\"created\","
                   "\"status\":201,\"error\":null}],\"warnings\":[]",
    };
    job_queue_finish(rig->queue, &rig->claims[index], &result, on_finished, rig);
}

static void on_audited(void *arg, int64_t moved, const struct error *why_not)
{
    answered(arg, moved == 0, why_not);
}

static void send_audit(struct rig *rig, size_t index)
{
    (void)index;
    job_queue_audit(rig->auditor, on_audited, rig);
}

/* Of one round, in this order: after each the queue has its length again, or BATCH more. */
static const struct step steps[] = {
    {"push (enqueue)", "evalsha", send_push},
    {"abort", "evalsha", send_abort},
    {"push after an abort", "evalsha", send_push},
    {"pop", "lmove", send_pop},
    {"claim", "evalsha", send_claim},
    {"finish", "evalsha", send_finish},
};
enum { STEPS = sizeof steps / sizeof steps[0] };
static const struct step audit = {"audit", "evalsha", send_audit};

/* ---- Measuring ---- */

static bool is_batch_done(void *arg)
{
    const struct rig *rig = arg;
    return rig->answered == rig->count;
}

static void run_batch(struct rig *rig, const struct step *step, size_t count)
{
    rig->step = step;
    rig->count = count;
    rig->answered = 0;
    rig->sent = 0;
    rig->popped = rig->popped == BATCH ? 0 : rig->popped;
    rig->claimed = rig->claimed == BATCH ? 0 : rig->claimed;
    while (rig->sent < count && rig->sent < WINDOW) {
        step->send(rig, rig->sent++);
    }
    if (!loop_until(rig->loop, is_batch_done, rig, LIMIT_MS)) {
        give_up(step->name, NULL);
    }
}

static int64_t info_number(struct rig *rig, const char *section, const char *name)
{
    const char *found = strstr(redis_text(rig->redis, "INFO %s", section), name);
    return found == NULL ? 0 : strtoll(found + strlen(name), NULL, 10);
}

/* Microseconds of Redis's in this command, since its start. */
static int64_t command_us(struct rig *rig, const char *command)
{
    char name[64];
    (void)snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    const char *found = strstr(redis_text(rig->redis, "INFO commandstats"), name);
    found = found == NULL ? NULL : strstr(found, "usec=");
    return found == NULL ? 0 : strtoll(found + strlen("usec="), NULL, 10);
}

/* Microseconds a step. */
static double measure_step(struct rig *rig, const struct step *step, size_t count)
{
    int64_t before = command_us(rig, step->command);
    run_batch(rig, step, count);
    return (double)(command_us(rig, step->command) - before) / (double)count;
}

/* ---- The two queues ---- */

static bool is_up(void *client)
{
    return redis_client_is_up(client);
}

static void on_registered(void *arg, const struct error *why_not)
{
    answered(arg, true, why_not);
}

static void send_register(struct rig *rig, size_t index)
{
    (void)index;
    const struct worker_info info = {.name = "w", .host = "host", .pid = 1};
    job_queue_register(rig->queue, &info, on_registered, rig);
}

/* Ends all but the oldest jobs, as if each had been aborted. */
static void end_the_rest(struct rig *rig)
{
    enum { CHUNK = 10000 };
    for (size_t i = rig->size.waiting; i < rig->size.accounts; i += CHUNK) {
        size_t end = i + CHUNK < rig->size.accounts ? i + CHUNK : rig->size.accounts;
        redis_do(rig->redis, "EVAL %s 1 {bench}: %lu %lu",
                 "for i = ARGV[1], ARGV[2] - 1 do local a = string.format('a%d', i) "
                 "redis.call('HSET', KEYS[1] .. 'ctl:' .. a, 'phase', '') "
                 "redis.call('HSET', KEYS[1] .. 'status:' .. a, 'state', 'ABORTED', 'phase', '') "
                 "redis.call('EXPIRE', KEYS[1] .. 'ctl:' .. a, 86400) "
                 "redis.call('EXPIRE', KEYS[1] .. 'status:' .. a, 86400) "
                 "redis.call('SREM', KEYS[1] .. 'active', a) end",
                 (unsigned long)i, (unsigned long)end);
    }
    redis_do(rig->redis, "LTRIM {bench}:queue -%lu -1", (unsigned long)rig->size.waiting);
    rig->pushed = rig->size.waiting;
}

static void connect_rig(struct rig *rig)
{
    struct job_queue_options options = {
        .namespace_name = "bench",
        .lease_ms = LIMIT_MS,
        .queue_max = (int64_t)2 * MANY,
        .result_ttl_s = 86400,
        .job_attempts = 5,
        .job_max_age_ms = 3600000,
    };
    struct error err;
    if (!redis_address_parse(&rig->address, redis_fixture_url(rig->redis), &err)) {
        give_up("Redis's address", &err);
    }
    rig->client = redis_client_new(rig->loop, &(struct redis_options){.address = &rig->address,
                                                                      .name = "bench",
                                                                      .timeout_ms = TIMEOUT_MS});
    rig->queue = job_queue_new(rig->client, &options);
    options.lease_ms = 1; /* looks at what has waited that long */
    rig->auditor = job_queue_new(rig->client, &options);
    if (!loop_until(rig->loop, is_up, rig->client, TIMEOUT_MS)) {
        give_up("connecting to Redis", NULL);
    }
}

static struct rig *rig_new(const struct size *size)
{
    static const struct step registration = {"register", "evalsha", send_register};
    struct rig *rig = mem_new(1, sizeof *rig);
    rig->size = *size;
    rig->redis = redis_fixture_new(NULL);
    rig->loop = loop_new();
    connect_rig(rig);
    run_batch(rig, &registration, 1);
    int64_t before = info_number(rig, "memory", "used_memory:");
    run_batch(rig, &steps[0], size->accounts);
    int64_t bytes = info_number(rig, "memory", "used_memory:") - before;
    rig->bytes_per_job = (double)bytes / (double)size->accounts;
    end_the_rest(rig);
    return rig;
}

static void rig_free(struct rig *rig)
{
    redis_client_free(rig->client);
    job_queue_free(rig->queue);
    job_queue_free(rig->auditor);
    redis_address_clear(&rig->address);
    loop_free(rig->loop);
    redis_fixture_free(rig->redis);
    mem_free(rig);
}

/* Of a round that warms up the next one takes the place. */
static void measure_round(struct rig *rigs[RIGS], size_t round, double costs[RIGS][STEPS][ROUNDS])
{
    for (size_t i = 0; i < STEPS; i++) {
        for (size_t r = 0; r < RIGS; r++) {
            double us = measure_step(rigs[r], &steps[i], BATCH);
            costs[r][i][round < WARM_UP ? 0 : round - WARM_UP] = us;
        }
    }
}

static void print_steps(struct rig *rigs[RIGS])
{
    static double costs[RIGS][STEPS][ROUNDS];
    for (size_t round = 0; round < WARM_UP + ROUNDS; round++) {
        measure_round(rigs, round, costs);
    }
    for (size_t i = 0; i < STEPS; i++) {
        double by_second = measure_median_ratio(costs[2][i], costs[1][i], ROUNDS);
        double by_first = measure_median_ratio(costs[2][i], costs[0][i], ROUNDS);
        double us[RIGS];
        for (size_t r = 0; r < RIGS; r++) {
            us[r] = measure_median(costs[r][i], ROUNDS);
        }
        (void)printf("  %-24s %9.2f us %9.2f us %9.2f us   x%.3f   (x%.3f)\n", steps[i].name, us[0],
                     us[1], us[2], by_second, by_first);
    }
}

static void print_audits(struct rig *rigs[RIGS])
{
    (void)printf("  %-24s", audit.name);
    for (size_t r = 0; r < RIGS; r++) {
        double us[AUDITS];
        for (size_t i = 0; i < AUDITS; i++) {
            us[i] = measure_step(rigs[r], &audit, 1);
        }
        (void)printf(" %9.2f us", measure_median(us, AUDITS));
    }
    (void)putchar('\n');
}

void queue_cost_print(void)
{
    struct rig *rigs[RIGS];
    (void)printf(
        "Queue: Redis's time a step, by how many jobs wait (of how many accounts), and the "
        "third\nby the second (by the first)\n  %-24s",
        "");
    for (size_t r = 0; r < RIGS; r++) {
        rigs[r] = rig_new(&sizes[r]);
        (void)printf(" %12s", sizes[r].name);
    }
    (void)printf("   third by second (by first)\n");
    print_steps(rigs);
    print_audits(rigs);
    (void)printf("  memory of a waiting job: %.0f bytes\n", rigs[RIGS - 1]->bytes_per_job);
    for (size_t r = 0; r < RIGS; r++) {
        rig_free(rigs[r]);
    }
}
