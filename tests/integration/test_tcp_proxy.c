/* The bad network that other tests put between a program and its Redis. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/raw_call.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/sockets.h"
#include "tests/support/tcp_proxy.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000, SHORT_MS = 150 };

struct network {
    struct redis_fixture *redis;
    struct temp_dir *dir;
    struct tcp_proxy *proxy;
};

static void ping(struct raw_call *raw)
{
    assert_true(raw_call_send_text(raw, "PING\r\n"));
}

static void assert_works(struct tcp_proxy *proxy)
{
    struct raw_call *raw = raw_call_open(tcp_proxy_address(proxy));
    ping(raw);
    assert_string_equal(raw_call_receive(raw, "PONG\r\n", LIMIT_MS), "+PONG\r\n");
    raw_call_close(raw);
}

static void bytes_pass_between_unix_and_tcp_sockets(void **state)
{
    struct network *network = *state;
    struct tcp_proxy *over_tcp = tcp_proxy_new("127.0.0.1:0", tcp_proxy_address(network->proxy));
    struct raw_call *raw = raw_call_open(tcp_proxy_address(over_tcp));
    ping(raw);
    assert_string_equal(raw_call_receive(raw, "PONG\r\n", LIMIT_MS), "+PONG\r\n");
    struct tcp_proxy_counts counts = tcp_proxy_counts(over_tcp);
    assert_int_equal(counts.accepted, 1);
    assert_int_equal(counts.open, 1);
    assert_int_equal(counts.up_bytes, strlen("PING\r\n"));
    assert_int_equal(counts.down_bytes, strlen("+PONG\r\n"));
    assert_int_equal(counts.answer_bytes, strlen("+PONG\r\n"));
    assert_int_equal(tcp_proxy_counts(over_tcp).answer_bytes, 0);
    raw_call_close(raw);
    tcp_proxy_free(over_tcp);
}

static bool has_no_connection(void *proxy)
{
    return tcp_proxy_counts(proxy).open == 0;
}

static void large_data_and_its_end_pass(void **state)
{
    struct network *network = *state;
    enum { VALUE_BYTES = 3 * 1000 * 1000 };
    redis_do(network->redis, "SETRANGE big %d x", VALUE_BYTES - 1);
    struct raw_call *raw = raw_call_open(tcp_proxy_address(network->proxy));
    assert_true(raw_call_send_text(raw, "GET big\r\nQUIT\r\n"));
    (void)raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    assert_true(tcp_proxy_counts(network->proxy).down_bytes > VALUE_BYTES);
    raw_call_close(raw);
    assert_becomes_true(has_no_connection, network->proxy, LIMIT_MS);
}

static void a_cut_closes_open_connections_and_new_ones_work(void **state)
{
    struct network *network = *state;
    struct raw_call *raw = raw_call_open(tcp_proxy_address(network->proxy));
    ping(raw);
    (void)raw_call_receive(raw, "PONG", LIMIT_MS);
    tcp_proxy_cut(network->proxy);
    (void)raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    raw_call_close(raw);
    assert_works(network->proxy);
}

static void a_refusing_proxy_refuses_until_it_forwards_again(void **state)
{
    struct network *network = *state;
    tcp_proxy_set(network->proxy, TCP_PROXY_REFUSE);
    assert_int_equal(socket_connect(tcp_proxy_address(network->proxy)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    tcp_proxy_set(network->proxy, TCP_PROXY_FORWARD);
    assert_works(network->proxy);
}

static void held_bytes_arrive_when_the_network_is_back(void **state)
{
    struct network *network = *state;
    struct raw_call *raw = raw_call_open(tcp_proxy_address(network->proxy));
    tcp_proxy_set(network->proxy, TCP_PROXY_HOLD);
    ping(raw);
    assert_string_equal(raw_call_receive(raw, "PONG", SHORT_MS), "");
    tcp_proxy_set(network->proxy, TCP_PROXY_FORWARD);
    assert_string_equal(raw_call_receive(raw, "PONG\r\n", LIMIT_MS), "+PONG\r\n");
    raw_call_close(raw);
}

static bool counter_is_one(void *redis)
{
    const char *counter = redis_text(redis, "GET counter");
    return counter != NULL && strcmp(counter, "1") == 0;
}

static void a_hole_on_the_way_down_lets_the_request_arrive_and_loses_the_answer(void **state)
{
    struct network *network = *state;
    struct raw_call *raw = raw_call_open(tcp_proxy_address(network->proxy));
    tcp_proxy_set(network->proxy, TCP_PROXY_BLACKHOLE_DOWN);
    assert_true(raw_call_send_text(raw, "INCR counter\r\n"));
    assert_becomes_true(counter_is_one, network->redis, LIMIT_MS);
    assert_string_equal(raw_call_receive(raw, NULL, SHORT_MS), "");
    assert_false(raw_call_is_closed(raw));
    /* What was lost stays lost: the connection cannot be used again. */
    tcp_proxy_set(network->proxy, TCP_PROXY_FORWARD);
    assert_string_equal(raw_call_receive(raw, NULL, LIMIT_MS), "");
    assert_true(raw_call_is_closed(raw));
    raw_call_close(raw);
}

static bool request_was_read(void *proxy)
{
    return tcp_proxy_counts(proxy).up_bytes == strlen("PING\r\n");
}

static void a_hole_on_the_way_up_loses_the_request(void **state)
{
    struct network *network = *state;
    const enum tcp_proxy_mode modes[] = {TCP_PROXY_BLACKHOLE_UP, TCP_PROXY_BLACKHOLE};
    for (size_t i = 0; i < 2; i++) {
        struct tcp_proxy *proxy =
            tcp_proxy_new("127.0.0.1:0", redis_fixture_address(network->redis));
        struct raw_call *raw = raw_call_open(tcp_proxy_address(proxy));
        tcp_proxy_set(proxy, modes[i]);
        ping(raw);
        assert_becomes_true(request_was_read, proxy, LIMIT_MS);
        assert_string_equal(raw_call_receive(raw, NULL, SHORT_MS), "");
        assert_false(raw_call_is_closed(raw));
        assert_int_equal(tcp_proxy_counts(proxy).down_bytes, 0);
        raw_call_close(raw);
        tcp_proxy_free(proxy);
    }
}

static void a_delay_holds_each_direction_back(void **state)
{
    struct network *network = *state;
    tcp_proxy_delay(network->proxy, 100);
    int64_t start_ms = now_mono_ms();
    assert_works(network->proxy);
    assert_true(now_mono_ms() - start_ms >= 200 - CLOCK_SLACK_MS);
}

static void a_proxy_without_its_target_closes_what_it_accepts(void **state)
{
    struct network *network = *state;
    redis_fixture_kill(network->redis);
    struct raw_call *raw = raw_call_open(tcp_proxy_address(network->proxy));
    (void)raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    raw_call_close(raw);
    redis_fixture_start(network->redis);
    assert_works(network->proxy);
}

static int start_network(void **state)
{
    struct network *network = mem_new(1, sizeof *network);
    char address[SOCKET_ADDRESS_SIZE];
    network->redis = redis_fixture_new(NULL);
    network->dir = temp_dir_new();
    (void)snprintf(address, sizeof address, "unix:%s/proxy.sock", temp_dir_path(network->dir));
    network->proxy = tcp_proxy_new(address, redis_fixture_address(network->redis));
    *state = network;
    return 0;
}

static int stop_network(void **state)
{
    struct network *network = *state;
    tcp_proxy_free(network->proxy);
    redis_fixture_free(network->redis);
    temp_dir_free(network->dir);
    mem_free(network);
    return 0;
}

#define WITH_NETWORK(test) cmocka_unit_test_setup_teardown(test, start_network, stop_network)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NETWORK(bytes_pass_between_unix_and_tcp_sockets),
        WITH_NETWORK(large_data_and_its_end_pass),
        WITH_NETWORK(a_cut_closes_open_connections_and_new_ones_work),
        WITH_NETWORK(a_refusing_proxy_refuses_until_it_forwards_again),
        WITH_NETWORK(held_bytes_arrive_when_the_network_is_back),
        WITH_NETWORK(a_hole_on_the_way_down_lets_the_request_arrive_and_loses_the_answer),
        WITH_NETWORK(a_hole_on_the_way_up_loses_the_request),
        WITH_NETWORK(a_delay_holds_each_direction_back),
        WITH_NETWORK(a_proxy_without_its_target_closes_what_it_accepts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
