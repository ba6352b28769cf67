#include "tests/support/cluster.h"

#include "common/mem.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16384, LIMIT_MS = 60000, NODE_ID_SIZE = 41, KEYS_AT_ONCE = 20 };

struct cluster {
    struct redis_fixture *nodes[CLUSTER_NODES];
    struct redis_fixture *replica; /* NULL = none */
    uint16_t bus_ports[CLUSTER_NODES];
    char ids[CLUSTER_NODES][NODE_ID_SIZE];
};

static int first_slot(size_t node)
{
    return SLOTS * (int)node / CLUSTER_NODES;
}

static const char *port_of(const struct cluster *cluster, size_t index)
{
    return strrchr(redis_fixture_address(cluster->nodes[index]), ':') + 1;
}

/* A node that nobody knows yet; bus_port gets the port on which nodes speak. */
static struct redis_fixture *start_server(uint16_t *bus_port)
{
    char port[8];
    *bus_port = socket_free_port();
    (void)snprintf(port, sizeof port, "%u", *bus_port);
    return redis_fixture_new(&(struct redis_fixture_options){
        .is_tcp = true,
        .args = (const char *const[]){
            "--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", "2000",
            "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", NULL}});
}

static void start_node(struct cluster *cluster, size_t index)
{
    struct redis_fixture *node = start_server(&cluster->bus_ports[index]);
    cluster->nodes[index] = node;
    (void)snprintf(cluster->ids[index], NODE_ID_SIZE, "%s", redis_text(node, "CLUSTER MYID"));
    redis_do(node, "CLUSTER SET-CONFIG-EPOCH %d", (int)index + 1);
    redis_do(node, "CLUSTER ADDSLOTSRANGE %d %d", first_slot(index), first_slot(index + 1) - 1);
}

static bool is_ok(void *arg)
{
    struct cluster *cluster = arg;
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        const char *info = redis_text(cluster->nodes[i], "CLUSTER INFO");
        if (strstr(info, "cluster_state:ok") == NULL ||
            strstr(info, "cluster_known_nodes:3") == NULL) {
            return false;
        }
    }
    return true;
}

struct cluster *cluster_new(void)
{
    struct cluster *cluster = mem_new(1, sizeof *cluster);
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        start_node(cluster, i);
    }
    for (size_t i = 1; i < CLUSTER_NODES; i++) {
        redis_do(cluster->nodes[0], "CLUSTER MEET 127.0.0.1 %s %u", port_of(cluster, i),
                 cluster->bus_ports[i]);
    }
    assert_true(wait_until(is_ok, cluster, LIMIT_MS));
    return cluster;
}

void cluster_free(struct cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        redis_fixture_free(cluster->nodes[i]);
    }
    redis_fixture_free(cluster->replica);
    mem_free(cluster);
}

struct redis_fixture *cluster_node(struct cluster *cluster, size_t index)
{
    return cluster->nodes[index];
}

static bool knows_all(void *arg)
{
    return strstr(redis_text(arg, "CLUSTER INFO"), "cluster_known_nodes:4") != NULL;
}

static bool is_in_step(void *arg)
{
    return strstr(redis_text(arg, "INFO replication"), "master_link_status:up") != NULL;
}

struct look {
    struct redis_fixture *node;
    const char *master;
};

/* One that has not heard of it does not vote for it. */
static bool has_a_replica(void *arg)
{
    const struct look *look = arg;
    char expected[NODE_ID_SIZE + 8];
    (void)snprintf(expected, sizeof expected, "slave %s", look->master);
    return strstr(redis_text(look->node, "CLUSTER NODES"), expected) != NULL;
}

struct redis_fixture *cluster_add_replica(struct cluster *cluster, size_t of)
{
    uint16_t bus_port;
    struct redis_fixture *replica = start_server(&bus_port);
    cluster->replica = replica;
    redis_do(replica, "CLUSTER MEET 127.0.0.1 %s %u", port_of(cluster, of), cluster->bus_ports[of]);
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        assert_true(wait_until(knows_all, cluster->nodes[i], LIMIT_MS));
    }
    assert_true(wait_until(knows_all, replica, LIMIT_MS));
    redis_do(replica, "CLUSTER REPLICATE %s", cluster->ids[of]);
    assert_true(wait_until(is_in_step, replica, LIMIT_MS));
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        struct look look = {.node = cluster->nodes[i], .master = cluster->ids[of]};
        assert_true(wait_until(has_a_replica, &look, LIMIT_MS));
    }
    return replica;
}

static int slot_of(struct cluster *cluster, const char *key)
{
    return (int)redis_int(cluster->nodes[0], "CLUSTER KEYSLOT %s", key);
}

/* A node's line: id address flags master ping pong epoch state, then its slots. */
static bool line_has_slot(const char *line, int slot)
{
    const char *at = line;
    for (int fields = 0; fields < 8 && at != NULL; fields++) {
        at = strchr(at + 1, ' ');
    }
    const char *end = line + strcspn(line, "\n");
    while (at != NULL && at < end) {
        char *rest;
        long first = strtol(at, &rest, 10);
        long last = *rest == '-' && rest > at ? strtol(rest + 1, NULL, 10) : first;
        if (rest > at && slot >= first && slot <= last) {
            return true;
        }
        at = strchr(at + 1, ' ');
    }
    return false;
}

size_t cluster_owner(struct cluster *cluster, const char *key)
{
    int slot = slot_of(cluster, key);
    const char *line = redis_text(cluster->nodes[0], "CLUSTER NODES");
    while (*line != '\0' && !line_has_slot(line, slot)) {
        line += strcspn(line, "\n") + 1;
    }
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        if (strncmp(line, cluster->ids[i], NODE_ID_SIZE - 1) == 0) {
            return i;
        }
    }
    fail_msg("nobody serves %s", key);
    return 0;
}

struct cluster_move cluster_move_begin(struct cluster *cluster, const char *key, size_t to)
{
    struct cluster_move move = {.cluster = cluster,
                                .slot = slot_of(cluster, key),
                                .from = cluster_owner(cluster, key),
                                .to = to};
    assert_int_not_equal(move.from, to);
    redis_do(cluster->nodes[to], "CLUSTER SETSLOT %d IMPORTING %s", move.slot,
             cluster->ids[move.from]);
    redis_do(cluster->nodes[move.from], "CLUSTER SETSLOT %d MIGRATING %s", move.slot,
             cluster->ids[to]);
    return move;
}

void cluster_move_keys(const struct cluster_move *move)
{
    struct redis_fixture *from = move->cluster->nodes[move->from];
    const struct redis_list *keys;
    while (
        (keys = redis_list(from, "CLUSTER GETKEYSINSLOT %d %d", move->slot, KEYS_AT_ONCE))->size >
        0) {
        for (size_t i = 0; i < keys->size; i++) {
            redis_do(from, "MIGRATE 127.0.0.1 %s %s 0 5000", port_of(move->cluster, move->to),
                     keys->items[i]);
        }
    }
}

void cluster_move_end(const struct cluster_move *move)
{
    const char *id = move->cluster->ids[move->to];
    redis_do(move->cluster->nodes[move->to], "CLUSTER SETSLOT %d NODE %s", move->slot, id);
    redis_do(move->cluster->nodes[move->from], "CLUSTER SETSLOT %d NODE %s", move->slot, id);
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        if (i != move->to && i != move->from) {
            redis_do(move->cluster->nodes[i], "CLUSTER SETSLOT %d NODE %s", move->slot, id);
        }
    }
}
