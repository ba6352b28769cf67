/* A cluster of three masters on TCP, without replicas, and the moving of slots between them. */
#ifndef OMNIHOOK_TESTS_SUPPORT_CLUSTER_H
#define OMNIHOOK_TESTS_SUPPORT_CLUSTER_H

#include "tests/support/redis_fixture.h"

enum { CLUSTER_NODES = 3 };

struct cluster;

/* All nodes know each other and serve when this returns. */
struct cluster *cluster_new(void);
/* NULL is legal. */
void cluster_free(struct cluster *cluster);

struct redis_fixture *cluster_node(struct cluster *cluster, size_t index);

/* A replica of the node, in step with it; ends with the cluster. At most one. */
struct redis_fixture *cluster_add_replica(struct cluster *cluster, size_t of);

/* The node that serves the slot of the key, in the eyes of node 0. */
size_t cluster_owner(struct cluster *cluster, const char *key);

/* The three steps of moving the slot of the key: at either end it is marked; all its keys go over;
   everybody hears that it is the other node's. */
struct cluster_move {
    struct cluster *cluster;
    int slot;
    size_t from, to;
};
struct cluster_move cluster_move_begin(struct cluster *cluster, const char *key, size_t to);
void cluster_move_keys(const struct cluster_move *move);
void cluster_move_end(const struct cluster_move *move);

#endif
