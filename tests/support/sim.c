#include "tests/support/sim.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/http_call.h"
#include "tests/support/process.h"
#include "tests/support/sockets.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { URL_SIZE = 192, START_LIMIT_MS = 10000 };

struct sim {
    struct temp_dir *dir;
    struct process *process;
    char address[SOCKET_ADDRESS_SIZE];
    char url[URL_SIZE];
    char api_url[URL_SIZE + sizeof "/api/v1/"];
};

struct sim *sim_start(void)
{
    static const char *const argv[] = {TEST_BIN_DIR "/omnitron-sim", "--listen", "127.0.0.1:0",
                                       NULL};
    struct sim *sim = mem_new(1, sizeof *sim);
    sim->dir = temp_dir_new();
    struct process_options options = {.name = "omnitron-sim", .argv = argv, .dir = sim->dir};
    sim->process = process_start(&options);
    static const char told[] = "listening on http://";
    const char *line = process_wait_line(sim->process, PROCESS_STDOUT, told, START_LIMIT_MS);
    (void)snprintf(sim->address, sizeof sim->address, "%s", strstr(line, told) + strlen(told));
    sim->address[strcspn(sim->address, "/ ")] = '\0';
    (void)snprintf(sim->url, sizeof sim->url, "http://%s", sim->address);
    (void)snprintf(sim->api_url, sizeof sim->api_url, "%s/api/v1/", sim->url);
    return sim;
}

void sim_stop(struct sim *sim)
{
    if (sim == NULL) {
        return;
    }
    process_free(sim->process);
    temp_dir_free(sim->dir);
    mem_free(sim);
}

int sim_group_start(void **state)
{
    *state = sim_start();
    return 0;
}

int sim_group_stop(void **state)
{
    sim_stop(*state);
    return 0;
}

const char *sim_url(const struct sim *sim)
{
    return sim->url;
}

const char *sim_address(const struct sim *sim)
{
    return sim->address;
}

const char *sim_api_url(const struct sim *sim)
{
    return sim->api_url;
}

pid_t sim_pid(const struct sim *sim)
{
    return process_pid(sim->process);
}

void sim_kill(struct sim *sim)
{
    process_kill(sim->process);
}

void sim_pause(struct sim *sim)
{
    process_signal(sim->process, SIGSTOP);
}

void sim_resume(struct sim *sim)
{
    process_signal(sim->process, SIGCONT);
}

/* Makes one control call that must succeed. */
static struct http_answer *control(struct sim *sim, const char *method, const char *path,
                                   const char *body)
{
    struct http_call call = {.method = method, .address = sim->address, .path = path, .body = body};
    struct http_answer *answer = http_call(&call);
    if (answer->status < 200 || answer->status > 299) {
        fail_because("the simulator: %s %s: %d %s%s", method, path, answer->status, answer->body,
                     answer->error);
    }
    return answer;
}

static void order(struct sim *sim, const char *method, const char *path, const char *body)
{
    http_answer_free(control(sim, method, path, body));
}

static void order_json_take(struct sim *sim, const char *path, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    order(sim, "POST", path, text);
    mem_free(text);
    json_decref(body);
}

static json_t *read_json(struct sim *sim, const char *path)
{
    struct http_answer *answer = control(sim, "GET", path, NULL);
    json_t *json = json_incref(answer->json);
    http_answer_free(answer);
    assert_non_null(json);
    return json;
}

void sim_add_user(struct sim *sim, const char *name, const char *password, const char *token,
                  bool is_superuser)
{
    order_json_take(sim, "/_sim/users",
                    json_pack("{s:s, s:s, s:s, s:b}", "username", name, "password", password,
                              "token", token, "superuser", (int)is_superuser));
}

void sim_expire_token(struct sim *sim, const char *name)
{
    order_json_take(sim, "/_sim/tokens/expire", json_pack("{s:s}", "username", name));
}

void sim_reset(struct sim *sim)
{
    order(sim, "POST", "/_sim/reset", "{}");
}

void sim_set(struct sim *sim, const char *settings)
{
    order(sim, "PATCH", "/_sim/settings", settings);
}

void sim_fault(struct sim *sim, const char *fault)
{
    order(sim, "POST", "/_sim/faults", fault);
}

void sim_clear_faults(struct sim *sim)
{
    order(sim, "DELETE", "/_sim/faults", NULL);
}

int64_t sim_fault_hits(struct sim *sim, const char *name)
{
    json_t *faults = read_json(sim, "/_sim/faults");
    int64_t hits = -1;
    size_t index;
    json_t *fault;
    json_array_foreach(faults, index, fault)
    {
        const char *found = json_string_value(json_object_get(fault, "name"));
        if (found != NULL && strcmp(found, name) == 0) {
            hits = json_integer_value(json_object_get(fault, "hits"));
        }
    }
    json_decref(faults);
    if (hits < 0) {
        fail_because("the simulator has no fault %s", name);
    }
    return hits;
}

void sim_seed(struct sim *sim, const char *hooks)
{
    order(sim, "POST", "/_sim/hooks", hooks);
}

json_t *sim_hooks(struct sim *sim, const char *user)
{
    char path[URL_SIZE];
    (void)snprintf(path, sizeof path, "/_sim/hooks?username=%s", user);
    json_t *hooks = read_json(sim, path);
    assert_true(json_is_array(hooks));
    return hooks;
}

size_t sim_hook_count(struct sim *sim, const char *user)
{
    json_t *hooks = sim_hooks(sim, user);
    size_t count = json_array_size(hooks);
    json_decref(hooks);
    return count;
}

bool sim_has_hook(struct sim *sim, const char *user, const char *event_type, const char *target_url)
{
    json_t *hooks = sim_hooks(sim, user);
    bool is_found = false;
    size_t index;
    json_t *hook;
    json_array_foreach(hooks, index, hook)
    {
        const char *event = json_string_value(json_object_get(hook, "event_type"));
        const char *url = json_string_value(json_object_get(hook, "target_url"));
        assert_non_null(event);
        assert_non_null(url);
        is_found = is_found || (strcmp(event, event_type) == 0 && strcmp(url, target_url) == 0);
    }
    json_decref(hooks);
    return is_found;
}

json_t *sim_counters(struct sim *sim)
{
    return read_json(sim, "/_sim/counters");
}

void sim_reset_counters(struct sim *sim)
{
    order(sim, "POST", "/_sim/counters/reset", "{}");
}

int64_t sim_counter(struct sim *sim, const char *name)
{
    json_t *counters = sim_counters(sim);
    int64_t value = json_integer_value(json_object_get(counters, name));
    json_decref(counters);
    return value;
}

int64_t sim_route_count(struct sim *sim, const char *route, int status)
{
    char wanted[16];
    (void)snprintf(wanted, sizeof wanted, "%d", status);
    json_t *counters = sim_counters(sim);
    json_t *by_status = json_object_get(json_object_get(counters, "by_route"), route);
    int64_t total = 0;
    const char *answered;
    json_t *count;
    json_object_foreach(by_status, answered, count)
    {
        if (status == 0 || strcmp(answered, wanted) == 0) {
            total += json_integer_value(count);
        }
    }
    json_decref(counters);
    return total;
}
