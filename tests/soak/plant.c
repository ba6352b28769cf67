#include "tests/soak/plant.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/soak/findings.h"
#include "tests/support/fail.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_SIZE = 512,
    ENTRY_SIZE = 256,
    START_LIMIT_MS = 120000, /* of one program, on a machine that does much else */
    STOP_LIMIT_MS = 60000,
};

/* ---- The life of a program ---- */

static const char *program_path(const struct plant_program *program)
{
    return program->is_api ? TEST_BIN_DIR "/omnihook-api" : TEST_BIN_DIR "/omnihook-worker";
}

void plant_start(struct plant *plant, struct plant_program *program)
{
    char own[5][ENTRY_SIZE];
    process_free(program->process);
    const struct temp_dir *dir = stack_dir(plant->stack);
    (void)snprintf(own[0], ENTRY_SIZE, "REDIS_URL=unix://%s?db=0",
                   tcp_proxy_address(program->network) + strlen("unix:"));
    (void)snprintf(own[1], ENTRY_SIZE, "OMNIHOOK_SETTINGS=%s/" STACK_SETTINGS, temp_dir_path(dir));
    (void)snprintf(own[2], ENTRY_SIZE, "OMNIHOOK_OPS_LISTEN=%s", program->ops_address);
    (void)snprintf(own[3], ENTRY_SIZE, "OMNIHOOK_PROCESSES=%d", program->is_supervisor ? 2 : 1);
    /* Processes share a TCP port; one process alone listens on a unix socket. */
    (void)snprintf(own[4], ENTRY_SIZE, "OMNIHOOK_LISTEN=%s",
                   program->is_supervisor ? "127.0.0.1:0" : program->address);
    char lease[ENTRY_SIZE];
    (void)snprintf(lease, sizeof lease, "OMNIHOOK_LEASE_MS=%d", PLANT_LEASE_MS);
    /* An outage of Omnitron must not use up a job's attempts: then every FAILED needs a reason. */
    const char *const env[] = {own[0],
                               own[1],
                               own[2],
                               own[3],
                               own[4],
                               lease,
                               "OMNIHOOK_REDIS_TIMEOUT_MS=800",
                               "OMNIHOOK_GRACE_MS=1500",
                               "OMNIHOOK_JOB_ATTEMPTS=100",
                               "OMNIHOOK_JOB_TIMEOUT_MS=10000",
                               "OMNIHOOK_RETRY_BASE_MS=50",
                               "OMNIHOOK_RETRY_MAX_MS=1000",
                               "OMNIHOOK_CONCURRENCY=16",
                               NULL};
    const char *const argv[] = {program_path(program), NULL};
    struct process_options options = {.name = program->name, .argv = argv, .env = env, .dir = dir};
    program->process = process_start(&options);
    program->started_ms = now_mono_ms();
    program->is_up = program->may_end = program->has_ended = false;
    program->kills = 0;
}

void plant_end(struct plant_program *program, int signal_number)
{
    program->may_end = true;
    program->is_up = false;
    process_signal(program->process, signal_number);
}

/* The processes that a supervisor has started, as /proc tells. */
static size_t find_children(const struct plant_program *program, pid_t pids[2])
{
    char path[PATH_SIZE];
    long pid = (long)process_pid(program->process);
    (void)snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
    FILE *file = fopen(path, "r");
    char line[128] = "";
    if (file == NULL) {
        return 0;
    }
    (void)!fgets(line, sizeof line, file);
    (void)fclose(file);
    size_t count = 0;
    char *rest = line;
    char *end = NULL;
    for (long child = strtol(rest, &end, 10); end != rest && count < 2;
         child = strtol(rest, &end, 10)) {
        pids[count++] = (pid_t)child;
        rest = end;
    }
    return count;
}

pid_t plant_kill_child(struct plant_program *program, size_t pick)
{
    pid_t pids[2];
    if (find_children(program, pids) < 2) {
        return 0;
    }
    pid_t pid = pids[pick % 2];
    if (kill(pid, SIGKILL) != 0) {
        return 0;
    }
    program->kills++;
    return pid;
}

bool plant_has_children(const struct plant_program *program)
{
    pid_t pids[2];
    return find_children(program, pids) == 2;
}

/* ---- What a life has left behind ---- */

static size_t count_lines(const char *text, const char *words)
{
    size_t count = 0;
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words)) {
        count++;
    }
    return count;
}

/* A sanitizer's report, and processes under the supervisor that nobody killed. */
static void check_log(struct plant *plant, const struct plant_program *program)
{
    static const char *const bad_words[] = {"Sanitizer", "runtime error:", "Assertion"};
    char *log = process_read(program->process, PROCESS_STDERR);
    for (size_t i = 0; i < sizeof bad_words / sizeof bad_words[0]; i++) {
        const char *found = strstr(log, bad_words[i]);
        if (found != NULL) {
            findings_add(FOUND_CRASHED, "%s %zu: %.600s", program->name, program->number, found);
        }
    }
    plant->audits += count_lines(log, "event=audit_mended ");
    size_t ended = count_lines(log, "event=process_ended ");
    if (ended > program->kills) {
        findings_add(FOUND_CRASHED, "%s %zu: %zu processes ended, %zu were killed", program->name,
                     program->number, ended, program->kills);
    }
    mem_free(log);
}

/* Killed is as good as told; what was told must exit with 0. */
static void check_end(struct plant *plant, const struct plant_program *program)
{
    int status = process_wait_exit(program->process, 0);
    if (!program->may_end || (status != 0 && status != -SIGKILL)) {
        process_print_log(program->process);
        findings_add(FOUND_CRASHED, "%s %zu ended with %d", program->name, program->number, status);
    }
    check_log(plant, program);
}

static void watch_program(struct plant *plant, struct plant_program *program)
{
    if (program->has_ended) {
        return;
    }
    if (!process_is_running(program->process)) {
        program->has_ended = true;
        program->is_up = false;
        check_end(plant, program);
        return;
    }
    if (program->is_up || program->may_end) {
        return;
    }
    const char *told = program->is_api ? "event=listening " : "event=worker_started ";
    if (process_has_line(program->process, PROCESS_STDERR, told)) {
        program->is_up = true;
        if (program->is_api) {
            (void)process_line_value(process_wait_line(program->process, PROCESS_STDERR, told, 0),
                                     "address", program->address, sizeof program->address);
        }
    } else if (now_mono_ms() - program->started_ms > START_LIMIT_MS) {
        process_print_log(program->process);
        findings_add(FOUND_STUCK, "%s %zu does not become ready", program->name, program->number);
        program->started_ms = now_mono_ms();
    }
}

void plant_watch(struct plant *plant)
{
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        watch_program(plant, &plant->programs[i]);
    }
    if (plant->redis_state == PLANT_REDIS_LOADING &&
        redis_fixture_is_ready(stack_redis(plant->stack))) {
        plant->redis_state = PLANT_REDIS_UP;
    }
}

bool plant_is_up(const struct plant *plant)
{
    bool is_up = plant->redis_state == PLANT_REDIS_UP;
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        is_up = is_up && plant->programs[i].is_up;
    }
    return is_up;
}

/* ---- Redis ---- */

struct redis_fixture *plant_redis(struct plant *plant)
{
    return plant->redis_state == PLANT_REDIS_UP ? stack_redis(plant->stack) : NULL;
}

void plant_redis_kill(struct plant *plant)
{
    plant->redis_state = PLANT_REDIS_DOWN;
    redis_fixture_kill(stack_redis(plant->stack));
}

void plant_redis_launch(struct plant *plant)
{
    redis_fixture_launch(stack_redis(plant->stack));
    plant->redis_state = PLANT_REDIS_LOADING;
}

void plant_redis_pause(struct plant *plant)
{
    plant->redis_state = PLANT_REDIS_PAUSED;
    redis_fixture_pause(stack_redis(plant->stack));
}

void plant_redis_resume(struct plant *plant)
{
    redis_fixture_resume(stack_redis(plant->stack));
    plant->redis_state = PLANT_REDIS_UP;
}

/* ---- The whole ---- */

struct plant_program *plant_api(struct plant *plant, size_t number)
{
    return &plant->programs[number];
}

struct plant_program *plant_worker(struct plant *plant, size_t number)
{
    return &plant->programs[PLANT_APIS + number];
}

static void add_program(struct plant *plant, size_t index)
{
    struct plant_program *program = &plant->programs[index];
    const char *dir = temp_dir_path(stack_dir(plant->stack));
    program->is_api = index < PLANT_APIS;
    program->name = program->is_api ? "api" : "worker";
    program->number = program->is_api ? index : index - PLANT_APIS;
    program->is_supervisor = index == PLANT_APIS - 1 || index == PLANT_PROGRAMS - 1;
    (void)snprintf(program->address, SOCKET_ADDRESS_SIZE, "unix:%s/%s%zu.sock", dir, program->name,
                   program->number);
    (void)snprintf(program->ops_address, SOCKET_ADDRESS_SIZE, "unix:%s/%s%zu-ops.sock", dir,
                   program->name, program->number);
    char network[SOCKET_ADDRESS_SIZE];
    (void)snprintf(network, sizeof network, "unix:%s/redis-%s%zu.sock", dir, program->name,
                   program->number);
    program->network = tcp_proxy_new(network, redis_fixture_address(stack_redis(plant->stack)));
    plant_start(plant, program);
}

static bool is_up_after_a_look(void *plant)
{
    plant_watch(plant);
    return plant_is_up(plant);
}

struct plant *plant_new(const struct stack_account *accounts, size_t account_count)
{
    struct plant *plant = mem_new(1, sizeof *plant);
    /* In memory where there is such a place: Redis's process is killed, never the machine, and a
       busy disk would make each fsync take seconds. */
    plant->redis_dir = temp_dir_new_in("/dev/shm");
    plant->redis_dir = plant->redis_dir == NULL ? temp_dir_new() : plant->redis_dir;
    /* What Redis has answered is in its file: the promise holds as long as Redis keeps its data. */
    const char *const redis_args[] = {"--appendonly",
                                      "yes",
                                      "--appendfsync",
                                      "always",
                                      "--auto-aof-rewrite-min-size",
                                      "8mb",
                                      "--dir",
                                      temp_dir_path(plant->redis_dir),
                                      NULL};
    plant->stack = stack_new(&(struct stack_options){
        .accounts = accounts, .account_count = account_count, .redis_args = redis_args});
    /* So that runs last long enough to be hit. */
    sim_set(stack_sim(plant->stack), "{\"latency_ms\":120}");
    plant->calls = http_calls_new();
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        add_program(plant, i);
    }
    if (!wait_until(is_up_after_a_look, plant, START_LIMIT_MS)) {
        fail_because("the programs do not start");
    }
    return plant;
}

static bool have_ended_after_a_look(void *plant_)
{
    struct plant *plant = plant_;
    plant_watch(plant);
    bool have_ended = true;
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        have_ended = have_ended && plant->programs[i].has_ended;
    }
    return have_ended;
}

void plant_stop_programs(struct plant *plant)
{
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        process_signal(plant->programs[i].process, SIGCONT); /* a fault may still hold it */
        plant_end(&plant->programs[i], SIGTERM);
    }
    (void)wait_until(have_ended_after_a_look, plant, STOP_LIMIT_MS);
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        struct plant_program *program = &plant->programs[i];
        if (!program->has_ended) {
            process_print_log(program->process);
            findings_add(FOUND_STUCK, "%s %zu does not stop", program->name, program->number);
        }
    }
}

void plant_free(struct plant *plant, bool is_kept)
{
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        process_free(plant->programs[i].process);
        tcp_proxy_free(plant->programs[i].network);
    }
    http_calls_free(plant->calls);
    if (is_kept) {
        (void)setenv("TEST_KEEP_DIRS", "1", 1);
    }
    stack_free(plant->stack);
    temp_dir_free(plant->redis_dir);
    mem_free(plant);
}
