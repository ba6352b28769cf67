/* hostile-omnitron: an Omnitron that answers with everything that may go wrong, and watches whether
   its client gives away what it should not. README.md. */
#include "tests/hostile_omnitron/server.h"
#include "tests/support/sockets.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum door_kind { DOOR_PLAIN, DOOR_TLS, DOOR_ELSEWHERE };

struct door {
    struct server *server;
    struct event *event;
    int fd;
    enum door_kind kind;
    char address[SOCKET_ADDRESS_SIZE];
};

static void on_connection(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct door *door = context;
    int connection = accept(fd, NULL, NULL);
    if (connection < 0) {
        return;
    }
    (void)evutil_make_socket_nonblocking(connection);
    if (door->kind == DOOR_ELSEWHERE) {
        door->server->visits++;
        (void)close(connection);
        return;
    }
    conversation_start(door->server, connection, door->kind == DOOR_TLS);
}

static void open_door(struct door *door, struct server *server, enum door_kind kind)
{
    door->server = server;
    door->kind = kind;
    door->fd = socket_listen("127.0.0.1:0", door->address);
    assert(door->fd >= 0);
    (void)evutil_make_socket_nonblocking(door->fd);
    door->event = event_new(server->base, door->fd, EV_READ | EV_PERSIST, on_connection, door);
    (void)event_add(door->event, NULL);
}

static int choose_protocol(SSL *tls, const unsigned char **chosen, unsigned char *size,
                           const unsigned char *offered, unsigned offered_size, void *context)
{
    (void)tls;
    static const unsigned char h2[] = "h2";
    struct server *server = context;
    struct chance chance = chance_start(server->seed, UINT64_C(1) << 63 | server->connections);
    bool is_offered = offered_size >= 3 && memcmp(offered + 1, h2, 2) == 0;
    if (!is_offered || !chance_hits(&chance, 50)) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *chosen = h2; /* which is not spoken afterwards */
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
}

static bool load_certificates(struct server *server, const char *folder)
{
    static const char *const names[CERTIFICATE_COUNT] = {"good", "other_host", "expired",
                                                         "stranger"};
    for (int i = 0; i < CERTIFICATE_COUNT; i++) {
        char certificate[4096];
        char key[4096];
        (void)snprintf(certificate, sizeof certificate, "%s/%s.crt", folder, names[i]);
        (void)snprintf(key, sizeof key, "%s/%s.key", folder, names[i]);
        server->tls[i] = SSL_CTX_new(TLS_server_method());
        assert(server->tls[i] != NULL);
        if (SSL_CTX_use_certificate_chain_file(server->tls[i], certificate) != 1 ||
            SSL_CTX_use_PrivateKey_file(server->tls[i], key, SSL_FILETYPE_PEM) != 1) {
            return false;
        }
        SSL_CTX_set_alpn_select_cb(server->tls[i], choose_protocol, server);
    }
    return true;
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(context);
}

static void run(struct server *server)
{
    struct door doors[3];
    for (enum door_kind kind = DOOR_PLAIN; kind <= DOOR_ELSEWHERE; kind++) {
        open_door(&doors[kind], server, kind);
    }
    server->elsewhere = doors[DOOR_ELSEWHERE].address;
    struct event *stop = evsignal_new(server->base, SIGTERM, on_stop, server->base);
    (void)event_add(stop, NULL);
    (void)printf("listening http=%s https=%s\n", doors[DOOR_PLAIN].address,
                 doors[DOOR_TLS].address);
    (void)fflush(stdout);
    (void)event_base_dispatch(server->base);
    conversation_end_all(server);
    (void)printf("ended connections=%u requests=%u faults=%u visits=%u\n", server->connections,
                 server->requests, server->faults, server->visits);
    event_free(stop);
    for (enum door_kind kind = DOOR_PLAIN; kind <= DOOR_ELSEWHERE; kind++) {
        event_free(doors[kind].event);
        (void)close(doors[kind].fd);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fputs("usage: hostile-omnitron SEED FOLDER_WITH_CERTIFICATES\n", stderr);
        return 2;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct server server = {.seed = strtoull(argv[1], NULL, 10)};
    if (!load_certificates(&server, argv[2])) {
        (void)fprintf(stderr, "hostile-omnitron: no certificates in %s\n", argv[2]);
        return 2;
    }
    server.base = event_base_new();
    assert(server.base != NULL);
    run(&server);
    for (int i = 0; i < CERTIFICATE_COUNT; i++) {
        SSL_CTX_free(server.tls[i]);
    }
    event_base_free(server.base);
    libevent_global_shutdown();
    return 0;
}
