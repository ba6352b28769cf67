/* Every kind of fault: how it begins, how it is healed, and what it means that things go on. */
#include "tests/soak/faults.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { KILL_LIMIT_MS = 60000, ENTRY_SIZE = 256 };

#define HOOKS "\"path\":\"/whisperer/hooks/\",\"times\":-1,"

/* ---- What recovery is ---- */

static bool held_jobs_go_on(struct fault *fault)
{
    struct redis_fixture *redis = plant_redis(fault->plant);
    return redis != NULL && held_jobs_are_recovered(&fault->held, redis);
}

static bool a_job_ends(struct fault *fault)
{
    struct redis_fixture *redis = plant_redis(fault->plant);
    if (redis == NULL) {
        return false;
    }
    int64_t ended = ended_jobs(redis);
    fault->ended_before = fault->ended_before < 0 ? ended : fault->ended_before;
    return ended > fault->ended_before;
}

static void on_probed(void *arg, const struct http_answer *answer)
{
    struct fault *fault = arg;
    fault->is_probing = false;
    fault->has_answered = answer->status == 200;
}

/* An API: asks for a status, which takes Redis. A worker: asks whether it is ready. */
static bool program_answers(struct fault *fault)
{
    const struct plant_program *program = fault->program;
    if (fault->has_answered || fault->is_probing || !program->is_up) {
        return fault->has_answered;
    }
    char authorization[ENTRY_SIZE];
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s",
                   stack_key(fault->plant->stack, "a0"));
    const char *const headers[] = {authorization, NULL};
    struct http_call call = {
        .address = program->is_api ? program->address : program->ops_address,
        .path = program->is_api ? "/api/v1/oms/setup/webhooks/get_async_status/" : "/readyz",
        .headers = headers,
        .limit_ms = 5000,
    };
    fault->is_probing = true;
    http_calls_start(fault->plant->calls, &call, on_probed, fault);
    return false;
}

/* The next life may have begun already. */
static bool program_has_stopped(struct fault *fault)
{
    return !fault->program->may_end || fault->program->has_ended;
}

/* ---- Processes ---- */

/* The worker does nothing more: what does it leave? */
static void find_held_jobs(struct fault *fault, pid_t pid)
{
    struct redis_fixture *redis = plant_redis(fault->plant);
    if (redis != NULL) {
        held_jobs_find(&fault->held, redis, pid);
    }
    fault->is_counted = fault->held.count > 0;
}

static void kill_program(struct fault *fault)
{
    plant_end(fault->program, SIGKILL);
    (void)process_wait_exit(fault->program->process, KILL_LIMIT_MS);
}

static void kill_worker(struct fault *fault)
{
    kill_program(fault);
    find_held_jobs(fault, process_pid(fault->program->process));
}

static void kill_child(struct fault *fault)
{
    pid_t pid = plant_kill_child(fault->program, fault->flavour);
    fault->is_counted = pid != 0;
    if (pid != 0 && !fault->program->is_api) {
        find_held_jobs(fault, pid);
    }
}

static void stop_worker(struct fault *fault)
{
    process_signal(fault->program->process, SIGSTOP);
    find_held_jobs(fault, process_pid(fault->program->process));
}

static bool continue_worker(struct fault *fault)
{
    process_signal(fault->program->process, SIGCONT);
    return true;
}

static void end_gracefully(struct fault *fault)
{
    plant_end(fault->program, SIGTERM);
}

static bool start_again(struct fault *fault)
{
    if (fault->program->has_ended) {
        plant_start(fault->plant, fault->program);
    }
    return fault->program->is_up;
}

static bool kill_and_start_again(struct fault *fault)
{
    if (!fault->has_signalled) {
        fault->has_signalled = true;
        plant_end(fault->program, SIGKILL);
    }
    return start_again(fault);
}

static bool end_at_once_and_start_again(struct fault *fault)
{
    if (!fault->has_signalled) {
        fault->has_signalled = true;
        plant_end(fault->program, SIGTERM);
    }
    return start_again(fault);
}

static bool has_children_again(struct fault *fault)
{
    return plant_has_children(fault->program);
}

static bool is_over_at_once(struct fault *fault)
{
    (void)fault;
    return true;
}

/* ---- Networks ---- */

static enum tcp_proxy_mode any_silence(size_t flavour)
{
    static const enum tcp_proxy_mode modes[] = {TCP_PROXY_BLACKHOLE, TCP_PROXY_BLACKHOLE_UP,
                                                TCP_PROXY_BLACKHOLE_DOWN, TCP_PROXY_HOLD};
    return modes[flavour % (sizeof modes / sizeof modes[0])];
}

static void cut(struct fault *fault)
{
    tcp_proxy_cut(fault->program->network);
}

static void refuse(struct fault *fault)
{
    tcp_proxy_set(fault->program->network, TCP_PROXY_REFUSE);
    tcp_proxy_cut(fault->program->network);
}

static void lose_both_ways(struct fault *fault)
{
    tcp_proxy_set(fault->program->network, TCP_PROXY_BLACKHOLE);
}

static void lose_requests(struct fault *fault)
{
    tcp_proxy_set(fault->program->network, TCP_PROXY_BLACKHOLE_UP);
}

static void lose_answers(struct fault *fault)
{
    tcp_proxy_set(fault->program->network, TCP_PROXY_BLACKHOLE_DOWN);
}

static void hold_back(struct fault *fault)
{
    tcp_proxy_set(fault->program->network, TCP_PROXY_HOLD);
}

static void delay_open(struct fault *fault)
{
    tcp_proxy_delay_open(fault->program->network);
}

static void silence(struct fault *fault)
{
    tcp_proxy_set(fault->program->network, any_silence(fault->flavour));
}

static bool mend_network(struct fault *fault)
{
    tcp_proxy_set(fault->program->network, TCP_PROXY_FORWARD);
    return true;
}

static void silence_all(struct fault *fault)
{
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        tcp_proxy_set(fault->plant->programs[i].network, any_silence(fault->flavour));
    }
}

static bool mend_all_networks(struct fault *fault)
{
    for (size_t i = 0; i < PLANT_PROGRAMS; i++) {
        tcp_proxy_set(fault->plant->programs[i].network, TCP_PROXY_FORWARD);
    }
    return true;
}

/* ---- Redis ---- */

static void kill_redis(struct fault *fault)
{
    plant_redis_kill(fault->plant);
}

static bool start_redis(struct fault *fault)
{
    if (fault->plant->redis_state == PLANT_REDIS_DOWN) {
        plant_redis_launch(fault->plant);
    }
    return fault->plant->redis_state == PLANT_REDIS_UP;
}

static void pause_redis(struct fault *fault)
{
    plant_redis_pause(fault->plant);
}

static bool resume_redis(struct fault *fault)
{
    plant_redis_resume(fault->plant);
    return true;
}

static void kill_clients(struct fault *fault)
{
    static const char *const types[] = {"normal", "normal", "pubsub"};
    redis_do(plant_redis(fault->plant), "CLIENT KILL TYPE %s", types[fault->flavour % 3]);
}

static void flush_scripts(struct fault *fault)
{
    redis_do(plant_redis(fault->plant), "SCRIPT FLUSH");
}

/* ---- Omnitron ---- */

static void spoil_omnitron(struct fault *fault, const char *const *faults, size_t count)
{
    sim_fault(stack_sim(fault->plant->stack), faults[fault->flavour % count]);
}

#define SPOIL(name, ...)                                                                           \
    static void name(struct fault *fault)                                                          \
    {                                                                                              \
        static const char *const faults[] = {__VA_ARGS__};                                         \
        spoil_omnitron(fault, faults, sizeof faults / sizeof faults[0]);                           \
    }

SPOIL(fail_calls, "{" HOOKS "\"action\":{\"status\":500}}",
      "{" HOOKS "\"action\":{\"status\":503,\"apply\":true}}",
      "{" HOOKS "\"method\":\"POST\",\"action\":{\"status\":502}}",
      "{" HOOKS "\"method\":\"GET\",\"action\":{\"status\":504}}")
SPOIL(reset_calls, "{" HOOKS "\"action\":{\"close\":\"before\"}}",
      "{" HOOKS "\"action\":{\"close\":\"after\"}}", "{" HOOKS "\"action\":{\"close\":\"mid\"}}")
SPOIL(slow_calls, "{" HOOKS "\"action\":{\"delay_ms\":800}}",
      "{" HOOKS "\"action\":{\"delay_ms\":3000}}",
      "{" HOOKS "\"method\":\"GET\",\"action\":{\"drip_ms\":5}}",
      "{" HOOKS "\"action\":{\"hang\":true,\"apply\":true}}")
SPOIL(throttle_calls, "{" HOOKS "\"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"1\"}}}",
      "{" HOOKS "\"action\":{\"status\":429}}",
      "{\"path\":\"/whisperer/hooks/\",\"times\":10,\"action\":{\"status\":429,"
      "\"headers\":{\"Retry-After\":\"6\"}}}")
SPOIL(garble_calls, "{" HOOKS "\"action\":{\"status\":200,\"body\":\"<h1>hello</h1>\"}}",
      "{" HOOKS "\"method\":\"GET\",\"action\":{\"truncate\":20}}",
      "{" HOOKS "\"action\":{\"status\":200,\"json\":{\"count\":1}}}")

static bool mend_omnitron(struct fault *fault)
{
    sim_clear_faults(stack_sim(fault->plant->stack));
    return true;
}

static void pause_omnitron(struct fault *fault)
{
    sim_pause(stack_sim(fault->plant->stack));
}

static bool resume_omnitron(struct fault *fault)
{
    sim_resume(stack_sim(fault->plant->stack));
    return true;
}

/* ---- The table ---- */

#define JOBS_GO_ON "each job it held runs again, or has ended"
#define ANSWERS "it answers, with Redis behind it"
#define READY "it is ready"
#define JOB_ENDS "a job ends"

static const struct fault_kind kinds[] = {
    {"worker: SIGKILL", JOBS_GO_ON, TARGET_SOLO, 16, 0, 1000, true, kill_worker, start_again,
     held_jobs_go_on},
    {"worker: SIGKILL of one process of two", JOBS_GO_ON, TARGET_SUPERVISED, 5, 0, 0, true,
     kill_child, has_children_again, held_jobs_go_on},
    {"worker: SIGKILL of the supervisor", "another one is ready", TARGET_SUPERVISED, 3, 0, 500,
     false, kill_program, start_again, program_answers},
    {"worker: SIGSTOP beyond the lease", JOBS_GO_ON, TARGET_SOLO, 8, PLANT_LEASE_MS + 200, 7500,
     true, stop_worker, continue_worker, held_jobs_go_on},
    {"worker: SIGSTOP, then SIGKILL", JOBS_GO_ON, TARGET_SOLO, 3, 500, 5000, true, stop_worker,
     kill_and_start_again, held_jobs_go_on},
    {"worker: SIGTERM", "it has stopped", TARGET_WORKER, 8, 0, 0, true, end_gracefully, start_again,
     program_has_stopped},
    {"worker: SIGTERM twice", "it has stopped", TARGET_WORKER, 3, 20, 300, true, end_gracefully,
     end_at_once_and_start_again, program_has_stopped},
    {"worker: connections cut", READY, TARGET_WORKER, 6, 0, 0, true, cut, is_over_at_once,
     program_answers},
    {"worker: Redis refuses", READY, TARGET_WORKER, 4, 200, 4000, false, refuse, mend_network,
     program_answers},
    {"worker: black hole", READY, TARGET_WORKER, 5, 500, 6000, false, lose_both_ways, mend_network,
     program_answers},
    {"worker: requests lost", READY, TARGET_WORKER, 4, 500, 6000, false, lose_requests,
     mend_network, program_answers},
    {"worker: answers lost", READY, TARGET_WORKER, 4, 500, 6000, false, lose_answers, mend_network,
     program_answers},
    {"worker: network held back", READY, TARGET_WORKER, 4, 500, 6000, false, hold_back,
     mend_network, program_answers},
    {"worker: old connections arrive late", READY, TARGET_WORKER, 0, 1500, 6000, false, delay_open,
     mend_network, program_answers},
    {"api: SIGKILL", ANSWERS, TARGET_API, 6, 0, 500, false, kill_program, start_again,
     program_answers},
    {"api: SIGTERM", ANSWERS, TARGET_API, 5, 0, 0, false, end_gracefully, start_again,
     program_answers},
    {"api: SIGKILL of one process of two", ANSWERS, TARGET_SUPERVISED_API, 4, 0, 0, true,
     kill_child, has_children_again, program_answers},
    {"api: connections cut", ANSWERS, TARGET_API, 4, 0, 0, true, cut, is_over_at_once,
     program_answers},
    {"api: black hole or held back", ANSWERS, TARGET_API, 6, 500, 4000, false, silence,
     mend_network, program_answers},
    {"redis: kill -9", JOB_ENDS, TARGET_REDIS, 8, 0, 1500, false, kill_redis, start_redis,
     a_job_ends},
    {"redis: SIGSTOP", JOB_ENDS, TARGET_REDIS, 3, 200, 3000, false, pause_redis, resume_redis,
     a_job_ends},
    {"redis: no network at all", JOB_ENDS, TARGET_REDIS, 4, 300, 5000, false, silence_all,
     mend_all_networks, a_job_ends},
    {"redis: CLIENT KILL", JOB_ENDS, TARGET_REDIS, 5, 0, 0, true, kill_clients, is_over_at_once,
     a_job_ends},
    {"redis: SCRIPT FLUSH", JOB_ENDS, TARGET_REDIS, 4, 0, 0, true, flush_scripts, is_over_at_once,
     a_job_ends},
    {"omnitron: 5xx", JOB_ENDS, TARGET_OMNITRON, 5, 300, 3000, false, fail_calls, mend_omnitron,
     a_job_ends},
    {"omnitron: resets", JOB_ENDS, TARGET_OMNITRON, 5, 300, 3000, false, reset_calls, mend_omnitron,
     a_job_ends},
    {"omnitron: slow", JOB_ENDS, TARGET_OMNITRON, 4, 500, 4000, false, slow_calls, mend_omnitron,
     a_job_ends},
    {"omnitron: 429", JOB_ENDS, TARGET_OMNITRON, 4, 300, 2000, false, throttle_calls, mend_omnitron,
     a_job_ends},
    {"omnitron: makes no sense", JOB_ENDS, TARGET_OMNITRON, 3, 300, 2000, false, garble_calls,
     mend_omnitron, a_job_ends},
    {"omnitron: SIGSTOP", JOB_ENDS, TARGET_OMNITRON, 3, 300, 3000, false, pause_omnitron,
     resume_omnitron, a_job_ends},
};

const struct fault_kind *fault_kinds(size_t *count)
{
    *count = sizeof kinds / sizeof kinds[0];
    return kinds;
}
