/* The system under attack: Redis with an append-only file, the Omnitron simulator, two APIs and
   some workers as processes, each with a network to Redis of its own that can be made bad. */
#ifndef OMNIHOOK_TESTS_SOAK_PLANT_H
#define OMNIHOOK_TESTS_SOAK_PLANT_H

#include "tests/support/http_calls.h"
#include "tests/support/process.h"
#include "tests/support/sockets.h"
#include "tests/support/stack.h"
#include "tests/support/tcp_proxy.h"

enum {
    PLANT_APIS = 2,
    PLANT_WORKERS = 4,
    PLANT_PROGRAMS = PLANT_APIS + PLANT_WORKERS,
    PLANT_LEASE_MS = 2000,
};

/* One omnihook-api or omnihook-worker, through all its lives. The last of each kind runs two
   processes under a supervisor, the others one. */
struct plant_program {
    const char *name;
    size_t number; /* among its kind */
    bool is_api;
    bool is_supervisor;
    struct process *process; /* the present life, or the last one until the next begins */
    struct tcp_proxy *network;
    char address[SOCKET_ADDRESS_SIZE]; /* of an API; as it says, while it is up */
    char ops_address[SOCKET_ADDRESS_SIZE];
    bool is_up;         /* it has said that it is ready */
    bool may_end;       /* it was told to, or killed */
    bool has_ended;     /* that was seen */
    size_t kills;       /* processes of it killed under the supervisor, in this life */
    int64_t started_ms; /* mono, of this life */
};

enum plant_redis_state {
    PLANT_REDIS_UP,
    PLANT_REDIS_DOWN,
    PLANT_REDIS_LOADING,
    PLANT_REDIS_PAUSED
};

struct plant {
    struct stack *stack;        /* accounts, settings, Redis and the simulator; starts no program */
    struct temp_dir *redis_dir; /* with its append-only file */
    struct http_calls *calls;
    struct plant_program programs[PLANT_PROGRAMS]; /* the APIs first */
    enum plant_redis_state redis_state;
    size_t audits; /* that mended something, as the logs of ended programs tell */
};

/* Everything is up when this returns. */
struct plant *plant_new(const struct stack_account *accounts, size_t account_count);

/* Stops every program by SIGTERM, which must end with 0. Redis and the simulator go on. */
void plant_stop_programs(struct plant *plant);

/* After plant_stop_programs. is_kept: leaves the folders with the logs and Redis's data, and says
   where they are. */
void plant_free(struct plant *plant, bool is_kept);

struct plant_program *plant_api(struct plant *plant, size_t number);
struct plant_program *plant_worker(struct plant *plant, size_t number);

/* Redis for commands; NULL while it is away. */
struct redis_fixture *plant_redis(struct plant *plant);

/* Begins another life of a program that has ended; it is not up yet. */
void plant_start(struct plant *plant, struct plant_program *program);

/* Sends a signal that may end it. */
void plant_end(struct plant_program *program, int signal_number);

/* SIGKILL for one of the two processes under the supervisor, chosen by pick, when both are there;
   gives its pid, 0 when there was none. */
pid_t plant_kill_child(struct plant_program *program, size_t pick);

/* Both processes under the supervisor are there. */
bool plant_has_children(const struct plant_program *program);

void plant_redis_kill(struct plant *plant);
void plant_redis_launch(struct plant *plant);
void plant_redis_pause(struct plant *plant);
void plant_redis_resume(struct plant *plant);

/* Looks at every program: notices who is up, and who has ended without being told. To be called
   again and again. */
void plant_watch(struct plant *plant);

/* All programs and Redis are up. */
bool plant_is_up(const struct plant *plant);

#endif
