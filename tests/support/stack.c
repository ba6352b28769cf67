#include "tests/support/stack.h"

#include "common/mem.h"
#include "common/random_id.h"
#include "tests/support/fail.h"
#include "tests/support/sockets.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum {
    PROGRAMS_MAX = 16,
    ENV_MAX = 64,
    ENTRY_SIZE = 512,
    PATH_SIZE = 512,
    SECRET_SIZE = 41,
    OWN_ENTRIES = 5,
    START_LIMIT_MS = 200000,
    STOP_LIMIT_MS = 20000,
};

struct account {
    char *name;
    char key[SECRET_SIZE];
    char token[SECRET_SIZE];
};

/* One omnihook-api or omnihook-worker. */
struct program {
    struct process *process;
    char address[SOCKET_ADDRESS_SIZE]; /* of an API */
    char ops_address[SOCKET_ADDRESS_SIZE];
};

struct stack {
    struct temp_dir *dir;
    struct redis_fixture *redis;
    struct tcp_proxy *redis_proxy; /* NULL = none */
    struct sim *sim;
    json_t *settings;
    char *settings_path;
    char **env; /* owned copies of the test's own, ends with NULL */
    bool is_tcp;
    struct account *accounts; /* as many as the options had */
    size_t account_count;
    struct program apis[PROGRAMS_MAX];
    size_t api_count;
    struct program workers[PROGRAMS_MAX];
    size_t worker_count;
};

static struct account *find_account(struct stack *stack, const char *name)
{
    for (size_t i = 0; i < stack->account_count; i++) {
        if (strcmp(stack->accounts[i].name, name) == 0) {
            return &stack->accounts[i];
        }
    }
    fail_because("the stack has no account %s", name);
    return NULL;
}

/* 40 hex digits, as long as an Omnitron token. */
static void make_secret(char secret[SECRET_SIZE])
{
    char first[RANDOM_ID_SIZE];
    char second[RANDOM_ID_SIZE];
    (void)snprintf(secret, SECRET_SIZE, "%s%.8s", random_id_make(first), random_id_make(second));
}

static json_t *key_hash(const char *key)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[sizeof "sha256:" + 2 * sizeof digest] = "sha256:";
    (void)SHA256((const unsigned char *)key, strlen(key), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(text + 7 + 2 * i, 3, "%02x", digest[i]);
    }
    return json_string(text);
}

static json_t *parse_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (json == NULL) {
        fail_because("not JSON: %s: %s", error.text, text);
    }
    return json;
}

static void add_account(struct stack *stack, const struct stack_account *given)
{
    struct account *account = &stack->accounts[stack->account_count++];
    account->name = mem_copy_text(given->name);
    make_secret(account->key);
    make_secret(account->token);
    sim_add_user(stack->sim, given->name, STACK_PASSWORD, account->token, given->is_superuser);
    json_t *settings = json_pack("{s:[o], s:{s:s, s:s}, s:o}", "api_keys", key_hash(account->key),
                                 "omnitron", "url", sim_api_url(stack->sim), "token",
                                 account->token, "OMNITRON_WEBHOOKS", parse_json(given->webhooks));
    assert_non_null(settings);
    if (given->extra != NULL) {
        json_t *extra = parse_json(given->extra);
        assert_int_equal(json_object_update_recursive(settings, extra), 0);
        json_decref(extra);
    }
    json_object_set_new(json_object_get(stack->settings, "accounts"), given->name, settings);
}

static char **copy_env(const char *const *env)
{
    size_t count = 0;
    while (env != NULL && env[count] != NULL) {
        count++;
    }
    char **copy = mem_new(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = mem_copy_text(env[i]);
    }
    return copy;
}

/* An environment under construction: the first to name a variable wins. */
struct environment {
    const char *entries[ENV_MAX + 1];
    size_t count;
};

static void env_add(struct environment *environment, const char *entry)
{
    size_t name_size = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < environment->count; i++) {
        if (strncmp(environment->entries[i], entry, name_size) == 0) {
            return;
        }
    }
    assert_true(environment->count < ENV_MAX);
    environment->entries[environment->count++] = entry;
}

static void env_add_all(struct environment *environment, const char *const *entries)
{
    for (; entries != NULL && *entries != NULL; entries++) {
        env_add(environment, *entries);
    }
}

static void print_redis_url(const struct stack *stack, char entry[ENTRY_SIZE])
{
    if (stack->redis_proxy == NULL) {
        (void)snprintf(entry, ENTRY_SIZE, "REDIS_URL=%s", redis_fixture_url(stack->redis));
    } else {
        const char *socket_path = tcp_proxy_address(stack->redis_proxy) + strlen("unix:");
        (void)snprintf(entry, ENTRY_SIZE, "REDIS_URL=unix://%s?db=0", socket_path);
    }
}

/* Starts the program with the stack's environment and waits for its ready_event. */
static void start_program(struct stack *stack, struct program *program, const char *name,
                          const char *ready_event, const char *const *env)
{
    char path[PATH_SIZE];
    char own[OWN_ENTRIES][ENTRY_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", TEST_BIN_DIR, name);
    print_redis_url(stack, own[0]);
    (void)snprintf(own[1], ENTRY_SIZE, "OMNIHOOK_SETTINGS=%s", stack->settings_path);
    (void)snprintf(own[2], ENTRY_SIZE, "OMNIHOOK_LISTEN=%s", program->address);
    (void)snprintf(own[3], ENTRY_SIZE, "OMNIHOOK_OPS_LISTEN=%s", program->ops_address);
    const char *ca_file = redis_fixture_ca_file(stack->redis);
    (void)snprintf(own[4], ENTRY_SIZE, "OMNIHOOK_REDIS_CA_FILE=%s",
                   ca_file == NULL || stack->redis_proxy != NULL ? "" : ca_file);
    struct environment environment = {.count = 0};
    env_add_all(&environment, env);
    for (char **entry = stack->env; *entry != NULL; entry++) {
        env_add(&environment, *entry);
    }
    for (size_t i = 0; i < OWN_ENTRIES; i++) {
        env_add(&environment, own[i]);
    }
    const char *const argv[] = {path, NULL};
    struct process_options options = {
        .name = name, .argv = argv, .env = environment.entries, .dir = stack->dir};
    program->process = process_start(&options);
    char event[64];
    (void)snprintf(event, sizeof event, "event=%s ", ready_event);
    const char *line = process_wait_line(program->process, PROCESS_STDERR, event, START_LIMIT_MS);
    if (strcmp(ready_event, "listening") == 0) {
        (void)process_line_value(line, "address", program->address, sizeof program->address);
    }
}

static void choose_address(const struct stack *stack, const char *name, size_t index,
                           char address[SOCKET_ADDRESS_SIZE])
{
    (void)snprintf(address, SOCKET_ADDRESS_SIZE, "unix:%s/%s%zu.sock", temp_dir_path(stack->dir),
                   name, index);
}

size_t stack_start_api(struct stack *stack, const char *const *env)
{
    assert_true(stack->api_count < PROGRAMS_MAX);
    struct program *api = &stack->apis[stack->api_count];
    choose_address(stack, "api", stack->api_count, api->address);
    choose_address(stack, "api-ops", stack->api_count, api->ops_address);
    if (stack->is_tcp) {
        (void)snprintf(api->address, sizeof api->address, "127.0.0.1:0");
    }
    stack->api_count++;
    start_program(stack, api, "omnihook-api", "listening", env);
    return stack->api_count - 1;
}

size_t stack_start_worker_until(struct stack *stack, const char *event, const char *const *env)
{
    assert_true(stack->worker_count < PROGRAMS_MAX);
    struct program *worker = &stack->workers[stack->worker_count];
    choose_address(stack, "worker-ops", stack->worker_count, worker->ops_address);
    stack->worker_count++;
    start_program(stack, worker, "omnihook-worker", event, env);
    return stack->worker_count - 1;
}

size_t stack_start_worker(struct stack *stack, const char *const *env)
{
    return stack_start_worker_until(stack, "worker_started", env);
}

struct stack *stack_new(const struct stack_options *options)
{
    struct stack *stack = mem_new(1, sizeof *stack);
    stack->dir = temp_dir_new();
    const struct redis_fixture_options redis = {.args = options->redis_args,
                                                .is_tcp = options->is_redis_tcp};
    stack->redis = redis_fixture_new(&redis);
    stack->sim = sim_start();
    stack->env = copy_env(options->env);
    stack->is_tcp = options->is_tcp;
    if (options->has_redis_proxy) {
        char address[SOCKET_ADDRESS_SIZE];
        choose_address(stack, "redis", 0, address);
        stack->redis_proxy = tcp_proxy_new(address, redis_fixture_address(stack->redis));
    }
    stack->settings_path = temp_dir_join(stack->dir, STACK_SETTINGS);
    stack->settings = json_pack("{s:{}}", "accounts");
    stack->accounts = mem_new(options->account_count, sizeof *stack->accounts);
    for (size_t i = 0; i < options->account_count; i++) {
        add_account(stack, &options->accounts[i]);
    }
    stack_write_settings(stack);
    for (size_t i = 0; i < options->api_count; i++) {
        (void)stack_start_api(stack, NULL);
    }
    for (size_t i = 0; i < options->worker_count; i++) {
        (void)stack_start_worker(stack, NULL);
    }
    return stack;
}

static void assert_tells_no_secret(struct stack *stack, struct process *process)
{
    for (int stream = PROCESS_STDOUT; stream <= PROCESS_STDERR; stream++) {
        char *output = process_read(process, (enum process_stream)stream);
        assert_null(strstr(output, STACK_PASSWORD));
        for (size_t i = 0; i < stack->account_count; i++) {
            assert_null(strstr(output, stack->accounts[i].key));
            assert_null(strstr(output, stack->accounts[i].token));
        }
        mem_free(output);
    }
}

static void stop_programs(struct stack *stack, struct program *programs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct process *process = programs[i].process;
        if (process_is_running(process) && process_stop(process, STOP_LIMIT_MS) != 0) {
            process_print_log(process);
            fail_because("a program did not exit with 0 on SIGTERM");
        }
        assert_tells_no_secret(stack, process);
        process_free(process);
    }
}

void stack_free(struct stack *stack)
{
    if (stack == NULL) {
        return;
    }
    stop_programs(stack, stack->apis, stack->api_count);
    stop_programs(stack, stack->workers, stack->worker_count);
    tcp_proxy_free(stack->redis_proxy);
    sim_stop(stack->sim);
    redis_fixture_free(stack->redis);
    temp_dir_free(stack->dir);
    for (size_t i = 0; i < stack->account_count; i++) {
        mem_free(stack->accounts[i].name);
    }
    mem_free(stack->accounts);
    for (char **entry = stack->env; *entry != NULL; entry++) {
        mem_free(*entry);
    }
    mem_free(stack->env);
    mem_free(stack->settings_path);
    json_decref(stack->settings);
    mem_free(stack);
}

int stack_setup(void **state)
{
    *state = stack_new(*state);
    return 0;
}

int stack_teardown(void **state)
{
    stack_free(*state);
    return 0;
}

struct temp_dir *stack_dir(struct stack *stack)
{
    return stack->dir;
}

struct redis_fixture *stack_redis(struct stack *stack)
{
    return stack->redis;
}

struct tcp_proxy *stack_redis_proxy(struct stack *stack)
{
    assert_non_null(stack->redis_proxy);
    return stack->redis_proxy;
}

struct sim *stack_sim(struct stack *stack)
{
    return stack->sim;
}

static struct program *get_api(struct stack *stack, size_t index)
{
    assert_true(index < stack->api_count);
    return &stack->apis[index];
}

static struct program *get_worker(struct stack *stack, size_t index)
{
    assert_true(index < stack->worker_count);
    return &stack->workers[index];
}

struct process *stack_api(struct stack *stack, size_t index)
{
    return get_api(stack, index)->process;
}

struct process *stack_worker(struct stack *stack, size_t index)
{
    return get_worker(stack, index)->process;
}

const char *stack_api_address(struct stack *stack, size_t index)
{
    return get_api(stack, index)->address;
}

const char *stack_api_ops_address(struct stack *stack, size_t index)
{
    return get_api(stack, index)->ops_address;
}

const char *stack_worker_ops_address(struct stack *stack, size_t index)
{
    return get_worker(stack, index)->ops_address;
}

const char *stack_key(struct stack *stack, const char *account)
{
    return find_account(stack, account)->key;
}

const char *stack_token(struct stack *stack, const char *account)
{
    return find_account(stack, account)->token;
}

json_t *stack_settings(struct stack *stack, const char *account)
{
    json_t *settings = json_object_get(json_object_get(stack->settings, "accounts"), account);
    assert_non_null(settings);
    return settings;
}

void stack_write_settings(struct stack *stack)
{
    char *text = json_dumps(stack->settings, JSON_INDENT(2));
    assert_non_null(text);
    temp_dir_replace_file(stack->dir, STACK_SETTINGS, text);
    mem_free(text);
}

void stack_set_webhooks(struct stack *stack, const char *account, const char *webhooks)
{
    json_object_set_new(stack_settings(stack, account), "OMNITRON_WEBHOOKS", parse_json(webhooks));
    stack_write_settings(stack);
}

void stack_print_logs(struct stack *stack)
{
    for (size_t i = 0; i < stack->api_count; i++) {
        process_print_log(stack->apis[i].process);
    }
    for (size_t i = 0; i < stack->worker_count; i++) {
        process_print_log(stack->workers[i].process);
    }
}
