/* The client is down (waiting for the next try, or trying) or up. Callbacks of users run only from
   on_reply, on_push, on_soon and redis_client_free, each of which holds the client (enter, leave),
   so that they may do anything with it: even free it. */
#include "common/redis_client.h"

#include "common/backoff.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"
#include "common/random_id.h"
#include "common/redis_command.h"
#include "common/redis_error.h"
#include "common/redis_link.h"
#include "common/redis_pending.h"
#include "common/redis_probe.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const struct backoff retry_delays = {.base_ms = 100, .max_ms = 5000};
/* Where Sentinels know the way: it is another one soon. */
static const struct backoff failover_delays = {.base_ms = 100, .max_ms = 1000};

enum {
    PENDING_MAX = 100000,
    COMMAND_MAX_BYTES = 64 << 20,
    WIRE_KEPT_BYTES = 1 << 20,
    STEADY_MS = 5000,             /* a connection that lasted as long was a good one */
    SLOW_FAILURES = 8,            /* tries count as so many when only people can mend it */
    SUBSCRIPTION_CHECK_MS = 5000, /* between two proofs that a subscription is alive */
    RETELL_MS = 30000 /* while it stays down, for another reason: addresses may fail in turn */
};

enum told { TOLD_NOTHING, TOLD_DOWN, TOLD_UP };

struct redis_client {
    struct loop *loop;
    struct redis_options options;
    struct redis_link *link;
    struct redis_probe *probe; /* NULL = not needed yet */
    struct event *retry;       /* the next try to connect */
    struct event *watch;       /* not later than the oldest command's deadline */
    struct event *soon;        /* what is to be told on the next turn */
    int64_t watch_ms;          /* when watch fires; 0 = not running */
    struct redis_pendings pendings;
    struct strbuf wire; /* of the command that is being sent */
    bool is_up;
    enum told told;        /* by on_state and the log */
    struct error told_why; /* by the log, when TOLD_DOWN */
    int64_t told_ms;
    struct error why_down; /* of the last loss; stays when up, for what is still to be told */
    unsigned failures;     /* since the last steady connection */
    uint64_t ups;
    int64_t up_since_ms;
    char *channel; /* owned; NULL = no subscription */
    redis_message_fn *on_message;
    void *message_arg;
    unsigned holds;
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
    if (client->holds == 0 && client->is_freed) {
        redis_pendings_clear(&client->pendings);
        strbuf_clear(&client->wire);
        mem_free(client->channel);
        mem_free(client);
    }
}

/* Only between enter and leave. */
static void complete(struct redis_client *client, struct redis_pending *pending,
                     const struct redis_reply *reply, const struct error *why_not)
{
    redis_reply_fn *fn = pending->fn;
    void *arg = pending->arg;
    redis_pendings_release(&client->pendings, pending);
    if (fn != NULL) {
        fn(arg, reply, why_not);
    }
}

static void fail_soon(struct redis_client *client, struct redis_pending *pending,
                      enum error_code code)
{
    redis_pendings_fail(&client->pendings, pending, code);
    loop_timer_start(client->soon, 0);
}

/* Costs a timer only now and then: a command behind others finds it running, and when it fires too
   early it is set anew. */
static void watch_until(struct redis_client *client, int64_t deadline_ms, int64_t now_ms)
{
    if (client->watch_ms != 0 && client->watch_ms <= deadline_ms) {
        return;
    }
    client->watch_ms = deadline_ms;
    loop_timer_start(client->watch, deadline_ms > now_ms ? deadline_ms - now_ms : 0);
}

/* Redis was reached, and only people can make it take us. */
static bool needs_people(const struct error *why)
{
    return why->code == ERROR_UNAUTHORIZED || why->code == ERROR_REFUSED;
}

static void plan_retry(struct redis_client *client)
{
    client->failures++;
    if (needs_people(&client->why_down) && client->failures < SLOW_FAILURES) {
        client->failures = SLOW_FAILURES;
    }
    /* A connection that was only cut is made again before anybody misses us. */
    bool is_failover =
        client->options.address->sentinel_count > 0 && !needs_people(&client->why_down);
    const struct backoff *delays = is_failover ? &failover_delays : &retry_delays;
    int64_t delay_ms =
        client->failures == 1 ? 0 : backoff_delay_ms(delays, client->failures, random_bits());
    loop_timer_start(client->retry, delay_ms);
}

/* The link is closed: all that was sent fails, the oldest as late when that is the reason. */
static void go_down(struct redis_client *client, const struct error *why)
{
    if (client->is_up && now_mono_ms() - client->up_since_ms >= STEADY_MS) {
        client->failures = 0;
    }
    metrics_add(METRIC_REDIS_CONNECTIONS, NULL, NULL, client->is_up ? -1 : 0);
    client->is_up = false;
    client->why_down = *why;
    redis_pendings_fail_sent(&client->pendings,
                             why->code == ERROR_TIMEOUT ? ERROR_TIMEOUT : ERROR_UNAVAILABLE);
    client->watch_ms = 0;
    loop_timer_stop(client->watch);
    if (client->probe != NULL) {
        redis_probe_stop(client->probe);
    }
    plan_retry(client);
    loop_timer_start(client->soon, 0);
}

static void take_down(struct redis_client *client, const struct error *why)
{
    redis_link_close(client->link);
    go_down(client, why);
}

static void on_elsewhere(void *arg)
{
    struct error why;
    (void)error_set(&why, ERROR_UNAVAILABLE, "another server has taken over");
    take_down(arg, &why);
}

/* Commands in a cluster are told when their slot has moved. */
static void start_probe(struct redis_client *client)
{
    bool is_needed = client->options.address->sentinel_count > 0 ||
                     (client->channel != NULL && redis_link_is_cluster(client->link));
    if (is_needed && client->probe == NULL) {
        client->probe = redis_probe_new(client->loop, &client->options, on_elsewhere, client);
    }
    if (is_needed) {
        redis_probe_start(client->probe, redis_link_server(client->link));
    }
}

static void declare_up(struct redis_client *client)
{
    client->is_up = true;
    metrics_add(METRIC_REDIS_CONNECTIONS, NULL, NULL, 1);
    metrics_add(METRIC_REDIS_RECONNECTS, NULL, NULL, client->ups > 0 ? 1 : 0);
    client->ups++;
    client->up_since_ms = now_mono_ms();
    start_probe(client);
    loop_timer_start(client->soon, 0);
}

static void add_sent(struct redis_client *client, struct redis_pending *pending, int64_t extra_ms)
{
    int64_t now_ms = now_mono_ms();
    redis_pendings_sent(&client->pendings, pending, now_ms, client->options.timeout_ms, extra_ms);
    watch_until(client, pending->deadline_ms, now_ms);
}

/* Also sent again and again: the answer is the proof that the server still serves us. */
static void send_subscription(struct redis_client *client)
{
    struct redis_command command;
    redis_command_init(&command, "SUBSCRIBE");
    redis_command_add(&command, client->channel);
    if (redis_command_print(&command, &client->wire) &&
        redis_link_subscribe(client->link, &client->wire)) {
        add_sent(client, redis_pendings_new(&client->pendings, NULL, NULL), 0);
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
    struct redis_pending *pending = redis_pendings_replied(&client->pendings);
    assert(pending == tag);
    const char *error_text = redis_error_text(reply);
    enter(client);
    if (error_text == NULL) {
        complete(client, pending, reply, NULL);
    } else {
        struct error why;
        /* Taken down first, so that what the callback sends does not go to this server. */
        if (redis_error_read(error_text, &why)) {
            take_down(client, &why);
        }
        complete(client, pending, NULL, &why);
    }
    leave(client);
}

static void on_subscribed(struct redis_client *client)
{
    struct redis_pending *pending = redis_pendings_replied(&client->pendings);
    if (pending != NULL) {
        redis_pendings_release(&client->pendings, pending);
    }
    if (!client->is_up) {
        declare_up(client);
    }
    int64_t now_ms = now_mono_ms();
    client->watch_ms = 0;
    watch_until(client, now_ms + SUBSCRIPTION_CHECK_MS, now_ms);
}

static void on_push(void *arg, const struct redis_reply *push)
{
    struct redis_client *client = arg;
    size_t size = 0;
    if (redis_reply_count(push) != 3) {
        return;
    }
    const char *kind = redis_reply_text(redis_reply_at(push, 0), NULL);
    const char *message = redis_reply_text(redis_reply_at(push, 2), &size);
    if (kind == NULL || strcmp(kind, "message") != 0) {
        on_subscribed(client);
    } else if (message != NULL) {
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
    const struct redis_pending *oldest = client->pendings.sent.head;
    int64_t now_ms = now_mono_ms();
    client->watch_ms = 0;
    if (oldest == NULL) {
        if (client->is_up && client->channel != NULL) {
            send_subscription(client);
        }
        return;
    }
    /* When there is something to read it may be the reply, and it is we who are late: this process
       was stopped, or busy. */
    if (oldest->deadline_ms > now_ms || redis_link_has_input(client->link)) {
        watch_until(client, oldest->deadline_ms, now_ms);
        return;
    }
    struct error why;
    (void)error_set(&why, ERROR_TIMEOUT, "no reply within %" PRId64 " ms",
                    client->options.timeout_ms + oldest->extra_ms);
    take_down(client, &why);
}

static void on_retry(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_client *client = arg;
    redis_link_open(client->link);
}

static void log_state(struct redis_client *client)
{
    struct log_field address = log_text("address", client->options.address->label);
    struct log_field name = log_text("name", client->options.name);
    const char *place = client->is_up ? redis_link_place(client->link) : NULL;
    if (place != NULL) {
        log_info("redis_up", name, address, log_text("server", place));
        return;
    }
    if (client->is_up) {
        log_info("redis_up", name, address);
        return;
    }
    log_warn("redis_down", name, address, log_reason(&client->why_down));
    client->told_why = client->why_down;
    client->told_ms = now_mono_ms();
}

/* It stays down; the reason that was logged may not be the one that matters any more. */
static void tell_new_reason(struct redis_client *client)
{
    bool is_new = strcmp(client->why_down.text, client->told_why.text) != 0;
    bool is_clear =
        needs_people(&client->why_down) && client->why_down.code != client->told_why.code;
    if (is_new && (is_clear || now_mono_ms() - client->told_ms >= RETELL_MS)) {
        log_state(client);
    }
}

static void tell_state(struct redis_client *client)
{
    enum told state = client->is_up ? TOLD_UP : client->failures > 0 ? TOLD_DOWN : TOLD_NOTHING;
    if (state == TOLD_DOWN && client->told == TOLD_DOWN) {
        tell_new_reason(client);
    }
    if (state == TOLD_NOTHING || state == client->told) {
        return;
    }
    client->told = state;
    log_state(client);
    const struct error *why = client->is_up ? NULL : &client->why_down;
    if (client->options.on_state != NULL) {
        client->options.on_state(client->options.arg, client->is_up, why);
    }
}

static void on_soon(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_client *client = arg;
    /* What callbacks send from in here and fails is told on the turn after. */
    size_t count = client->pendings.failed.count;
    enter(client);
    tell_state(client);
    for (; count > 0 && !client->is_freed; count--) {
        struct redis_pending *pending = redis_pendings_next_failed(&client->pendings);
        struct error why = client->why_down;
        why.code = pending->failure;
        if (pending->failure == ERROR_FULL) {
            (void)error_set(&why, ERROR_FULL, "too many commands wait, or one is too large");
        }
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
    client->loop = loop;
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

void redis_client_free(struct redis_client *client)
{
    if (client == NULL) {
        return;
    }
    assert(!client->is_freed);
    client->is_freed = true;
    metrics_add(METRIC_REDIS_CONNECTIONS, NULL, NULL, client->is_up ? -1 : 0);
    redis_link_free(client->link);
    redis_probe_free(client->probe);
    event_free(client->retry);
    event_free(client->watch);
    event_free(client->soon);
    const struct error why = {.code = ERROR_CANCELLED, .text = "the Redis client was stopped"};
    struct redis_pending *pending;
    enter(client);
    redis_pendings_fail_sent(&client->pendings, ERROR_CANCELLED);
    while ((pending = redis_pendings_next_failed(&client->pendings)) != NULL) {
        complete(client, pending, NULL, &why);
    }
    leave(client);
}

bool redis_client_is_up(const struct redis_client *client)
{
    return client->is_up;
}

const char *redis_client_why_down(const struct redis_client *client)
{
    return client->is_up ? "" : client->why_down.text;
}

int64_t redis_client_connected_ms(const struct redis_client *client)
{
    return client->is_up ? now_mono_ms() - client->up_since_ms : 0;
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
    struct redis_pending *pending = redis_pendings_new(&client->pendings, fn, arg);
    if (!client->is_up) {
        fail_soon(client, pending, ERROR_UNAVAILABLE);
    } else if (client->pendings.sent.count >= client->options.pending_max ||
               !redis_command_print(command, &client->wire)) {
        fail_soon(client, pending, ERROR_FULL);
    } else if (!redis_link_send(client->link, &client->wire, pending)) {
        /* The connection is lost, and on_down comes on the next turn. */
        fail_soon(client, pending, ERROR_UNAVAILABLE);
    } else {
        add_sent(client, pending, extra_ms);
    }
    if (client->wire.capacity > WIRE_KEPT_BYTES) {
        strbuf_clear(&client->wire);
    }
}

void redis_client_subscribe(struct redis_client *client, const char *channel, redis_message_fn *fn,
                            void *arg)
{
    assert(client->channel == NULL && client->pendings.sent.count == 0);
    client->channel = mem_copy_text(channel);
    client->on_message = fn;
    client->message_arg = arg;
    if (client->is_up) {
        send_subscription(client);
    }
}
