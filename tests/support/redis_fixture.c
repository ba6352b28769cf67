#include "tests/support/redis_fixture.h"

#include "common/mem.h"
#include "common/now.h"
#include "common/strbuf.h"
#include "tests/support/certificate.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/sockets.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    ARGS_MAX = 64,
    URL_SIZE = 256,
    ANSWERS_KEPT = 32,
    START_LIMIT_MS = 10000,
    STOP_LIMIT_MS = 10000,
    COMMAND_LIMIT_S = 60, /* machines have been seen to stand still for half a minute */
    PORT_TRIES = 10,
};

/* What one command gave back; freed when the ring comes round to it again. */
struct answer {
    redisReply *reply;
    char number[24];
    struct redis_list list;
    char (*list_numbers)[24];
};

struct redis_fixture {
    struct temp_dir *dir;
    struct process *server;
    redisContext *connection; /* NULL until the next command */
    char *socket_path;
    char *password; /* NULL = none */
    char **args;    /* the fixture's own copy, ends with NULL */
    uint16_t port;  /* 0 = unix socket only */
    bool is_tls;    /* the port is */
    char *ca_file, *key_file;
    char url[URL_SIZE];
    char address[SOCKET_ADDRESS_SIZE];
    struct answer answers[ANSWERS_KEPT];
    size_t next_answer;
};

static char **copy_args(const char *const *args)
{
    size_t count = 0;
    while (args != NULL && args[count] != NULL) {
        count++;
    }
    char **copy = mem_new(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = mem_copy_text(args[i]);
    }
    return copy;
}

static void set_addresses(struct redis_fixture *fixture)
{
    if (fixture->port == 0) {
        (void)snprintf(fixture->url, sizeof fixture->url, "unix://%s?db=0", fixture->socket_path);
        (void)snprintf(fixture->address, sizeof fixture->address, "unix:%s", fixture->socket_path);
        return;
    }
    bool has_password = fixture->password != NULL;
    (void)snprintf(fixture->url, sizeof fixture->url, "redis%s://%s%s%s127.0.0.1:%u/0",
                   fixture->is_tls ? "s" : "", has_password ? ":" : "",
                   has_password ? fixture->password : "", has_password ? "@" : "", fixture->port);
    (void)snprintf(fixture->address, sizeof fixture->address, "127.0.0.1:%u", fixture->port);
}

/* Another server that speaks as Redis does, such as Valkey, may be tested in its place. */
const char *redis_fixture_program(void)
{
    const char *program = getenv("OMNIHOOK_TEST_REDIS_SERVER");
    return program == NULL ? "redis-server" : program;
}

static struct temp_dir *trusted_dir;
static pid_t trusted_owner;

static void remove_trusted(void)
{
    if (getpid() == trusted_owner) {
        temp_dir_free(trusted_dir);
    }
}

/* The path, without ending, of a certificate that this process trusts; made the first time. To be
   mem_freed. */
static char *trusted_certificate(void)
{
    if (trusted_dir == NULL) {
        trusted_dir = temp_dir_new();
        trusted_owner = getpid();
        (void)atexit(remove_trusted);
        const struct certificate_options options = {
            .subject = "IP:127.0.0.1", .valid_from_s = -3600, .valid_to_s = 86400};
        certificate_write(trusted_dir, "redis", &options);
        char *file = temp_dir_join(trusted_dir, "redis.crt");
        assert_int_equal(setenv("SSL_CERT_FILE", file, 1), 0);
        mem_free(file);
    }
    return temp_dir_join(trusted_dir, "redis");
}

static char *with_ending(const char *path, const char *ending)
{
    struct strbuf text;
    strbuf_init(&text, 4096);
    strbuf_add_text(&text, path);
    strbuf_add_text(&text, ending);
    return strbuf_take(&text);
}

static void set_certificate(struct redis_fixture *fixture, const char *given)
{
    bool is_everywhere = getenv("OMNIHOOK_TEST_REDIS_TLS") != NULL;
    char *trusted = given == NULL && is_everywhere ? trusted_certificate() : NULL;
    const char *path = given == NULL ? trusted : given;
    if (path != NULL) {
        fixture->is_tls = true;
        fixture->ca_file = with_ending(path, ".crt");
        fixture->key_file = with_ending(path, ".key");
    }
    mem_free(trusted);
}

static void launch(struct redis_fixture *fixture)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", fixture->port);
    const char *argv[ARGS_MAX] = {redis_fixture_program(),
                                  "--port",
                                  fixture->is_tls ? "0" : port,
                                  "--bind",
                                  "127.0.0.1",
                                  "--unixsocket",
                                  fixture->socket_path,
                                  "--save",
                                  "",
                                  "--appendonly",
                                  "no",
                                  "--dir",
                                  temp_dir_path(fixture->dir)};
    size_t count = 0;
    while (argv[count] != NULL) {
        count++;
    }
    if (fixture->is_tls) {
        const char *const tls[] = {"--tls-port",         port,
                                   "--tls-cert-file",    fixture->ca_file,
                                   "--tls-key-file",     fixture->key_file,
                                   "--tls-ca-cert-file", fixture->ca_file,
                                   "--tls-auth-clients", "no"};
        memcpy(&argv[count], tls, sizeof tls);
        count += sizeof tls / sizeof tls[0];
    }
    if (fixture->password != NULL) {
        argv[count++] = "--requirepass";
        argv[count++] = fixture->password;
    }
    for (char **arg = fixture->args; *arg != NULL; arg++) {
        assert_true(count < ARGS_MAX - 1);
        argv[count++] = *arg;
    }
    struct process_options options = {.name = "redis", .argv = argv, .dir = fixture->dir};
    fixture->server = process_start(&options);
}

static void disconnect(struct redis_fixture *fixture)
{
    if (fixture->connection != NULL) {
        redisFree(fixture->connection);
        fixture->connection = NULL;
    }
}

/* Connects and logs in when there is no connection; false when the server is not there. */
static bool is_connected(struct redis_fixture *fixture)
{
    if (fixture->connection != NULL) {
        return true;
    }
    struct timeval limit = {.tv_sec = COMMAND_LIMIT_S};
    fixture->connection = redisConnectUnixWithTimeout(fixture->socket_path, limit);
    if (fixture->connection == NULL || fixture->connection->err != 0 ||
        redisSetTimeout(fixture->connection, limit) != REDIS_OK) {
        disconnect(fixture);
        return false;
    }
    if (fixture->password != NULL) {
        freeReplyObject(redisCommand(fixture->connection, "AUTH %s", fixture->password));
    }
    return true;
}

bool redis_fixture_is_ready(struct redis_fixture *fixture)
{
    if (!is_connected(fixture)) {
        return false;
    }
    /* A server that loads its data answers LOADING. */
    redisReply *reply = redisCommand(fixture->connection, "PING");
    bool is_pong = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply == NULL) {
        disconnect(fixture);
    }
    freeReplyObject(reply);
    return is_pong;
}

static bool is_up_or_over(void *fixture_)
{
    struct redis_fixture *fixture = fixture_;
    return !process_is_running(fixture->server) || redis_fixture_is_ready(fixture);
}

/* False when the server has ended by itself, as it does when its port is taken. */
static bool start_once(struct redis_fixture *fixture)
{
    launch(fixture);
    bool is_decided = wait_until(is_up_or_over, fixture, START_LIMIT_MS);
    if (is_decided && process_is_running(fixture->server)) {
        return true;
    }
    char *log = process_read(fixture->server, PROCESS_STDOUT);
    print_message("redis-server did not start:\n%.900s\n", log);
    mem_free(log);
    process_free(fixture->server);
    fixture->server = NULL;
    return false;
}

struct redis_fixture *redis_fixture_new(const struct redis_fixture_options *options)
{
    static const struct redis_fixture_options defaults = {0};
    options = options == NULL ? &defaults : options;
    assert_true(options->password == NULL || options->is_tcp);
    struct redis_fixture *fixture = mem_new(1, sizeof *fixture);
    (void)signal(SIGPIPE, SIG_IGN); /* our own connection may be cut, too */
    fixture->dir = temp_dir_new();
    fixture->socket_path = temp_dir_join(fixture->dir, "redis.sock");
    fixture->password = mem_copy_text(options->password);
    fixture->args = copy_args(options->args);
    set_certificate(fixture, options->certificate);
    bool is_tcp = options->is_tcp || fixture->is_tls;
    int tries = is_tcp ? PORT_TRIES : 1;
    bool is_started = false;
    while (tries-- > 0 && !is_started) {
        fixture->port = is_tcp ? socket_free_port() : 0;
        is_started = start_once(fixture);
    }
    if (!is_started) {
        fail_because("no redis-server");
    }
    set_addresses(fixture);
    return fixture;
}

static void forget_answer(struct answer *answer)
{
    freeReplyObject(answer->reply);
    mem_free(answer->list.items);
    mem_free(answer->list_numbers);
    *answer = (struct answer){0};
}

void redis_fixture_free(struct redis_fixture *fixture)
{
    if (fixture == NULL) {
        return;
    }
    disconnect(fixture);
    for (size_t i = 0; i < ANSWERS_KEPT; i++) {
        forget_answer(&fixture->answers[i]);
    }
    process_free(fixture->server);
    temp_dir_free(fixture->dir);
    for (char **arg = fixture->args; *arg != NULL; arg++) {
        mem_free(*arg);
    }
    mem_free(fixture->args);
    mem_free(fixture->ca_file);
    mem_free(fixture->key_file);
    mem_free(fixture->password);
    mem_free(fixture->socket_path);
    mem_free(fixture);
}

const char *redis_fixture_url(const struct redis_fixture *fixture)
{
    return fixture->url;
}

const char *redis_fixture_ca_file(const struct redis_fixture *fixture)
{
    return fixture->ca_file;
}

const char *redis_fixture_address(const struct redis_fixture *fixture)
{
    return fixture->address;
}

void redis_fixture_stop(struct redis_fixture *fixture)
{
    disconnect(fixture);
    (void)process_stop(fixture->server, STOP_LIMIT_MS);
}

void redis_fixture_kill(struct redis_fixture *fixture)
{
    disconnect(fixture);
    process_kill(fixture->server);
}

static void forget_ended_server(struct redis_fixture *fixture)
{
    assert_false(process_is_running(fixture->server));
    process_free(fixture->server);
    fixture->server = NULL;
}

void redis_fixture_launch(struct redis_fixture *fixture)
{
    forget_ended_server(fixture);
    launch(fixture);
}

void redis_fixture_start(struct redis_fixture *fixture)
{
    forget_ended_server(fixture);
    if (!start_once(fixture)) {
        fail_because("redis-server does not start again");
    }
}

void redis_fixture_pause(struct redis_fixture *fixture)
{
    process_signal(fixture->server, SIGSTOP);
}

void redis_fixture_resume(struct redis_fixture *fixture)
{
    process_signal(fixture->server, SIGCONT);
}

/* The server went away since the last command: this one cannot have been done. A timeout is not
   that. */
static bool is_stale(const redisContext *connection)
{
    return connection != NULL &&
           (connection->err == REDIS_ERR_EOF || errno == EPIPE || errno == ECONNRESET);
}

/* Sends one command; once more on a new connection when the old one had broken before. */
static struct answer *ask(struct redis_fixture *fixture, const char *format, va_list args)
{
    struct answer *answer = &fixture->answers[fixture->next_answer];
    fixture->next_answer = (fixture->next_answer + 1) % ANSWERS_KEPT;
    forget_answer(answer);
    for (int tries = 2; tries > 0 && answer->reply == NULL; tries--) {
        va_list copy;
        va_copy(copy, args);
        if (is_connected(fixture)) {
            answer->reply = redisvCommand(fixture->connection, format, copy);
        }
        va_end(copy);
        if (answer->reply == NULL) {
            tries = is_stale(fixture->connection) ? tries : 0;
            disconnect(fixture);
        }
    }
    if (answer->reply == NULL) {
        fail_because("redis-server does not answer: %s", format);
    }
    return answer;
}

static struct answer *ask_without_error(struct redis_fixture *fixture, const char *format,
                                        va_list args)
{
    struct answer *answer = ask(fixture, format, args);
    if (answer->reply->type == REDIS_REPLY_ERROR) {
        fail_because("%s: %s", format, answer->reply->str);
    }
    return answer;
}

static const char *reply_text(const redisReply *reply, char number[24])
{
    switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        return reply->str;
    case REDIS_REPLY_INTEGER:
        (void)snprintf(number, 24, "%lld", reply->integer);
        return number;
    case REDIS_REPLY_NIL:
        return NULL;
    default:
        fail_because("a reply of another type: %d", reply->type);
        return NULL;
    }
}

void redis_do(struct redis_fixture *fixture, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)ask_without_error(fixture, format, args);
    va_end(args);
}

const char *redis_text(struct redis_fixture *fixture, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct answer *answer = ask_without_error(fixture, format, args);
    va_end(args);
    return reply_text(answer->reply, answer->number);
}

int64_t redis_int(struct redis_fixture *fixture, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct answer *answer = ask_without_error(fixture, format, args);
    va_end(args);
    const char *text = reply_text(answer->reply, answer->number);
    char *end = NULL;
    int64_t number = text == NULL ? 0 : strtoll(text, &end, 10);
    if (text == NULL || end == text || *end != '\0') {
        fail_because("%s: not a number: %s", format, text == NULL ? "nil" : text);
    }
    return number;
}

const struct redis_list *redis_list(struct redis_fixture *fixture, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct answer *answer = ask_without_error(fixture, format, args);
    va_end(args);
    const redisReply *reply = answer->reply;
    if (reply->type != REDIS_REPLY_ARRAY) {
        fail_because("%s: not an array", format);
    }
    answer->list.size = reply->elements;
    answer->list.items = mem_new(reply->elements + 1, sizeof *answer->list.items);
    answer->list_numbers = mem_new(reply->elements + 1, sizeof *answer->list_numbers);
    for (size_t i = 0; i < reply->elements; i++) {
        answer->list.items[i] = reply_text(reply->element[i], answer->list_numbers[i]);
    }
    return &answer->list;
}

const char *redis_error(struct redis_fixture *fixture, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct answer *answer = ask(fixture, format, args);
    va_end(args);
    if (answer->reply->type != REDIS_REPLY_ERROR) {
        fail_because("%s: an error was expected", format);
    }
    return answer->reply->str;
}
