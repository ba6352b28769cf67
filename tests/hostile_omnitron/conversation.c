/* One connection: reads requests, answers each with some mischief, and may be up to some of its own
   before the first one: in the handshake, or by silence. TLS goes through memory, so that its
   records can be cut and spoilt like any bytes. */
#include "common/mem.h"
#include "tests/hostile_omnitron/mischief.h"
#include "tests/hostile_omnitron/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DROP_US = 3000, READ_SIZE = 16384, ENDLESS_PIECE = 8192 };

/* What the connection does before anything is asked. */
enum greeting {
    GREET_WELL,
    GREET_GOODBYE, /* closes */
    GREET_SILENCE,
    GREET_GARBAGE, /* random bytes; with TLS also HTTP, in the place of the handshake */
};

struct conversation {
    struct server *server;
    struct conversation *next;
    struct conversation *previous;
    evutil_socket_t fd;
    struct event *readable;
    struct event *writable;
    struct event *timer;
    struct chance chance;
    enum greeting greeting;
    bool spoils_records; /* a bit of an encrypted answer is wrong */

    SSL *tls; /* NULL = plain */
    BIO *from_client;
    BIO *to_client;

    struct strbuf in;
    struct strbuf out; /* as it goes on the wire */
    size_t sent;
    size_t limit; /* of out */
    bool is_answering;
    struct mischief mischief;
};

static void conversation_free(struct conversation *conversation)
{
    struct conversation **link = conversation->previous == NULL
                                     ? &conversation->server->conversations
                                     : &conversation->previous->next;
    *link = conversation->next;
    if (conversation->next != NULL) {
        conversation->next->previous = conversation->previous;
    }
    event_free(conversation->readable);
    event_free(conversation->writable);
    event_free(conversation->timer);
    SSL_free(conversation->tls);
    (void)close(conversation->fd);
    strbuf_clear(&conversation->in);
    strbuf_clear(&conversation->out);
    mischief_clear(&conversation->mischief);
    mem_free(conversation);
}

void conversation_end_all(struct server *server)
{
    while (server->conversations != NULL) {
        conversation_free(server->conversations);
    }
}

/* ---- Out ---- */

static void move_encrypted(struct conversation *conversation)
{
    char bytes[READ_SIZE];
    int size = 0;
    while ((size = BIO_read(conversation->to_client, bytes, sizeof bytes)) > 0) {
        strbuf_add(&conversation->out, bytes, (size_t)size);
    }
}

static void add_out(struct conversation *conversation, const char *bytes, size_t size)
{
    size_t start = conversation->out.size;
    if (conversation->tls == NULL) {
        strbuf_add(&conversation->out, bytes, size);
        return;
    }
    (void)SSL_write(conversation->tls, bytes, (int)size);
    move_encrypted(conversation);
    size_t added = conversation->out.size - start;
    if (conversation->spoils_records && added > 0) {
        conversation->out.bytes[start + chance_pick(&conversation->chance, added)] ^= 1;
    }
}

static void reset(struct conversation *conversation)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(conversation->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    conversation_free(conversation);
}

static void flush(struct conversation *conversation);
static void serve(struct conversation *conversation);

static void repeat_last_bytes(struct conversation *conversation)
{
    const struct strbuf *answer = &conversation->mischief.answer;
    size_t size = answer->size < ENDLESS_PIECE ? answer->size : ENDLESS_PIECE;
    if (size == 0) {
        conversation_free(conversation);
        return;
    }
    strbuf_reset(&conversation->out);
    conversation->sent = 0;
    conversation->limit = SIZE_MAX;
    add_out(conversation, answer->bytes + answer->size - size, size);
    /* By the loop: what is sent without end must not hold up the others. */
    (void)event_add(conversation->writable, NULL);
}

/* All that was to be sent has been. */
static void end_answer(struct conversation *conversation)
{
    switch (conversation->mischief.end) {
    case END_KEEP:
        conversation->is_answering = false;
        mischief_clear(&conversation->mischief);
        serve(conversation);
        return;
    case END_CLOSE:
        conversation_free(conversation);
        return;
    case END_RESET:
        reset(conversation);
        return;
    case END_ENDLESS:
        repeat_last_bytes(conversation);
        return;
    case END_HANG:
        return;
    }
}

/* May free the conversation. */
static void flush(struct conversation *conversation)
{
    size_t end =
        conversation->out.size < conversation->limit ? conversation->out.size : conversation->limit;
    size_t drop = conversation->is_answering ? conversation->mischief.drop : 0;
    while (conversation->sent < end) {
        size_t size = end - conversation->sent;
        size = drop > 0 && drop < size ? drop : size;
        ssize_t sent = send(conversation->fd, conversation->out.bytes + conversation->sent, size,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            (void)event_add(conversation->writable, NULL);
            return;
        }
        if (sent < 0) {
            conversation_free(conversation);
            return;
        }
        conversation->sent += (size_t)sent;
        if (drop > 0 && conversation->sent < end) {
            static const struct timeval pause = {.tv_usec = DROP_US};
            (void)event_add(conversation->timer, &pause);
            return;
        }
    }
    if (conversation->is_answering) {
        end_answer(conversation);
    }
}

static void on_may_send(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    flush(context);
}

/* ---- In ---- */

static void note(struct server *server, const struct request *request)
{
    const char *fault = request_fault(request);
    server->requests++;
    if (fault != NULL) {
        server->faults++;
        (void)printf("fault: %s: %.*s\n", fault, (int)strcspn(request->text, "\r"), request->text);
        (void)fflush(stdout);
    }
}

/* Moves the first size bytes that came to text. More may have come behind them: a client that takes
   an answer for whole while it is still being sent goes on with the next request. */
static void take_in(struct conversation *conversation, size_t size, struct strbuf *text)
{
    struct strbuf rest;
    strbuf_init(&rest, SIZE_MAX / 2);
    strbuf_init(text, SIZE_MAX / 2);
    strbuf_add(text, conversation->in.bytes, size);
    strbuf_add(&rest, conversation->in.bytes + size, conversation->in.size - size);
    strbuf_clear(&conversation->in);
    conversation->in = rest;
}

static void make_answer(struct conversation *conversation, const struct request *request)
{
    struct server *server = conversation->server;
    unsigned account = request->account % ACCOUNTS_MAX;
    struct chance chance =
        chance_start(server->seed, (uint64_t)account << 32 | server->served[account]++);
    conversation->mischief = mischief_make(request, &chance, server->elsewhere);
    conversation->is_answering = true;
    conversation->limit = SIZE_MAX;
    size_t start = conversation->out.size;
    add_out(conversation, conversation->mischief.answer.bytes, conversation->mischief.answer.size);
    if (conversation->mischief.cut_at < SIZE_MAX - start) {
        conversation->limit = start + conversation->mischief.cut_at;
    }
}

/* Answers the next request, when it is there. May free the conversation. */
static void serve(struct conversation *conversation)
{
    struct request request;
    if (conversation->is_answering || !request_read(&request, &conversation->in)) {
        return;
    }
    struct strbuf text;
    take_in(conversation, request.size, &text);
    (void)request_read(&request, &text);
    note(conversation->server, &request);
    make_answer(conversation, &request);
    strbuf_clear(&text);
    flush(conversation);
}

/* False when the handshake has failed. */
static bool decrypt(struct conversation *conversation, const char *bytes, size_t size)
{
    (void)BIO_write(conversation->from_client, bytes, (int)size);
    bool is_good = true;
    if (SSL_is_init_finished(conversation->tls) == 0) {
        int result = SSL_accept(conversation->tls);
        is_good = result == 1 || SSL_get_error(conversation->tls, result) == SSL_ERROR_WANT_READ;
    }
    char text[READ_SIZE];
    int got = 0;
    while (is_good && (got = SSL_read(conversation->tls, text, sizeof text)) > 0) {
        strbuf_add(&conversation->in, text, (size_t)got);
    }
    ERR_clear_error();
    move_encrypted(conversation);
    return is_good;
}

/* The first bytes have come. False when there will be no conversation. */
static bool greet(struct conversation *conversation)
{
    static const char plain[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    enum greeting greeting = conversation->greeting;
    conversation->greeting = GREET_WELL;
    if (greeting == GREET_GOODBYE) {
        conversation_free(conversation);
        return false;
    }
    if (greeting == GREET_GARBAGE) {
        if (chance_hits(&conversation->chance, 500)) {
            strbuf_add_text(&conversation->out, plain);
        } else {
            chance_add_bytes(&conversation->chance, &conversation->out, 200);
        }
        (void)send(conversation->fd, conversation->out.bytes, conversation->out.size, MSG_NOSIGNAL);
        conversation_free(conversation);
        return false;
    }
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct conversation *conversation = context;
    char bytes[READ_SIZE];
    ssize_t size = recv(fd, bytes, sizeof bytes, 0);
    if (size < 0 && errno == EAGAIN) {
        return;
    }
    if (size <= 0) {
        conversation_free(conversation);
        return;
    }
    if (conversation->greeting == GREET_SILENCE || !greet(conversation)) {
        return;
    }
    bool is_good = true;
    if (conversation->tls == NULL) {
        strbuf_add(&conversation->in, bytes, (size_t)size);
    } else {
        is_good = decrypt(conversation, bytes, (size_t)size);
    }
    if (!conversation->is_answering && conversation->sent == conversation->out.size) {
        strbuf_reset(&conversation->out);
        conversation->sent = 0;
    }
    if (!is_good) {
        (void)send(fd, conversation->out.bytes, conversation->out.size, MSG_NOSIGNAL);
        conversation_free(conversation);
        return;
    }
    struct strbuf *in = &conversation->in;
    struct request request;
    bool is_asked = !conversation->is_answering && request_read(&request, in);
    (is_asked ? serve : flush)(conversation);
}

/* ---- The beginning ---- */

static enum greeting choose_greeting(struct chance *chance)
{
    static const enum greeting bad[] = {GREET_GOODBYE, GREET_SILENCE, GREET_GARBAGE};
    return chance_hits(chance, 60) ? bad[chance_pick(chance, 3)] : GREET_WELL;
}

static void start_tls(struct conversation *conversation)
{
    struct chance *chance = &conversation->chance;
    enum certificate certificate = CERTIFICATE_GOOD;
    if (chance_hits(chance, 100)) {
        certificate = (enum certificate)chance_pick(chance, CERTIFICATE_COUNT);
    }
    conversation->tls = SSL_new(conversation->server->tls[certificate]);
    conversation->from_client = BIO_new(BIO_s_mem());
    conversation->to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(conversation->tls, conversation->from_client, conversation->to_client);
    conversation->spoils_records = chance_hits(chance, 50);
    if (chance_hits(chance, 300)) {
        (void)SSL_set_max_proto_version(conversation->tls, TLS1_2_VERSION);
    }
}

void conversation_start(struct server *server, evutil_socket_t fd, bool is_tls)
{
    struct conversation *conversation = mem_new(1, sizeof *conversation);
    conversation->server = server;
    conversation->fd = fd;
    conversation->next = server->conversations;
    if (conversation->next != NULL) {
        conversation->next->previous = conversation;
    }
    server->conversations = conversation;
    /* Not a number that an account's request has. */
    conversation->chance = chance_start(server->seed, UINT64_MAX - server->connections++);
    conversation->greeting = choose_greeting(&conversation->chance);
    conversation->limit = SIZE_MAX;
    strbuf_init(&conversation->in, SIZE_MAX / 2);
    strbuf_init(&conversation->out, SIZE_MAX / 2);
    strbuf_init(&conversation->mischief.answer, 0);
    conversation->readable =
        event_new(server->base, fd, EV_READ | EV_PERSIST, on_readable, conversation);
    conversation->writable = event_new(server->base, fd, EV_WRITE, on_may_send, conversation);
    conversation->timer = event_new(server->base, -1, 0, on_may_send, conversation);
    (void)event_add(conversation->readable, NULL);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (is_tls) {
        start_tls(conversation);
    }
}
