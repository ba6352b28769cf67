#include "tests/model/machine.h"

#include "common/mem.h"
#include "tests/support/fail.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { SHA_SIZE = 41, LIMIT_S = 30, ACCOUNT_WORDS = 18, ANSWERS_MAX = 8, ANSWER_SIZE = 12 };

#define PREFIX "{t}:"

extern const unsigned char embedded_look_lua[];

/* The saved state is in database 1: all keys, times to live included. */
static const char copy_script[] = "local from, to = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
                                  "redis.call('SELECT', to)\n"
                                  "redis.call('FLUSHDB')\n"
                                  "redis.call('SELECT', from)\n"
                                  "for _, key in ipairs(redis.call('KEYS', '*')) do\n"
                                  "    redis.call('COPY', key, key, 'DB', to)\n"
                                  "end\n"
                                  "redis.call('SELECT', 0)\n";

struct machine {
    redisContext *connection;
    char shas[MODEL_SCRIPTS][SHA_SIZE];
    char look_sha[SHA_SIZE];
    char copy_sha[SHA_SIZE];
    struct {
        char answer[ANSWER_SIZE]; /* "" = no more */
        unsigned long count;
    } answers[MODEL_SCRIPTS][ANSWERS_MAX];
};

/* ---- Commands ---- */

static redisReply *receive(struct machine *machine)
{
    void *reply = NULL;
    if (redisGetReply(machine->connection, &reply) != REDIS_OK) {
        fail_because("no answer from Redis: %s", machine->connection->errstr);
    }
    return reply;
}

static redisReply *receive_without_error(struct machine *machine)
{
    redisReply *reply = receive(machine);
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_because("Redis: %s", reply->str);
    }
    return reply;
}

static void append(struct machine *machine, const struct call_args *args)
{
    int result = redisAppendCommandArgv(machine->connection, (int)args->count,
                                        (const char **)(uintptr_t)args->args, NULL);
    if (result != REDIS_OK) {
        fail_because("cannot send: %s", machine->connection->errstr);
    }
}

static redisReply *run(struct machine *machine, const char *format, va_list values)
{
    (void)redisvAppendCommand(machine->connection, format, values);
    return receive_without_error(machine);
}

void machine_do(struct machine *machine, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    freeReplyObject(run(machine, format, values));
    va_end(values);
}

char *machine_text(struct machine *machine, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    redisReply *reply = run(machine, format, values);
    va_end(values);
    char *text = reply->type == REDIS_REPLY_STRING ? mem_copy_text(reply->str) : NULL;
    freeReplyObject(reply);
    return text;
}

/* ---- Scripts ---- */

static void load(struct machine *machine, const char *text, char sha[SHA_SIZE])
{
    char *answer = machine_text(machine, "SCRIPT LOAD %s", text);
    (void)snprintf(sha, SHA_SIZE, "%s", answer);
    mem_free(answer);
}

bool machine_load(struct machine *machine, const struct script_edit *fault)
{
    char *texts[MODEL_SCRIPTS];
    bool is_complete = true;
    for (size_t i = 0; i < MODEL_SCRIPTS; i++) {
        texts[i] = model_script_text((enum model_script)i, fault);
        is_complete = is_complete && texts[i] != NULL;
    }
    for (size_t i = 0; i < MODEL_SCRIPTS; i++) {
        if (is_complete) {
            load(machine, texts[i], machine->shas[i]);
        }
        mem_free(texts[i]);
    }
    return is_complete;
}

struct machine *machine_new(const char *address)
{
    struct machine *machine = mem_new(1, sizeof *machine);
    machine->connection = redisConnectUnix(strchr(address, ':') + 1);
    struct timeval limit = {.tv_sec = LIMIT_S};
    if (machine->connection == NULL || machine->connection->err != 0 ||
        redisSetTimeout(machine->connection, limit) != REDIS_OK) {
        fail_because("cannot connect to %s", address);
    }
    load(machine, (const char *)embedded_look_lua, machine->look_sha);
    load(machine, copy_script, machine->copy_sha);
    if (!machine_load(machine, NULL)) {
        fail_because("the scripts no longer have what the model edits");
    }
    return machine;
}

void machine_free(struct machine *machine)
{
    if (machine != NULL) {
        redisFree(machine->connection);
        mem_free(machine);
    }
}

void machine_reset(struct machine *machine)
{
    machine_do(machine, "FLUSHALL");
}

void machine_listen(struct machine *machine, unsigned worker, bool is_listening)
{
    machine_do(machine, "%s " MODEL_LISTENING_KEY " w%u", is_listening ? "SADD" : "SREM", worker);
}

void machine_save(struct machine *machine)
{
    machine_do(machine, "EVALSHA %s 0 0 1", machine->copy_sha);
}

void machine_restore(struct machine *machine)
{
    machine_do(machine, "EVALSHA %s 0 1 0", machine->copy_sha);
}

/* ---- Reading answers ---- */

/* The text at index of an array; "" when there is none. */
static const char *word(const redisReply *reply, size_t index)
{
    const redisReply *value = index < reply->elements ? reply->element[index] : NULL;
    return value == NULL || value->str == NULL ? "" : value->str;
}

static int64_t number(const redisReply *reply, size_t index)
{
    const redisReply *value = index < reply->elements ? reply->element[index] : NULL;
    if (value != NULL && value->type == REDIS_REPLY_INTEGER) {
        return value->integer;
    }
    return strtoll(word(reply, index), NULL, 10);
}

static void read_word(struct script_reply *to, const redisReply *from)
{
    if (to->count == REPLY_WORDS || from->type == REDIS_REPLY_NIL) {
        return;
    }
    char *at = to->words[to->count++];
    if (from->type == REDIS_REPLY_INTEGER) {
        (void)snprintf(at, MODEL_ELEMENT_SIZE, "%lld", from->integer);
    } else {
        (void)snprintf(at, MODEL_ELEMENT_SIZE, "%s", from->str == NULL ? "" : from->str);
    }
}

static void read_reply(struct script_reply *to, const redisReply *from)
{
    to->count = 0;
    to->is_error = from->type == REDIS_REPLY_ERROR;
    if (from->type != REDIS_REPLY_ARRAY) {
        read_word(to, from);
        return;
    }
    for (size_t i = 0; i < from->elements; i++) {
        read_word(to, from->element[i]);
    }
}

static enum phase read_phase(const char *name)
{
    static const char *const names[] = {"", "queued", "running", "retrying"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum phase)i;
        }
    }
    fail_because("an unknown phase: %s", name);
}

static void read_account(struct account_view *to, const redisReply *from, size_t at)
{
    (void)snprintf(to->wrong, sizeof to->wrong, "%s", word(from, at));
    (void)snprintf(to->state, sizeof to->state, "%s", word(from, at + 1));
    to->phase = read_phase(word(from, at + 2));
    to->job = model_job_number(word(from, at + 3));
    to->rev = number(from, at + 4);
    to->claim = model_token_number(word(from, at + 5));
    to->worker = model_worker_number(word(from, at + 6));
    to->next_job = model_job_number(word(from, at + 7));
    to->is_aborting = strcmp(word(from, at + 8), "1") == 0;
    to->tries = (unsigned)number(from, at + 9);
    to->deaths = (unsigned)number(from, at + 10);
    to->is_recovered = strcmp(word(from, at + 11), "1") == 0;
    to->due_ms = number(from, at + 12);
    to->not_before_ms = number(from, at + 13);
    to->queued = (unsigned)number(from, at + 14);
    to->held = (unsigned)number(from, at + 15);
    to->holder = model_worker_number(word(from, at + 16));
    (void)snprintf(to->element, sizeof to->element, "%s", word(from, at + 17));
}

static void read_view(struct view *to, const redisReply *from)
{
    enum { HEAD = MODEL_ACCOUNTS * ACCOUNT_WORDS, WORKERS = HEAD + 3 };
    for (size_t i = 0; i < MODEL_ACCOUNTS; i++) {
        read_account(&to->accounts[i], from, i * ACCOUNT_WORDS);
    }
    to->queue_length = (size_t)number(from, HEAD);
    (void)snprintf(to->head, sizeof to->head, "%s", word(from, HEAD + 1));
    (void)snprintf(to->digest, sizeof to->digest, "%s", word(from, HEAD + 2));
    to->worker_count = 0;
    for (size_t i = WORKERS; i + 2 < from->elements && to->worker_count < VIEW_WORKERS_MAX;
         i += 3) {
        struct worker_view *worker = &to->workers[to->worker_count++];
        worker->worker = model_worker_number(word(from, i));
        worker->lease_end_ms = number(from, i + 1);
        worker->is_listening = number(from, i + 2) == 1;
    }
}

const struct worker_view *view_worker(const struct view *view, unsigned worker)
{
    for (size_t i = 0; i < view->worker_count; i++) {
        if (view->workers[i].worker == worker) {
            return &view->workers[i];
        }
    }
    return NULL;
}

/* ---- What was answered ---- */

static const char *kind_of(enum model_script script, const struct script_reply *reply)
{
    if (reply->is_error || reply->count == 0) {
        return reply->is_error ? "error" : "none";
    }
    bool is_number = reply->words[0][strspn(reply->words[0], "0123456789")] == '\0';
    if (script == MODEL_POP || (is_number && strcmp(reply->words[0], "0") != 0)) {
        return "some";
    }
    return reply->words[0];
}

static void count_answer(struct machine *machine, enum model_script script, const char *kind)
{
    for (size_t i = 0; i < ANSWERS_MAX; i++) {
        char *answer = machine->answers[script][i].answer;
        if (answer[0] == '\0') {
            (void)snprintf(answer, ANSWER_SIZE, "%.*s", ANSWER_SIZE - 1, kind);
        }
        if (strcmp(answer, kind) == 0) {
            machine->answers[script][i].count++;
            return;
        }
    }
}

unsigned long machine_answers(const struct machine *machine, enum model_script script,
                              const char *answer)
{
    for (size_t i = 0; i < ANSWERS_MAX; i++) {
        if (strcmp(machine->answers[script][i].answer, answer) == 0) {
            return machine->answers[script][i].count;
        }
    }
    return 0;
}

/* ---- Calls: all that belongs together goes out at once ---- */

static void append_look(struct machine *machine, struct look look)
{
    struct call_args args = {0};
    call_args_add(&args, "EVALSHA");
    call_args_add(&args, machine->look_sha);
    call_args_add(&args, "1");
    call_args_add(&args, PREFIX);
    call_args_add(&args, look.is_lenient ? "0" : "1");
    call_args_add(&args, look.is_lenient ? "1000" : "1");
    call_args_add(&args, look.wants_digest ? "1" : "0");
    for (int i = 0; i < MODEL_ACCOUNTS; i++) {
        call_args_add(&args, model_account_name(i));
    }
    append(machine, &args);
}

static void receive_look(struct machine *machine, struct view *view)
{
    redisReply *reply = receive_without_error(machine);
    read_view(view, reply);
    freeReplyObject(reply);
}

void machine_look(struct machine *machine, struct look look, struct view *view)
{
    append_look(machine, look);
    receive_look(machine, view);
}

void machine_call(struct machine *machine, const struct call *call, int64_t now_ms,
                  struct look look, struct script_reply *reply, struct view *view)
{
    struct call_args clock = {0};
    call_args_add(&clock, "SET");
    call_args_add(&clock, MODEL_CLOCK_KEY);
    call_args_addf(&clock, "%" PRId64, now_ms);
    append(machine, &clock);
    struct call_args args = {0};
    call_args_add(&args, "EVALSHA");
    call_args_add(&args, machine->shas[call->script]);
    call_args_add(&args, "1");
    call_args_add(&args, PREFIX);
    call_add_args(call, &args);
    append(machine, &args);
    append_look(machine, look);
    freeReplyObject(receive_without_error(machine));
    redisReply *answer = receive(machine);
    read_reply(reply, answer);
    if (call->script == MODEL_ENQUEUE) {
        reply->words[0][strcspn(reply->words[0], " ")] = '\0'; /* the job is in the view */
    }
    freeReplyObject(answer);
    count_answer(machine, call->script, kind_of(call->script, reply));
    receive_look(machine, view);
}
