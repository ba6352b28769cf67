/* Host names: resolved again for each connection, every address is tried, nothing blocks. */
#include "tests/support/redis_scene.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TTL_S = 0 };

/* A name server on the test's loop. */
struct names {
    struct evdns_server_port *port;
    const char *addresses[2]; /* of every name; ends with NULL */
    bool is_silent;
    bool has_no_ipv6_answer; /* drops questions for IPv6, as some name servers do */
    unsigned questions;
};

static void on_question(struct evdns_server_request *request, void *arg)
{
    struct names *names = arg;
    names->questions++;
    bool is_ipv6 = request->questions[0]->type == EVDNS_TYPE_AAAA;
    if (names->is_silent || (is_ipv6 && names->has_no_ipv6_answer)) {
        (void)evdns_server_request_drop(request);
        return;
    }
    for (size_t i = 0; i < 2 && !is_ipv6 && names->addresses[i] != NULL; i++) {
        struct in_addr address;
        assert_int_equal(inet_pton(AF_INET, names->addresses[i], &address), 1);
        (void)evdns_server_request_add_a_reply(request, request->questions[0]->name, 1, &address,
                                               TTL_S);
    }
    (void)evdns_server_request_respond(request, 0);
}

/* The loop asks this name server and no other. */
static void names_start(struct names *names, struct loop *loop)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    names->port = evdns_add_server_port_with_base(loop_base(loop), fd, 0, on_question, names);
    assert_non_null(names->port);
    struct evdns_base *dns = loop_dns(loop);
    assert_non_null(dns);
    assert_int_equal(evdns_base_clear_nameservers_and_suspend(dns), 0);
    assert_int_equal(evdns_base_nameserver_sockaddr_add(dns, (struct sockaddr *)&address, size, 0),
                     0);
    evdns_base_search_clear(dns);
    assert_int_equal(evdns_base_resume(dns), 0);
}

/* The scene's Redis on TCP, reached by a name. */
static void connect_by_name(struct scene *scene, const char *host, int64_t timeout_ms)
{
    const struct redis_fixture_options options = {.is_tcp = true};
    if (scene->redis == NULL) {
        scene->redis = redis_fixture_new(&options);
    }
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "redis://%s%s", host,
                   strrchr(redis_fixture_address(scene->redis), ':'));
    scene_connect(scene, url, timeout_ms);
}

static void names_stop(struct names *names, struct scene *scene)
{
    redis_client_free(scene->client);
    scene->client = NULL;
    loop_turn(scene->loop);
    evdns_close_server_port(names->port);
}

static void a_name_is_resolved_and_every_address_tried(void **state)
{
    struct scene *scene = *state;
    struct names names = {.addresses = {"127.0.0.9", "127.0.0.1"}};
    names_start(&names, scene->loop);
    connect_by_name(scene, "redis.test", SCENE_LONG_MS);
    scene_wait_up(scene);
    assert_int_equal(scene->downs, 0);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
    names_stop(&names, scene);
}

static void a_lost_connection_is_made_to_where_the_name_points_now(void **state)
{
    struct scene *scene = *state;
    struct names names = {.addresses = {"127.0.0.9"}};
    names_start(&names, scene->loop);
    connect_by_name(scene, "redis.test", SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_non_null(strstr(scene->why_down.text, "refused"));
    names.addresses[0] = "127.0.0.1";
    scene_wait_up(scene);
    names_stop(&names, scene);
}

static void a_name_server_that_drops_ipv6_questions_costs_little(void **state)
{
    struct scene *scene = *state;
    struct names names = {.addresses = {"127.0.0.1"}, .has_no_ipv6_answer = true};
    names_start(&names, scene->loop);
    connect_by_name(scene, "redis.test", 2000);
    scene_wait_up(scene);
    assert_int_equal(scene->downs, 0);
    names_stop(&names, scene);
}

static void an_unknown_name_is_told(void **state)
{
    struct scene *scene = *state;
    struct names names = {0};
    names_start(&names, scene->loop);
    connect_by_name(scene, "redis.test", SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(scene->why_down.text, "cannot be resolved"));
    names_stop(&names, scene);
}

static void a_silent_name_server_is_told_in_time(void **state)
{
    struct scene *scene = *state;
    struct names names = {.addresses = {"127.0.0.1"}, .is_silent = true};
    names_start(&names, scene->loop);
    connect_by_name(scene, "redis.test", SCENE_SHORT_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_TIMEOUT);
    assert_non_null(strstr(scene->why_down.text, "not resolved within"));
    names.is_silent = false;
    scene_wait_up(scene);
    names_stop(&names, scene);
}

static void a_free_while_a_name_is_looked_up_is_safe(void **state)
{
    struct scene *scene = *state;
    struct names names = {.is_silent = true};
    names_start(&names, scene->loop);
    for (int turns = 0; turns < 4; turns++) {
        connect_by_name(scene, "redis.test", SCENE_LONG_MS);
        struct ask ask = {0};
        ask_send(&ask, scene, "PING");
        for (int i = 0; i < turns; i++) {
            loop_turn(scene->loop);
        }
        redis_client_free(scene->client);
        scene->client = NULL;
        redis_address_clear(&scene->address);
        assert_int_equal(ask.answers, 1);
    }
    names_stop(&names, scene);
}

static void a_name_of_the_hosts_file_needs_no_name_server(void **state)
{
    struct scene *scene = *state;
    connect_by_name(scene, "localhost", SCENE_LONG_MS);
    scene_wait_up(scene);
    assert_int_equal(scene->downs, 0);
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_new, scene_free)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_name_is_resolved_and_every_address_tried),
        SCENE_TEST(a_lost_connection_is_made_to_where_the_name_points_now),
        SCENE_TEST(a_name_server_that_drops_ipv6_questions_costs_little),
        SCENE_TEST(an_unknown_name_is_told),
        SCENE_TEST(a_silent_name_server_is_told_in_time),
        SCENE_TEST(a_free_while_a_name_is_looked_up_is_safe),
        SCENE_TEST(a_name_of_the_hosts_file_needs_no_name_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
