/* The states are those of the link: down (waiting for the next try, or trying) and up. Callbacks of
   users run only from on_reply, on_push and on_soon, each of which holds the client (enter, leave),
   so that they may do anything with it, redis_client_free included. */
#include "common/redis_client.h"

#include "common/backoff.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/now.h"
#include "common/random_id.h"
#include "common/redis_command.h"
#include "common/redis_error.h"
#include "common/redis_link.h"
#include "common/redis_pending.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <string.h>

static const struct backoff retry_delays = {.base_ms = 100, .max_ms = 5000};

enum {
    PENDING_MAX = 100000,
    COMMAND_MAX_BYTES = 64 << 20,
    WIRE_KEPT_BYTES = 1 << 20,
    STEADY_MS = 5000,            /* a connection that lasted as long was a good one */
    SLOW_FAILURES = 8,           /* tries count as so many when only people can mend it */
    SUBSCRIPTION_CHECK_MS = 5000 /* between two proofs that a subscription is alive */
};

enum told { TOLD_NOTHING, TOLD_DOWN, TOLD_UP };

struct redis_client {
    struct redis_options options;
    struct redis_link *link;
    struct event *retry;               /* the next try to connect */
    struct event *watch;               /* not later than the oldest command's deadline */
    struct event *soon;                /* what is to be told on the next turn */
    int64_t watch_ms;                  /* when watch fires; 0 = not running */
    struct redis_pending_list waiting; /* sent, in the order of their replies */
    struct redis_pending_list failed;  /* to be told on the next turn */
    struct redis_pending_pool pool;
    int64_t extra_ms; /* sum over waiting: those behind a blocking command wait with it */
    struct strbuf wire;
    bool is_up;
    enum told told;
    struct error why_down; /* of the last loss; stays when up, for what is still to be told */
    unsigned failures;     /* since the last steady connection */
    uint64_t ups;
    int64_t up_since_ms;
    char *channel; /* owned; NULL = no subscription */
    redis_message_fn *on_message;
    void *message_arg;
    unsigned holds; /* callers of user callbacks on the stack */
    bool is_freed;
};

static void enter(struct redis_client *client)
{
    client->holds++;
}

/* The client may be gone afterwards. */
static void leave(struct redis_client *client)
{
    client->holds--;
    if (client->holds > 0 || !client->is_freed) {
        return;
    }
    redis_pending_pool_clear(&client->pool);
    strbuf_clear(&client->wire);
    mem_free(client->channel);
    mem_free(client);
}

/* To its user, whose callback may free the client: callers hold it. */
static void complete(struct redis_client *client, struct redis_pending *pending,
                     const struct redis_reply *reply, const struct error *why_not)
{
    redis_reply_fn *fn = pending->fn;
    void *arg = pending->arg;
    redis_pending_free(&client->pool, pending);
    if (fn != NULL) {
        fn(arg, reply, why_not);
    }
}

static void fail_soon(struct redis_client *client, struct redis_pending *pending,
                      enum error_code code)
{
    pending->failure = code;
    redis_pending_add(&client->failed, pending);
    loop_timer_start(client->soon, 0);
}

static struct error failure_of(const struct redis_client *client,
                               const struct redis_pending *pending)
{
    struct error why = client->why_down;
    why.code = pending->failure;
    if (pending->failure == ERROR_FULL) {
        (void)error_set(&why, ERROR_FULL, "too many commands wait for Redis, or one is too large");
    }
    return why;
}

static void watch_until(struct redis_client *client, int64_t deadline_ms)
{
    if (client->watch_ms != 0 && client->watch_ms <= deadline_ms) {
        return;
    }
    int64_t delay_ms = deadline_ms - now_mono_ms();
    client->watch_ms = deadline_ms;
    loop_timer_start(client->watch, delay_ms > 0 ? delay_ms : 0);
}

static void plan_retry(struct redis_client *client)
{
    bool needs_people =
        client->why_down.code == ERROR_UNAUTHORIZED || client->why_down.code == ERROR_REFUSED;
    if (needs_people && client->failures < SLOW_FAILURES) {
        client->failures = SLOW_FAILURES;
    }
    loop_timer_start(client->retry,
                     backoff_delay_ms(&retry_delays, client->failures, random_bits()));
}

/* The link is closed; all that waited has failed. */
static void go_down(struct redis_client *client, const struct error *why)
{
    client->why_down = *why;
    if (client->is_up && now_mono_ms() - client->up_since_ms >= STEADY_MS) {
        client->failures = 0;
    }
    client->failures++;
    client->is_up = false;
    client->extra_ms = 0;
    client->watch_ms = 0;
    loop_timer_stop(client->watch);
    struct redis_pending *pending;
    while ((pending = redis_pending_remove(&client->waiting)) != NULL) {
        bool is_late = pending->failure == ERROR_TIMEOUT;
        fail_soon(client, pending, is_late ? ERROR_TIMEOUT : ERROR_UNAVAILABLE);
    }
    plan_retry(client);
    loop_timer_start(client->soon, 0);
}

static void take_down(struct redis_client *client, const struct error *why)
{
    redis_link_close(client->link);
    go_down(client, why);
}

static void declare_up(struct redis_client *client)
{
    client->is_up = true;
    client->ups++;
    client->up_since_ms = now_mono_ms();
    loop_timer_start(client->soon, 0);
}

static void add_waiting(struct redis_client *client, struct redis_pending *pending)
{
    client->extra_ms += pending->extra_ms;
    pending->deadline_ms = now_mono_ms() + client->options.timeout_ms + client->extra_ms;
    redis_pending_add(&client->waiting, pending);
    watch_until(client, pending->deadline_ms);
}

static struct redis_pending *remove_waiting(struct redis_client *client)
{
    struct redis_pending *pending = redis_pending_remove(&client->waiting);
    if (pending != NULL) {
        client->extra_ms -= pending->extra_ms;
    }
    return pending;
}

/* Also sent again and again: the answer is the proof that the server still serves us. */
static void send_subscription(struct redis_client *client)
{
    struct redis_command command;
    redis_command_init(&command, "SUBSCRIBE");
    redis_command_add(&command, client->channel);
    if (redis_command_print(&command, &client->wire) &&
        redis_link_subscribe(client->link, &client->wire)) {
        add_waiting(client, redis_pending_new(&client->pool, NULL, NULL));
    }
}

static void on_up(void *arg)
{
    struct redis_client *client = arg;
    if (client->channel == NULL) {
        declare_up(client);
    } else {
        send_subscription(client);
    }
}

static void on_down(void *arg, const struct error *why)
{
    go_down(arg, why);
}

static void on_reply(void *arg, void *tag, const struct redis_reply *reply)
{
    struct redis_client *client = arg;
    struct redis_pending *pending = remove_waiting(client);
    assert(pending == tag);
    const redisReply *raw = (const redisReply *)(const void *)reply;
    enter(client);
    if (raw->type == REDIS_REPLY_ERROR) {
        struct error why;
        /* Taken down first, so that what the callback sends does not go to this server. */
        if (redis_error_read(raw->str, &why)) {
            take_down(client, &why);
        }
        complete(client, pending, NULL, &why);
    } else {
        complete(client, pending, reply, NULL);
    }
    leave(client);
}

static bool is_message(const struct redis_reply *push)
{
    const char *kind = redis_reply_text(redis_reply_at(push, 0), NULL);
    return kind != NULL && strcmp(kind, "message") == 0;
}

static void on_push(void *arg, const struct redis_reply *push)
{
    struct redis_client *client = arg;
    if (redis_reply_count(push) != 3) {
        return;
    }
    if (!is_message(push)) {
        struct redis_pending *pending = remove_waiting(client);
        if (pending != NULL) {
            redis_pending_free(&client->pool, pending);
        }
        if (!client->is_up) {
            declare_up(client);
        }
        client->watch_ms = 0;
        watch_until(client, now_mono_ms() + SUBSCRIPTION_CHECK_MS);
        return;
    }
    size_t size = 0;
    const char *message = redis_reply_text(redis_reply_at(push, 2), &size);
    if (message != NULL) {
        enter(client);
        client->on_message(client->message_arg, message, size);
        leave(client);
    }
}

static void on_watch(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_client *client = arg;
    struct redis_pending *oldest = client->waiting.head;
    client->watch_ms = 0;
    if (oldest == NULL) {
        if (client->is_up && client->channel != NULL) {
            send_subscription(client);
        }
        return;
    }
    int64_t now_ms = now_mono_ms();
    if (oldest->deadline_ms > now_ms) {
        watch_until(client, oldest->deadline_ms);
        return;
    }
    /* The reply may be there, and it is we who are late: after a pause of this process. */
    if (redis_link_has_input(client->link)) {
        watch_until(client, now_ms);
        return;
    }
    struct error why;
    (void)error_set(&why, ERROR_TIMEOUT, "no reply in time");
    oldest->failure = ERROR_TIMEOUT;
    take_down(client, &why);
}

static void on_retry(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_client *client = arg;
    redis_link_open(client->link);
}

static void tell_state(struct redis_client *client)
{
    enum told state = client->is_up ? TOLD_UP : TOLD_DOWN;
    if (state == client->told || (state == TOLD_DOWN && client->failures == 0)) {
        return;
    }
    client->told = state;
    const char *label = client->options.address->label;
    const struct error *why = client->is_up ? NULL : &client->why_down;
    if (client->is_up) {
        log_info("redis_up", log_text("address", label), log_text("name", client->options.name));
    } else {
        log_warn("redis_down", log_text("address", label), log_text("name", client->options.name),
                 log_reason(why));
    }
    if (client->options.on_state != NULL) {
        client->options.on_state(client->options.arg, client->is_up, why);
    }
}

static void on_soon(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_client *client = arg;
    enter(client);
    /* What callbacks send again from in here fails, if it does, on the turn after. */
    size_t count = client->failed.count;
    tell_state(client);
    for (; count > 0 && !client->is_freed; count--) {
        struct redis_pending *pending = redis_pending_remove(&client->failed);
        struct error why = failure_of(client, pending);
        complete(client, pending, NULL, &why);
    }
    leave(client);
}

struct redis_client *redis_client_new(struct loop *loop, const struct redis_options *options)
{
    struct redis_client *client = mem_new(1, sizeof *client);
    const struct redis_link_handlers handlers = {
        .on_up = on_up,
        .on_down = on_down,
        .on_reply = on_reply,
        .on_push = on_push,
        .arg = client,
    };
    client->options = *options;
    if (client->options.pending_max == 0) {
        client->options.pending_max = PENDING_MAX;
    }
    client->link = redis_link_new(loop, options, &handlers);
    client->retry = loop_timer_new(loop, on_retry, client);
    client->watch = loop_timer_new(loop, on_watch, client);
    client->soon = loop_timer_new(loop, on_soon, client);
    strbuf_init(&client->wire, COMMAND_MAX_BYTES);
    (void)error_set(&client->why_down, ERROR_UNAVAILABLE, "not connected yet");
    loop_timer_start(client->retry, 0);
    return client;
}

static void cancel_all(struct redis_client *client, struct redis_pending_list *list)
{
    const struct error why = {.code = ERROR_CANCELLED, .text = "the Redis client was stopped"};
    struct redis_pending *pending;
    while ((pending = redis_pending_remove(list)) != NULL) {
        complete(client, pending, NULL, &why);
    }
}

void redis_client_free(struct redis_client *client)
{
    if (client == NULL) {
        return;
    }
    assert(!client->is_freed);
    client->is_freed = true;
    redis_link_free(client->link);
    event_free(client->retry);
    event_free(client->watch);
    event_free(client->soon);
    enter(client);
    cancel_all(client, &client->waiting);
    cancel_all(client, &client->failed);
    leave(client);
}

bool redis_client_is_up(const struct redis_client *client)
{
    return client->is_up && redis_link_is_up(client->link);
}

const char *redis_client_why_down(const struct redis_client *client)
{
    return client->is_up ? "" : client->why_down.text;
}

uint64_t redis_client_reconnects(const struct redis_client *client)
{
    return client->ups == 0 ? 0 : client->ups - 1;
}

void redis_client_drop(struct redis_client *client, const char *reason)
{
    if (client->is_up) {
        struct error why;
        (void)error_set(&why, ERROR_UNAVAILABLE, "dropped: %s", reason);
        take_down(client, &why);
    }
}

void redis_client_send(struct redis_client *client, const struct redis_command *command,
                       int64_t extra_ms, redis_reply_fn *fn, void *arg)
{
    assert(!client->is_freed && client->channel == NULL);
    struct redis_pending *pending = redis_pending_new(&client->pool, fn, arg);
    if (!client->is_up) {
        fail_soon(client, pending, ERROR_UNAVAILABLE);
        return;
    }
    if (client->waiting.count >= client->options.pending_max ||
        !redis_command_print(command, &client->wire)) {
        fail_soon(client, pending, ERROR_FULL);
        return;
    }
    /* Refused between the loss of the connection and on_down. */
    if (!redis_link_send(client->link, &client->wire, pending)) {
        fail_soon(client, pending, ERROR_UNAVAILABLE);
        return;
    }
    pending->extra_ms = extra_ms;
    add_waiting(client, pending);
    if (client->wire.capacity > WIRE_KEPT_BYTES) {
        strbuf_clear(&client->wire);
    }
}

void redis_client_subscribe(struct redis_client *client, const char *channel, redis_message_fn *fn,
                            void *arg)
{
    assert(client->channel == NULL && client->waiting.count == 0);
    client->channel = mem_copy_text(channel);
    client->on_message = fn;
    client->message_arg = arg;
    if (client->is_up) {
        send_subscription(client);
    }
}
