/* Ten thousand damaged requests, made of the rows of http_shapes.json, against the real process:
   it answers each with HTTP and JSON, or closes, and goes on.

   A failure prints its number and the seed; OMNIHOOK_FUZZ_SEED repeats a run, OMNIHOOK_FUZZ_COUNT
   makes it longer. */
#include "common/mem.h"
#include "common/now.h"
#include "common/random_id.h"
#include "tests/support/fail.h"
#include "tests/support/http_shapes.h"
#include "tests/support/mutate.h"
#include "tests/support/raw_answer.h"
#include "tests/support/sockets.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    COUNT = 10000,
    AT_ONCE = 200,
    LIMIT_MS = 30000, /* for one connection to end; it ends after 2 x 300 ms by itself */
    POLL_MS = 100,
    ROWS_MAX = 512,
    REQUEST_BYTES_MAX = 512 * 1024,
    ANSWERS_BYTES_MAX = 4 * 1024 * 1024,
};

static const struct stack_account accounts[] = {
    {.name = "acme",
     .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example/a\"}]",
     .is_superuser = true},
};
static const char *const quick[] = {"OMNIHOOK_READ_TIMEOUT_MS=300", "OMNIHOOK_IDLE_TIMEOUT_MS=300",
                                    NULL};
static struct stack_options with_quick = {
    .accounts = accounts, .account_count = 1, .api_count = 1, .env = quick};

/* One connection. */
struct attack {
    uint64_t number;
    int fd; /* -1 = over */
    struct strbuf request;
    size_t sent;
    size_t part;         /* of each write */
    bool is_half_closed; /* after the last byte */
    bool hangs_up;       /* after the last byte, without waiting for an answer */
    struct strbuf answers;
    int64_t end_ms;
};

struct fuzz {
    const char *address;
    const char *key;
    uint64_t seed;
    struct strbuf rows[ROWS_MAX];
    size_t row_count;
    struct attack attacks[AT_ONCE];
    size_t by_status[600];
};

/* ---- What is sent ---- */

static void load_rows(struct fuzz *fuzz, const char *key)
{
    json_t *groups = http_shapes_load();
    size_t g = 0;
    size_t i = 0;
    const json_t *group = NULL;
    const json_t *row = NULL;
    json_array_foreach(groups, g, group)
    {
        json_array_foreach(json_object_get(group, "shapes"), i, row)
        {
            assert_true(fuzz->row_count < ROWS_MAX);
            struct strbuf *request = &fuzz->rows[fuzz->row_count++];
            strbuf_init(request, REQUEST_BYTES_MAX);
            http_shape_request(row, key, request);
        }
    }
    json_decref(groups);
}

/* Damage can make the key the caller's own name for its request, which the log tells as it is. */
static bool has_key_as_id(const struct strbuf *request, const char *key)
{
    static const char name[] = "X-Request-Id:";
    const char *end = request->bytes + request->size;
    for (const char *line = request->bytes; line < end; line++) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((line_end == NULL ? end : line_end) - line);
        const char *found =
            strncasecmp(line, name, sizeof name - 1) == 0 ? strstr(line, key) : NULL;
        if (found != NULL && found < line + size) {
            return true;
        }
        line += size;
    }
    return false;
}

static void start_attack(struct fuzz *fuzz, struct attack *attack, uint64_t number)
{
    uint64_t random = fuzz->seed + number * 0x10001;
    *attack = (struct attack){.number = number, .end_ms = now_mono_ms() + LIMIT_MS};
    strbuf_init(&attack->request, REQUEST_BYTES_MAX);
    strbuf_init(&attack->answers, ANSWERS_BYTES_MAX);
    const struct strbuf *row = &fuzz->rows[random_below(&random, fuzz->row_count)];
    const struct strbuf *other = &fuzz->rows[random_below(&random, fuzz->row_count)];
    do {
        strbuf_reset(&attack->request);
        (void)strbuf_add(&attack->request, row->bytes, row->size);
        mutate(&random, &attack->request, other);
    } while (has_key_as_id(&attack->request, fuzz->key));
    attack->part = 1 + random_below(&random, attack->request.size + 1);
    attack->is_half_closed = random_below(&random, 4) == 0;
    attack->hangs_up = random_below(&random, 8) == 0;
    attack->fd = socket_connect(fuzz->address);
    if (attack->fd < 0 || fcntl(attack->fd, F_SETFL, O_NONBLOCK) != 0) {
        fail_because("cannot connect: %s", strerror(errno));
    }
}

static void send_part(struct attack *attack)
{
    size_t left = attack->request.size - attack->sent;
    size_t size = left < attack->part ? left : attack->part;
    ssize_t sent = send(attack->fd, attack->request.bytes + attack->sent, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        attack->sent = attack->request.size; /* it has closed: what it said is still to be read */
    }
    attack->sent += sent > 0 ? (size_t)sent : 0;
    if (attack->sent == attack->request.size && attack->is_half_closed) {
        (void)shutdown(attack->fd, SHUT_WR);
    }
}

/* ---- What comes back ---- */

static _Noreturn void fail_attack(const struct fuzz *fuzz, const struct attack *attack,
                                  const char *what)
{
    fail_because("OMNIHOOK_FUZZ_SEED=%" PRIu64 " number %" PRIu64 ": %s\n--- sent\n%.2000s\n--- "
                 "received\n%.2000s",
                 fuzz->seed, attack->number, what, attack->request.bytes, attack->answers.bytes);
}

static bool is_documented(int status)
{
    static const int documented[] = {100, 200, 204, 400, 401, 404, 405, 408, 413, 417, 429, 431};
    for (size_t i = 0; i < sizeof documented / sizeof *documented; i++) {
        if (documented[i] == status) {
            return true;
        }
    }
    return false;
}

static const char *fault_of(const struct raw_answer *answer)
{
    char value[64];
    if (!is_documented(answer->status)) {
        return "a status that is not documented";
    }
    if (answer->status != 100 &&
        (raw_answer_header(answer, "X-Request-Id", value, sizeof value) == NULL ||
         raw_answer_header(answer, "Cache-Control", value, sizeof value) == NULL)) {
        return "a header is missing";
    }
    if (answer->body_size == 0) {
        return NULL;
    }
    json_t *json = json_loadb(answer->body, answer->body_size, 0, NULL);
    bool is_object = json_is_object(json);
    bool is_error = json_object_get(json, "detail") != NULL;
    json_decref(json);
    return !is_object || is_error != (answer->status >= 400) ? "not the JSON of its status" : NULL;
}

/* Whether an answer was to HEAD, only what follows its head can tell. */
static enum raw_answer_state read_next(const struct attack *attack, size_t at,
                                       struct raw_answer *answer)
{
    const char *bytes = attack->answers.bytes + at;
    size_t size = attack->answers.size - at;
    enum raw_answer_state state = raw_answer_read(answer, bytes, size, true);
    bool may_be_head = strstr(attack->request.bytes, "HEAD ") != NULL;
    bool has_end = state == RAW_ANSWER_WHOLE &&
                   (answer->size == size || strncmp(bytes + answer->size, "HTTP/", 5) == 0);
    return has_end && may_be_head ? state : raw_answer_read(answer, bytes, size, false);
}

static void check_answers(struct fuzz *fuzz, const struct attack *attack)
{
    struct raw_answer answer;
    for (size_t at = 0; at < attack->answers.size; at += answer.size) {
        if (read_next(attack, at, &answer) != RAW_ANSWER_WHOLE) {
            fail_attack(fuzz, attack, "what came is not made of whole answers");
        }
        const char *fault = fault_of(&answer);
        if (fault != NULL) {
            fail_attack(fuzz, attack, fault);
        }
        fuzz->by_status[answer.status]++;
    }
}

static void end_attack(struct attack *attack)
{
    (void)close(attack->fd);
    attack->fd = -1;
    strbuf_clear(&attack->request);
    strbuf_clear(&attack->answers);
}

/* False when the server has closed. */
static bool receive_part(struct attack *attack)
{
    char part[16384];
    ssize_t got = recv(attack->fd, part, sizeof part, 0);
    if (got > 0) {
        (void)strbuf_add(&attack->answers, part, (size_t)got);
    }
    return got > 0 || (got < 0 && errno == EAGAIN);
}

static void go_on(struct fuzz *fuzz, struct attack *attack, short ready)
{
    if ((ready & POLLOUT) != 0) {
        send_part(attack);
    }
    bool is_sent = attack->sent == attack->request.size;
    if (is_sent && attack->hangs_up) {
        end_attack(attack);
        return;
    }
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive_part(attack)) {
        check_answers(fuzz, attack);
        end_attack(attack);
        return;
    }
    if (now_mono_ms() > attack->end_ms) {
        fail_attack(fuzz, attack, "neither answered nor closed in time");
    }
}

/* ---- The test ---- */

static uint64_t number_from(const char *variable, uint64_t fallback)
{
    const char *text = getenv(variable);
    return text == NULL || text[0] == '\0' ? fallback : strtoull(text, NULL, 10);
}

/* What each connection waits for; false when none is open. */
static bool prepare(const struct fuzz *fuzz, struct pollfd polled[AT_ONCE])
{
    bool is_any = false;
    for (size_t i = 0; i < AT_ONCE; i++) {
        const struct attack *attack = &fuzz->attacks[i];
        bool has_more = attack->fd >= 0 && attack->sent < attack->request.size;
        polled[i].fd = attack->fd;
        polled[i].revents = 0;
        polled[i].events = (short)(POLLIN | (has_more ? POLLOUT : 0));
        is_any = is_any || attack->fd >= 0;
    }
    return is_any;
}

/* Goes on with each, and puts a new one in the place of each that has ended. */
static void turn(struct fuzz *fuzz, const struct pollfd polled[AT_ONCE], uint64_t *left)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        if (fuzz->attacks[i].fd >= 0) {
            go_on(fuzz, &fuzz->attacks[i], polled[i].revents);
        } else if (*left > 0) {
            start_attack(fuzz, &fuzz->attacks[i], --*left);
        }
    }
}

/* AT_ONCE connections at a time, until count have been made and have ended. */
static void run_attacks(struct fuzz *fuzz, uint64_t count)
{
    struct pollfd polled[AT_ONCE] = {{0}};
    turn(fuzz, polled, &count);
    while (prepare(fuzz, polled)) {
        if (poll(polled, AT_ONCE, POLL_MS) >= 0) {
            turn(fuzz, polled, &count);
        }
    }
}

static void damaged_requests_are_answered_or_closed_and_do_no_damage(void **state)
{
    struct stack *stack = *state;
    struct fuzz *fuzz = mem_new(1, sizeof *fuzz);
    fuzz->address = stack_api_address(stack, 0);
    fuzz->seed = number_from("OMNIHOOK_FUZZ_SEED", random_bits());
    uint64_t count = number_from("OMNIHOOK_FUZZ_COUNT", COUNT);
    print_message("OMNIHOOK_FUZZ_SEED=%" PRIu64 "\n", fuzz->seed);
    fuzz->key = stack_key(stack, "acme");
    load_rows(fuzz, fuzz->key);
    for (size_t i = 0; i < AT_ONCE; i++) {
        fuzz->attacks[i].fd = -1;
    }
    run_attacks(fuzz, count);
    print_message("%" PRIu64 " requests; answers:", count);
    for (int status = 0; status < 600; status++) {
        if (fuzz->by_status[status] > 0) {
            print_message(" %d x %zu", status, fuzz->by_status[status]);
        }
    }
    print_message("\n");
    assert_true(process_is_running(stack_api(stack, 0)));
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    for (size_t i = 0; i < fuzz->row_count; i++) {
        strbuf_clear(&fuzz->rows[i]);
    }
    mem_free(fuzz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(damaged_requests_are_answered_or_closed_and_do_no_damage, &with_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
