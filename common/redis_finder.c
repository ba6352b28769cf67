#include "common/redis_finder.h"

#include "common/mem.h"
#include "common/redis_command.h"
#include "common/redis_error.h"
#include "common/redis_link.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A server that Sentinels of this round name as the master. */
struct answer {
    char host[REDIS_HOST_SIZE];
    int port;
    size_t votes;
    size_t first; /* who named it first, in order */
};

enum { FIRST_LIMIT_MS = 500, ROUNDS_MAX = 8, COMMAND_MAX_BYTES = 1024, PORT_MAX = 65535 };

struct redis_finder {
    struct loop *loop;
    const struct redis_address *address;
    const char *name;
    int64_t timeout_ms;
    redis_found_fn *fn;
    void *arg;
    size_t order[REDIS_SENTINELS_MAX]; /* in which they are asked */
    size_t at;                         /* the one that is asked, in order */
    unsigned rounds;                   /* in a row without an answer */
    struct event *timer;               /* the limit of one; the end of all */
    struct redis_address sentinel;     /* the one that is asked; owns nothing */
    struct redis_link *link;           /* to it; NULL when none is asked */
    size_t refusals;                   /* Sentinels of this round that answered and said no */
    struct answer answers[REDIS_SENTINELS_MAX]; /* of this round */
    size_t answer_count;
    bool is_silent[REDIS_SENTINELS_MAX]; /* in order: named no master in this round */
    struct error why;                    /* what those asked in this round have said */
};

static void ask(struct redis_finder *finder);

static int64_t limit_ms(const struct redis_finder *finder)
{
    int64_t limit = (int64_t)FIRST_LIMIT_MS << finder->rounds;
    return limit < finder->timeout_ms ? limit : finder->timeout_ms;
}

/* All that a link needs to know of a Sentinel is borrowed from the address. */
static void set_sentinel(struct redis_finder *finder, const struct redis_node *node)
{
    const struct redis_address *address = finder->address;
    bool has_own = secret_is_set(&address->sentinel_password);
    finder->sentinel = (struct redis_address){
        .host = node->host,
        .port = node->port,
        .user = has_own ? NULL : address->user,
        .password = has_own ? address->sentinel_password : address->password,
        .is_tls = address->is_tls,
        .ca_file = address->ca_file,
        .certificate_file = address->certificate_file,
        .key_file = address->key_file,
        .is_sentinel = true,
    };
}

static void hang_up(struct redis_finder *finder)
{
    loop_timer_stop(finder->timer);
    redis_link_free(finder->link);
    finder->link = NULL;
}

/* Adds to what is told when nobody knows better. */
static void note(struct redis_finder *finder, const struct error *why)
{
    const struct redis_node *node = &finder->address->sentinels[finder->order[finder->at]];
    size_t used = strlen(finder->why.text);
    (void)snprintf(finder->why.text + used, sizeof finder->why.text - used, "%s %s:%d: %s",
                   used == 0 ? "no Sentinel names a master:" : ";", node->host, node->port,
                   why->text);
    if (why->code == ERROR_REFUSED || why->code == ERROR_UNAUTHORIZED) {
        finder->refusals++;
        finder->why.code = why->code;
    }
}

/* The others that gave an answer, or gave none. */
static size_t add_others(const struct redis_finder *finder, size_t first, bool are_silent,
                         size_t order[REDIS_SENTINELS_MAX], size_t count)
{
    for (size_t at = 0; at < finder->address->sentinel_count; at++) {
        if (at != first && finder->is_silent[at] == are_silent) {
            order[count++] = finder->order[at];
        }
    }
    return count;
}

/* For the next time: who was right first, who gave no answer last. */
static void reorder(struct redis_finder *finder, size_t first)
{
    size_t order[REDIS_SENTINELS_MAX] = {finder->order[first]};
    size_t count = add_others(finder, first, false, order, 1);
    count = add_others(finder, first, true, order, count);
    memcpy(finder->order, order, count * sizeof *order);
}

static void tell(struct redis_finder *finder, const struct answer *answer)
{
    char host[REDIS_HOST_SIZE];
    (void)snprintf(host, sizeof host, "%s", answer->host);
    reorder(finder, answer->first);
    finder->rounds = 0;
    finder->fn(finder->arg, host, answer->port, NULL);
}

static const struct answer *most_named(const struct redis_finder *finder)
{
    const struct answer *most = &finder->answers[0];
    for (size_t i = 1; i < finder->answer_count; i++) {
        if (finder->answers[i].votes > most->votes) {
            most = &finder->answers[i];
        }
    }
    return most;
}

static void end_round(struct redis_finder *finder)
{
    if (finder->answer_count > 0) {
        tell(finder, most_named(finder));
        return;
    }
    if (finder->refusals < finder->address->sentinel_count) {
        finder->why.code = ERROR_UNAVAILABLE;
    }
    finder->rounds += finder->rounds < ROUNDS_MAX ? 1 : 0;
    const struct error told = finder->why;
    finder->fn(finder->arg, NULL, 0, &told);
}

/* To the next one, or the end of the round. */
static void go_on(struct redis_finder *finder)
{
    hang_up(finder);
    finder->at++;
    if (finder->at < finder->address->sentinel_count) {
        ask(finder);
    } else {
        end_round(finder);
    }
}

static void go_on_without(struct redis_finder *finder, const struct error *why)
{
    note(finder, why);
    finder->is_silent[finder->at] = true;
    go_on(finder);
}

/* One Sentinel that is cut off from the others may name a master that was: most of them decide. */
static void count_answer(struct redis_finder *finder, const char *host, int port)
{
    size_t i = 0;
    while (i < finder->answer_count &&
           (strcmp(finder->answers[i].host, host) != 0 || finder->answers[i].port != port)) {
        i++;
    }
    struct answer *answer = &finder->answers[i];
    if (i == finder->answer_count) {
        finder->answer_count++;
        *answer = (struct answer){.port = port, .first = finder->at};
        (void)snprintf(answer->host, sizeof answer->host, "%s", host);
    }
    answer->votes++;
    if (2 * answer->votes > finder->address->sentinel_count) {
        hang_up(finder);
        tell(finder, answer);
    } else {
        go_on(finder);
    }
}

static void on_timer(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct redis_finder *finder = arg;
    struct error why;
    (void)error_set(&why, ERROR_TIMEOUT, "no answer within %" PRId64 " ms", limit_ms(finder));
    go_on_without(finder, &why);
}

void redis_finder_distrust(struct redis_finder *finder)
{
    size_t last = finder->address->sentinel_count - 1;
    size_t index = finder->order[0];
    memmove(&finder->order[0], &finder->order[1], last * sizeof finder->order[0]);
    finder->order[last] = index;
}

static void on_up(void *arg)
{
    struct redis_finder *finder = arg;
    struct redis_command command;
    struct strbuf wire;
    redis_command_init(&command, "SENTINEL");
    redis_command_add(&command, "GET-MASTER-ADDR-BY-NAME");
    redis_command_add(&command, finder->address->service);
    strbuf_init(&wire, COMMAND_MAX_BYTES);
    bool is_sent =
        redis_command_print(&command, &wire) && redis_link_send(finder->link, &wire, NULL);
    assert(is_sent);
    (void)is_sent;
    strbuf_clear(&wire);
}

static void on_down(void *arg, const struct error *why)
{
    go_on_without(arg, why);
}

static void on_reply(void *arg, void *tag, const struct redis_reply *reply)
{
    (void)tag;
    struct redis_finder *finder = arg;
    struct error why;
    const char *error_text = redis_error_text(reply);
    const struct redis_reply *name = redis_reply_at(reply, 0);
    const struct redis_reply *number = redis_reply_at(reply, 1);
    const char *host = name == NULL ? NULL : redis_reply_text(name, NULL);
    int64_t port = number == NULL ? 0 : redis_reply_int(number, 0);
    if (error_text != NULL) {
        (void)redis_error_read(error_text, &why);
    } else if (redis_reply_is_nil(reply)) {
        (void)error_set(&why, ERROR_REFUSED, "it knows no service '%s'", finder->address->service);
    } else if (host == NULL || host[0] == '\0' || strlen(host) >= REDIS_HOST_SIZE || port <= 0 ||
               port > PORT_MAX) {
        (void)error_set(&why, ERROR_PROTOCOL, "its answer makes no sense");
    } else {
        char found[REDIS_HOST_SIZE]; /* the reply goes with the link */
        (void)snprintf(found, sizeof found, "%s", host);
        count_answer(finder, found, (int)port);
        return;
    }
    go_on_without(finder, &why);
}

static void on_push(void *arg, const struct redis_reply *reply)
{
    (void)arg;
    (void)reply;
}

static void ask(struct redis_finder *finder)
{
    const struct redis_link_handlers handlers = {.on_up = on_up,
                                                 .on_down = on_down,
                                                 .on_reply = on_reply,
                                                 .on_push = on_push,
                                                 .arg = finder};
    set_sentinel(finder, &finder->address->sentinels[finder->order[finder->at]]);
    finder->link = redis_link_new(finder->loop,
                                  &(struct redis_options){.address = &finder->sentinel,
                                                          .name = finder->name,
                                                          .timeout_ms = finder->timeout_ms},
                                  &handlers);
    redis_link_open(finder->link);
    loop_timer_start(finder->timer, limit_ms(finder));
}

void redis_finder_start(struct redis_finder *finder)
{
    assert(finder->link == NULL);
    finder->at = 0;
    finder->refusals = 0;
    finder->answer_count = 0;
    memset(finder->is_silent, 0, sizeof finder->is_silent);
    finder->why = (struct error){0};
    ask(finder);
}

void redis_finder_cancel(struct redis_finder *finder)
{
    hang_up(finder);
}

struct redis_finder *redis_finder_new(struct loop *loop, const struct redis_options *options,
                                      redis_found_fn *fn, void *arg)
{
    struct redis_finder *finder = mem_new(1, sizeof *finder);
    finder->loop = loop;
    finder->address = options->address;
    finder->name = options->name;
    finder->timeout_ms = options->timeout_ms;
    finder->fn = fn;
    finder->arg = arg;
    finder->timer = loop_timer_new(loop, on_timer, finder);
    for (size_t i = 0; i < REDIS_SENTINELS_MAX; i++) {
        finder->order[i] = i;
    }
    return finder;
}

void redis_finder_free(struct redis_finder *finder)
{
    if (finder == NULL) {
        return;
    }
    hang_up(finder);
    event_free(finder->timer);
    mem_free(finder);
}
