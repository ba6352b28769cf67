/* A namespace lives in one slot of a cluster: the client goes to the node that serves it, and after
   it when it moves. */
#include "common/mem.h"
#include "tests/support/cluster.h"
#include "tests/support/redis_scene.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { URL_SIZE = 128, LIMIT_MS = 60000, TIMEOUT_MS = 1000 };

#define KEY "{t}:queue"

struct town {
    struct scene *scene;
    struct cluster *cluster;
    struct redis_fixture *replica; /* of the cluster's */
    size_t owner;
    unsigned messages;
};

static int setup(void **state)
{
    struct town *town = mem_new(1, sizeof *town);
    void *scene = NULL;
    assert_int_equal(scene_new(&scene), 0);
    town->scene = scene;
    town->cluster = cluster_new();
    town->owner = cluster_owner(town->cluster, KEY);
    *state = town;
    return 0;
}

static int teardown(void **state)
{
    struct town *town = *state;
    void *scene = town->scene;
    (void)scene_free(&scene);
    cluster_free(town->cluster);
    mem_free(town);
    return 0;
}

static size_t another(size_t node)
{
    return (node + 1) % CLUSTER_NODES;
}

/* By node, whichever serves. */
static void connect_by(struct town *town, size_t node, const char *path)
{
    char url[URL_SIZE];
    (void)snprintf(url, sizeof url, "redis://%s%s",
                   redis_fixture_address(cluster_node(town->cluster, node)), path);
    scene_connect(town->scene, url, TIMEOUT_MS);
    town->scene->address.home_key = mem_copy_text(KEY);
}

static bool is_on(struct town *town, size_t node)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "laddr=%s ",
                   redis_fixture_address(cluster_node(town->cluster, node)));
    return strstr(ask_once(town->scene, "CLIENT INFO").text, expected) != NULL;
}

static void any_node_leads_to_the_one_that_serves(void **state)
{
    struct town *town = *state;
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        connect_by(town, i, "/0");
        scene_wait_up(town->scene);
        assert_true(is_on(town, town->owner));
        assert_string_equal(ask_once(town->scene, "SET {t}:here yes").text, "OK");
        redis_client_free(town->scene->client);
        town->scene->client = NULL;
        redis_address_clear(&town->scene->address);
        town->scene->is_up = false;
        town->scene->ups = 0;
    }
    assert_string_equal(redis_text(cluster_node(town->cluster, town->owner), "GET {t}:here"),
                        "yes");
}

static void a_cluster_has_one_database(void **state)
{
    struct town *town = *state;
    connect_by(town, town->owner, "/3");
    scene_wait_down(town->scene);
    assert_int_equal(town->scene->why_down.code, ERROR_REFUSED);
    assert_non_null(strstr(town->scene->why_down.text, "only database 0"));
}

static bool is_back(void *arg)
{
    const struct scene *scene = arg;
    return scene->downs > 0 && scene->is_up;
}

static void a_slot_that_moves_is_followed(void **state)
{
    struct town *town = *state;
    size_t to = another(town->owner);
    connect_by(town, another(to), "/0");
    scene_wait_up(town->scene);
    assert_string_equal(ask_once(town->scene, "SET {t}:here yes").text, "OK");
    struct cluster_move move = cluster_move_begin(town->cluster, KEY, to);
    cluster_move_keys(&move);
    cluster_move_end(&move);
    struct ask ask = ask_once(town->scene, "GET {t}:here");
    assert_int_equal(ask.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(ask.text, "MOVED"));
    assert_loop_reaches(town->scene->loop, is_back, town->scene, LIMIT_MS);
    assert_true(is_on(town, to));
    assert_string_equal(ask_once(town->scene, "GET {t}:here").text, "yes");
}

/* To run a script at the new node would be to see half of the keys. */
static void while_a_slot_moves_what_has_left_is_answered_with_later(void **state)
{
    struct town *town = *state;
    connect_by(town, town->owner, "/0");
    scene_wait_up(town->scene);
    assert_string_equal(ask_once(town->scene, "SET {t}:here yes").text, "OK");
    struct cluster_move move = cluster_move_begin(town->cluster, KEY, another(town->owner));
    struct ask ask = ask_once(town->scene, "GET {t}:missing");
    assert_int_equal(ask.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(ask.text, "ASK"));
    assert_true(town->scene->is_up);
    assert_string_equal(ask_once(town->scene, "GET {t}:here").text, "yes");
    /* A new connection comes up here all the same: this node still answers for the slot. */
    redis_client_drop(town->scene->client, "test");
    assert_loop_reaches(town->scene->loop, is_back, town->scene, LIMIT_MS);
    assert_true(is_on(town, town->owner));
    cluster_move_keys(&move);
    cluster_move_end(&move);
}

static void on_message(void *arg, const char *message, size_t size)
{
    struct town *town = arg;
    (void)message;
    (void)size;
    town->messages++;
}

static bool listens_at(struct town *town, size_t node)
{
    const struct redis_list *counts =
        redis_list(cluster_node(town->cluster, node), "PUBSUB NUMSUB {t}:events");
    return counts->size == 2 && strcmp(counts->items[1], "1") == 0;
}

struct place {
    struct town *town;
    size_t node;
};

static bool has_come(void *arg)
{
    const struct place *place = arg;
    return listens_at(place->town, place->node);
}

/* No command of it would ever be told. */
static void a_subscription_follows_its_slot(void **state)
{
    struct town *town = *state;
    size_t to = another(town->owner);
    connect_by(town, to, "/0");
    redis_client_subscribe(town->scene->client, "{t}:events", on_message, town);
    scene_wait_up(town->scene);
    assert_true(listens_at(town, town->owner));
    struct cluster_move move = cluster_move_begin(town->cluster, KEY, to);
    cluster_move_keys(&move);
    cluster_move_end(&move);
    struct place place = {.town = town, .node = to};
    assert_loop_reaches(town->scene->loop, has_come, &place, LIMIT_MS);
}

static void a_node_that_dies_is_waited_for(void **state)
{
    struct town *town = *state;
    connect_by(town, another(town->owner), "/0");
    scene_wait_up(town->scene);
    redis_fixture_kill(cluster_node(town->cluster, town->owner));
    scene_wait_down(town->scene);
    assert_int_equal(town->scene->why_down.code, ERROR_UNAVAILABLE);
    redis_fixture_start(cluster_node(town->cluster, town->owner));
    scene_wait_up(town->scene);
}

/* Any other node knows the way as well. */
static void the_node_of_the_url_may_be_gone_later_on(void **state)
{
    struct town *town = *state;
    size_t other = another(town->owner);
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        redis_do(cluster_node(town->cluster, i), "CONFIG SET cluster-require-full-coverage no");
    }
    connect_by(town, other, "/0");
    scene_wait_up(town->scene);
    redis_fixture_kill(cluster_node(town->cluster, other));
    redis_client_drop(town->scene->client, "test");
    assert_loop_reaches(town->scene->loop, is_back, town->scene, LIMIT_MS);
    assert_true(is_on(town, town->owner));
}

static bool is_on_the_replica(void *arg)
{
    struct town *town = arg;
    char expected[64];
    (void)snprintf(expected, sizeof expected, "laddr=%s ", redis_fixture_address(town->replica));
    /* Who has come to another node while nobody served the key is led on by a command for it. */
    return town->scene->is_up &&
           strcmp(ask_once(town->scene, "SET {t}:here yes").text, "OK") == 0 &&
           strstr(ask_once(town->scene, "CLIENT INFO").text, expected) != NULL;
}

static void a_replica_that_takes_over_is_found_by_any_node(void **state)
{
    struct town *town = *state;
    town->replica = cluster_add_replica(town->cluster, town->owner);
    connect_by(town, another(town->owner), "/0");
    scene_wait_up(town->scene);
    assert_true(is_on(town, town->owner));
    redis_fixture_kill(cluster_node(town->cluster, town->owner));
    assert_loop_reaches(town->scene->loop, is_on_the_replica, town, LIMIT_MS);
}

#define TOWN_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOWN_TEST(any_node_leads_to_the_one_that_serves),
        TOWN_TEST(a_cluster_has_one_database),
        TOWN_TEST(a_slot_that_moves_is_followed),
        TOWN_TEST(while_a_slot_moves_what_has_left_is_answered_with_later),
        TOWN_TEST(a_subscription_follows_its_slot),
        TOWN_TEST(a_node_that_dies_is_waited_for),
        TOWN_TEST(a_replica_that_takes_over_is_found_by_any_node),
        TOWN_TEST(the_node_of_the_url_may_be_gone_later_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
