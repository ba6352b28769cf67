/* A Redis and settings of 100,000 accounts, 1,000 dead jobs and 1,000 workers. Each view is asked
   for once, over a proxy that measures the answers; Redis's own counters tell the rest. */
#include "tests/bench/operator.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/bench/measure.h"
#include "tests/support/http_call.h"
#include "tests/support/process.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/tcp_proxy.h"
#include "tests/support/temp_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACCOUNTS = 100000, CHUNK = 10000, SETTINGS_MAX = 64 * 1024 * 1024, LIMIT_MS = 120000 };
/* The figures of the namespace are read every 5 s. */
enum { POLL_US = 500000, OVERVIEWS = 2 };

/* One look of an operator's: a command of omnihook's, or a path of the API's ops listener, whose
   answer may show what is read by and by instead of asking Redis at the time of the call. */
enum view_kind { VIEW_COMMAND, VIEW_GET, VIEW_GET_OF_READINGS };

static const struct view {
    enum view_kind kind;
    const char *what;
} views[] = {
    /* First the commands: the API that the others need asks Redis, too. */
    {VIEW_COMMAND, "status"},
    {VIEW_COMMAND, "status a77777"},
    {VIEW_COMMAND, "queue"},
    {VIEW_COMMAND, "workers"},
    {VIEW_COMMAND, "dead list"},
    {VIEW_COMMAND, "report a77777"},
    {VIEW_GET_OF_READINGS, "/metrics"},
    {VIEW_GET, "/readyz"},
    /* What the dashboard reads. */
    {VIEW_GET, "/"},
    {VIEW_GET, "/ops/overview"},
    {VIEW_GET, "/ops/accounts?view=all"},
    {VIEW_GET, "/ops/accounts?view=all&search=9999"},
    {VIEW_GET, "/ops/accounts?view=active"},
    {VIEW_GET, "/ops/workers"},
    {VIEW_GET, "/ops/dead"},
    {VIEW_GET, "/ops/report?account=a77777"},
    {VIEW_GET, "/ops/history?account=a77777"},
};

struct scene {
    struct temp_dir *dir;
    struct redis_fixture *redis;
    struct tcp_proxy *proxy;
    struct process *api;
    char environment[4][256];
    const char *env[8];
};

/* ---- The accounts ---- */

/* Of ten accounts one is queued, one waits for its next attempt, one has failed, seven are done. */
static const char fill_accounts[] =
    "for i = ARGV[1], ARGV[2] - 1 do "
    "  local a, kind = string.format('a%05d', i), i % 10 "
    "  local job = string.format('%032x', i) "
    "  local state = kind < 2 and 'WORKING' or kind == 2 and 'FAILED' or 'FINISHED' "
    "  local phase = kind == 0 and 'queued' or kind == 1 and 'retrying' or '' "
    "  local at = '2026-01-01T00:00:00.000Z' "
    "  redis.call('HSET', KEYS[1] .. 'status:' .. a, 'state', state, 'phase', phase, 'job', job, "
    "    'attempt', 1, 'done', 5, 'total', 5, 'created', 5, 'failed', 0, 'enqueued_at', at, "
    "    'started_at', at, 'finished_at', kind > 1 and at or '', 'rev', 9, "
    "    'error', kind == 2 and 'Omnitron answered 502 to POST https://a/whisperer/hooks/' or '') "
    "  redis.call('HSET', KEYS[1] .. 'ctl:' .. a, 'phase', phase, 'job', job, 'enqueued_at', at, "
    "    'enqueued_ms', 1767225600000, 'attempts', 5, 'tries', 1) "
    "  local report = '{\"job\":\"' .. job .. '\",\"state\":\"' .. state .. '\",\"webhooks\":[]}' "
    "  redis.call('RPUSH', KEYS[1] .. 'history:' .. a, report, report, report) "
    "  local element = '{\"id\":\"' .. job .. '\",\"account\":\"' .. a .. "
    "    '\",\"action\":\"execute\",\"enqueued_at\":\"' .. at .. '\"}' "
    "  if kind < 2 then redis.call('SADD', KEYS[1] .. 'active', a) end "
    "  if kind == 0 then redis.call('LPUSH', KEYS[1] .. 'queue', element) end "
    "  if kind == 1 then redis.call('ZADD', KEYS[1] .. 'delayed', 4e12, element) end "
    "end";

static const char fill_others[] =
    "local now = redis.call('TIME')[1] * 1000 "
    "for i = 1, 1000 do "
    "  local w = string.format('worker-%04d.example.net:4711:0123456789abcdef', i) "
    "  redis.call('ZADD', KEYS[1] .. 'workers', now + 1e9, w) "
    "  redis.call('HSET', KEYS[1] .. 'worker:' .. w, 'host', 'worker.example.net', 'pid', 4711, "
    "    'version', '0.1.0', 'started_at', '2026-01-01T00:00:00.000Z', 'concurrency', 64, "
    "    'running', 3, 'done', 1000, 'failed', 1) "
    "  redis.call('LPUSH', KEYS[1] .. 'dead', '{\"id\":\"' .. string.format('%032x', i) .. "
    "    '\",\"account\":\"a00002\",\"error\":\"Omnitron answered 502 to POST "
    "https://acme-omnitron.example.net/api/v1/whisperer/hooks/: Bad Gateway\",\"attempts\":5,"
    "\"failed_at\":\"2026-01-01T00:00:00.000Z\"}') "
    "end";

static void fill_redis(const struct scene *scene)
{
    for (long i = 0; i < ACCOUNTS; i += CHUNK) {
        redis_do(scene->redis, "EVAL %s 1 {omnihook}: %ld %ld", fill_accounts, i, i + CHUNK);
    }
    redis_do(scene->redis, "EVAL %s 1 {omnihook}:", fill_others);
}

static void write_settings(const struct scene *scene)
{
    struct strbuf text;
    strbuf_init(&text, SETTINGS_MAX);
    strbuf_addf(&text, "{\"accounts\":{");
    for (int i = 0; i < ACCOUNTS; i++) {
        strbuf_addf(&text,
                    "%s\"a%05d\":{\"api_keys\":[\"sha256:%064x\"],\"omnitron\":{\"url\":"
                    "\"https://a%05d.example.net/api/v1/\",\"token\":\"t\"},\"OMNITRON_WEBHOOKS\":["
                    "{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/\"}]}",
                    i == 0 ? "" : ",", i, (unsigned)i, i);
    }
    strbuf_addf(&text, "}}");
    temp_dir_replace_file(scene->dir, "settings.json", text.bytes);
    strbuf_clear(&text);
}

/* ---- The programs ---- */

static void add_variable(struct scene *scene, size_t index, const char *name, const char *value)
{
    (void)snprintf(scene->environment[index], sizeof scene->environment[index], "%s=%s", name,
                   value);
    scene->env[index] = scene->environment[index];
}

static struct process *start_program(const struct scene *scene, const char *program,
                                     const char *arguments)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "exec %s/%s %s", TEST_BIN_DIR, program, arguments);
    const char *const argv[] = {"sh", "-c", line, NULL};
    return process_start(&(struct process_options){
        .name = program, .argv = argv, .env = scene->env, .dir = scene->dir});
}

static void scene_start(struct scene *scene)
{
    char path[200];
    *scene = (struct scene){.dir = temp_dir_new(), .redis = redis_fixture_new(NULL)};
    fill_redis(scene);
    write_settings(scene);
    (void)snprintf(path, sizeof path, "unix:%s/proxy", temp_dir_path(scene->dir));
    scene->proxy = tcp_proxy_new(path, redis_fixture_address(scene->redis));
    (void)snprintf(path, sizeof path, "unix://%s/proxy?db=0", temp_dir_path(scene->dir));
    add_variable(scene, 0, "REDIS_URL", path);
    (void)snprintf(path, sizeof path, "%s/settings.json", temp_dir_path(scene->dir));
    add_variable(scene, 1, "OMNIHOOK_SETTINGS", path);
    (void)snprintf(path, sizeof path, "unix:%s/api", temp_dir_path(scene->dir));
    add_variable(scene, 2, "OMNIHOOK_LISTEN", path);
    (void)snprintf(path, sizeof path, "unix:%s/ops", temp_dir_path(scene->dir));
    add_variable(scene, 3, "OMNIHOOK_OPS_LISTEN", path);
}

static void start_api(struct scene *scene)
{
    scene->api = start_program(scene, "omnihook-api", "");
    (void)process_wait_line(scene->api, PROCESS_STDERR, "event=listening", LIMIT_MS);
}

static void scene_end(struct scene *scene)
{
    process_free(scene->api);
    tcp_proxy_free(scene->proxy);
    redis_fixture_free(scene->redis);
    temp_dir_free(scene->dir);
}

/* ---- Measuring ---- */

static double redis_cpu_ms(const struct scene *scene)
{
    static const char *const parts[] = {"used_cpu_sys:", "used_cpu_user:"};
    double total_s = 0;
    const char *info = redis_text(scene->redis, "INFO cpu");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *found = strstr(info, parts[i]);
        total_s += found == NULL ? 0 : strtod(found + strlen(parts[i]), NULL);
    }
    return total_s * 1000;
}

static int64_t calls_of(const char *stats, const char *command)
{
    char name[64];
    (void)snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    const char *found = strstr(stats, name);
    return found == NULL ? 0 : strtoll(found + strlen(name), NULL, 10);
}

/* "evalsha 2000  hgetall 100000": what was done since the counters began (INFO: by us, too). */
static void print_commands(const struct scene *scene)
{
    static const char start[] = "cmdstat_";
    const char *stats = redis_text(scene->redis, "INFO commandstats");
    for (const char *at = strstr(stats, start); at != NULL; at = strstr(at + 1, start)) {
        const char *name = at + strlen(start);
        int size = (int)strcspn(name, ":");
        const char *calls = strstr(name, "calls=");
        bool is_ours = strncmp(name, "config|resetstat", strlen("config|resetstat")) == 0;
        if (calls != NULL && !is_ours) {
            (void)printf("  %.*s %lld", size, name, strtoll(calls + strlen("calls="), NULL, 10));
        }
    }
    (void)putchar('\n');
}

/* Such an answer costs Redis nothing: so two readings are waited for and counted. */
static void wait_for_readings(const struct scene *scene)
{
    while (calls_of(redis_text(scene->redis, "INFO commandstats"), "evalsha") < OVERVIEWS) {
        (void)usleep(POLL_US);
    }
}

static int64_t get(const struct scene *scene, const char *path)
{
    struct http_call call = {.address = scene->env[3] + strlen("OMNIHOOK_OPS_LISTEN="),
                             .path = path};
    int64_t start_us = measure_now_us();
    struct http_answer *answer = http_call(&call);
    int64_t took_us = measure_now_us() - start_us;
    if (answer->status != 200) {
        (void)fprintf(stderr, "GET %s: %d %s\n", path, answer->status, answer->error);
        exit(1);
    }
    http_answer_free(answer);
    return took_us;
}

static int64_t run(const struct scene *scene, const char *command)
{
    int64_t start_us = measure_now_us();
    struct process *process = start_program(scene, "omnihook", command);
    int status = process_wait_exit(process, LIMIT_MS);
    int64_t took_us = measure_now_us() - start_us;
    if (status != 0) {
        process_print_log(process);
        exit(1);
    }
    process_free(process);
    return took_us;
}

static void print_view(struct scene *scene, const struct view *view)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s %s", view->kind == VIEW_COMMAND ? "omnihook" : "GET",
                   view->what);
    if (view->kind != VIEW_COMMAND && scene->api == NULL) {
        start_api(scene);
    }
    (void)tcp_proxy_counts(scene->proxy);
    redis_do(scene->redis, "CONFIG RESETSTAT");
    double before_ms = redis_cpu_ms(scene);
    if (view->kind == VIEW_GET_OF_READINGS) {
        wait_for_readings(scene);
    }
    int64_t took_us = view->kind == VIEW_COMMAND ? run(scene, view->what) : get(scene, view->what);
    double cpu_ms = redis_cpu_ms(scene) - before_ms;
    struct tcp_proxy_counts counts = tcp_proxy_counts(scene->proxy);
    (void)printf("%-38s %9.1f ms %9.1f ms %11" PRIu64, name, (double)took_us / 1000, cpu_ms,
                 counts.answer_bytes);
    print_commands(scene);
    (void)fflush(stdout);
}

void operator_cost_print(void)
{
    struct scene scene;
    scene_start(&scene);
    (void)printf("An operator's views of %d accounts, 1,000 dead jobs, 1,000 workers\n%-38s %12s "
                 "%12s %11s  commands\n",
                 ACCOUNTS, "", "in all", "Redis's CPU", "largest");
    (void)printf("%-38s %12s %12s %11s\n", "", "", "", "answer");
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        print_view(&scene, &views[i]);
    }
    scene_end(&scene);
}
