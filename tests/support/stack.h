/* The whole system as processes: Redis, the Omnitron simulator, omnihook-api and omnihook-worker,
   with a settings file. Every part is started for one test and ends with it. */
#ifndef OMNIHOOK_TESTS_SUPPORT_STACK_H
#define OMNIHOOK_TESTS_SUPPORT_STACK_H

#include "tests/support/http_call.h"
#include "tests/support/process.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/sim.h"
#include "tests/support/tcp_proxy.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack;

/* Of every account's user at the simulator, for settings that log in instead of using a token. */
#define STACK_PASSWORD "correct-horse-battery-staple"

struct stack_account {
    const char *name;     /* of the account, and of the user it is on the simulator */
    const char *webhooks; /* the JSON array OMNITRON_WEBHOOKS */
    const char *extra;    /* a JSON object merged into the account's settings; NULL = nothing */
    bool is_superuser;    /* on the simulator */
};

struct stack_options {
    const struct stack_account *accounts;
    size_t account_count;
    size_t api_count; /* as many as said: 0 is none */
    size_t worker_count;
    bool has_redis_proxy;          /* the programs reach Redis through stack_redis_proxy */
    const char *const *redis_args; /* this and the next as in redis_fixture.h */
    bool is_redis_tcp;
    bool is_tcp;            /* the API listens on 127.0.0.1:0 instead of a unix socket */
    const char *const *env; /* NAME=value for every program, before the stack's own; NULL = none */
};

/* Everything is ready when this returns: the APIs listen, the workers work. Each account has a
   random API key, and a random token at the simulator. The test fails when something does not
   start. The programs log as logfmt (stack_* reads that). */
struct stack *stack_new(const struct stack_options *options);

/* Stops every program that still runs with SIGTERM and ends the rest. The test fails when one does
   not exit with 0 or when an API key, token or password stands in a program's output. NULL is
   legal. */
void stack_free(struct stack *stack);

/* For cmocka: *state is the struct stack_options before, and the struct stack in the test. */
int stack_setup(void **state);
int stack_teardown(void **state);
#define STACK_TEST(test, options)                                                                  \
    cmocka_unit_test_prestate_setup_teardown(test, stack_setup, stack_teardown, options)

struct temp_dir *stack_dir(struct stack *stack);
struct redis_fixture *stack_redis(struct stack *stack);
struct tcp_proxy *stack_redis_proxy(struct stack *stack);
struct sim *stack_sim(struct stack *stack);

/* The programs by number, from 0 in the order of their start. */
struct process *stack_api(struct stack *stack, size_t index);
struct process *stack_worker(struct stack *stack, size_t index);

/* Starts one more, with env before the stack's own (NULL = none), and gives its number. */
size_t stack_start_api(struct stack *stack, const char *const *env);
size_t stack_start_worker(struct stack *stack, const char *const *env);

/* For a worker that cannot work: returns when it has logged event ("redis_down"). */
size_t stack_start_worker_until(struct stack *stack, const char *event, const char *const *env);

/* "unix:/path" or "127.0.0.1:port" */
const char *stack_api_address(struct stack *stack, size_t index);
const char *stack_api_ops_address(struct stack *stack, size_t index);
const char *stack_worker_ops_address(struct stack *stack, size_t index);

const char *stack_key(struct stack *stack, const char *account);
const char *stack_token(struct stack *stack, const char *account);

/* The account's part of the settings, to be changed in place; stack_write_settings then replaces
   the file from one moment to the next. Nobody is signalled. */
json_t *stack_settings(struct stack *stack, const char *account);
void stack_write_settings(struct stack *stack);

/* The settings file's name in stack_dir, for tests that write it themselves. */
#define STACK_SETTINGS "settings.json"

/* stack_settings' OMNITRON_WEBHOOKS := the JSON array, and stack_write_settings. */
void stack_set_webhooks(struct stack *stack, const char *account, const char *webhooks);

/* A call of path ("execute/") under the API's prefix on the first API, with the account's key
   (account NULL: without one). The answer is to be freed. */
struct http_answer *stack_call(struct stack *stack, const char *account, const char *method,
                               const char *path);

/* POST execute/: the answer's status. */
int stack_execute(struct stack *stack, const char *account);

/* The result of GET get_async_status/ and GET is_required/, which must be answered with 200;
   borrowed until the next call of either. */
const char *stack_status(struct stack *stack, const char *account);
const char *stack_is_required(struct stack *stack, const char *account);

/* GET of a path ("/readyz") on an ops listener; the answer is to be freed. */
struct http_answer *stack_ops_call(const char *ops_address, const char *path);

/* GET report/, to be json_decref'd; the test fails when there is none. */
json_t *stack_report(struct stack *stack, const char *account);

/* Waits until the account's status is status; the test fails, showing the logs, after limit_ms or
   when another ended status comes instead. */
void stack_wait_status(struct stack *stack, const char *account, const char *status,
                       int64_t limit_ms);

/* stack_execute must be 204, then stack_wait_status. */
void stack_run(struct stack *stack, const char *account, const char *status, int64_t limit_ms);

/* The same two steps while Redis fails over (on a busy machine it may, once more, by itself): 503
   is met by asking again. The first gives how often it was refused; the second fails the test when
   anything but WORKING and FINISHED is told. */
unsigned stack_execute_patiently(struct stack *stack, const char *account, int64_t limit_ms);
void stack_wait_finished_patiently(struct stack *stack, const char *account, int64_t limit_ms);

/* The end of every program's log, among the test's messages. */
void stack_print_logs(struct stack *stack);

#endif
