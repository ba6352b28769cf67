/* A network that can be made bad: a proxy between a listening socket and a target, in a process of
   its own that dies with the test. Addresses are "unix:/path" or "host:port" (see sockets.h).

   Its modes:
     forward         bytes pass, after the delay if one is set
     hold            bytes wait and pass when the mode changes: a cut network that comes back
     blackhole       connections stay open, bytes of both directions are lost
     blackhole_up    only those towards the target are lost
     blackhole_down  only those from the target are lost: requests arrive, answers do not
     refuse          nobody listens; open connections go on forwarding

   A connection that has lost bytes is closed when the mode changes: it could only be garbled.

   Besides, what is on its way in the connections of a moment can be made to arrive late, also when
   their clients have closed them and gone on with others (tcp_proxy_delay_open). */
#ifndef OMNIHOOK_TESTS_SUPPORT_TCP_PROXY_H
#define OMNIHOOK_TESTS_SUPPORT_TCP_PROXY_H

#include <stdint.h>

enum tcp_proxy_mode {
    TCP_PROXY_FORWARD,
    TCP_PROXY_HOLD,
    TCP_PROXY_BLACKHOLE,
    TCP_PROXY_BLACKHOLE_UP,
    TCP_PROXY_BLACKHOLE_DOWN,
    TCP_PROXY_REFUSE,
};

struct tcp_proxy_counts {
    uint64_t accepted; /* connections since the start */
    uint64_t open;     /* connections now */
    uint64_t up_bytes; /* read from clients, and from the target; lost ones too */
    uint64_t down_bytes;
    uint64_t answer_bytes; /* the most that the target has sent between two messages of a client:
                              the largest answer, where clients ask one thing at a time */
};

struct tcp_proxy;

/* Listens when this returns, in mode forward. The target is connected for each connection; it
   need not be there: then the connection is closed. */
struct tcp_proxy *tcp_proxy_new(const char *listen_address, const char *target_address);
void tcp_proxy_free(struct tcp_proxy *proxy);

/* Where clients connect to: the listen address, with the port that was taken. */
const char *tcp_proxy_address(const struct tcp_proxy *proxy);

/* Each is in force when it returns. */
void tcp_proxy_set(struct tcp_proxy *proxy, enum tcp_proxy_mode mode);
void tcp_proxy_delay(struct tcp_proxy *proxy, int64_t delay_ms); /* each way, from now on */
void tcp_proxy_cut(struct tcp_proxy *proxy); /* closes all open connections; the mode stays */
/* Holds back the connections that are open now, and no new one, until the mode is set again. */
void tcp_proxy_delay_open(struct tcp_proxy *proxy);
/* answer_bytes begins anew. */
struct tcp_proxy_counts tcp_proxy_counts(struct tcp_proxy *proxy);

#endif
