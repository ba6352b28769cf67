#include "tests/omnitron_sim/map.h"

#include "common/mem.h"

#include <stdint.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

struct entry {
    struct entry *next;
    uint64_t hash;
    char *key;
    void *value;
};

struct map {
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t size;
};

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const unsigned char *c = (const unsigned char *)key; *c != '\0'; c++) {
        hash = (hash ^ *c) * UINT64_C(1099511628211);
    }
    return hash;
}

struct map *map_new(void)
{
    struct map *map = mem_new(1, sizeof *map);
    map->bucket_count = FIRST_BUCKETS;
    map->buckets = mem_new(map->bucket_count, sizeof(struct entry *));
    return map;
}

void map_free(struct map *map)
{
    if (map == NULL) {
        return;
    }
    map_remove_all(map);
    mem_free(map->buckets);
    mem_free(map);
}

/* The link that points to the key's entry, or the NULL link at the end of its bucket. */
static struct entry **link_of(const struct map *map, const char *key, uint64_t hash)
{
    struct entry **link = &map->buckets[hash & (map->bucket_count - 1)];
    while (*link != NULL && ((*link)->hash != hash || strcmp((*link)->key, key) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

void *map_get(const struct map *map, const char *key)
{
    const struct entry *entry = *link_of(map, key, hash_of(key));
    return entry == NULL ? NULL : entry->value;
}

static void grow(struct map *map)
{
    size_t count = map->bucket_count * 2;
    struct entry **buckets = mem_new(count, sizeof(struct entry *));
    for (size_t i = 0; i < map->bucket_count; i++) {
        for (struct entry *entry = map->buckets[i], *next = NULL; entry != NULL; entry = next) {
            next = entry->next;
            entry->next = buckets[entry->hash & (count - 1)];
            buckets[entry->hash & (count - 1)] = entry;
        }
    }
    mem_free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = count;
}

void map_put(struct map *map, const char *key, void *value)
{
    if (map->size >= map->bucket_count) {
        grow(map);
    }
    uint64_t hash = hash_of(key);
    struct entry **link = link_of(map, key, hash);
    if (*link == NULL) {
        *link = mem_new(1, sizeof **link);
        (*link)->hash = hash;
        (*link)->key = mem_copy_text(key);
        map->size++;
    }
    (*link)->value = value;
}

static void remove_link(struct map *map, struct entry **link)
{
    struct entry *entry = *link;
    *link = entry->next;
    mem_free(entry->key);
    mem_free(entry);
    map->size--;
}

void map_remove(struct map *map, const char *key)
{
    struct entry **link = link_of(map, key, hash_of(key));
    if (*link != NULL) {
        remove_link(map, link);
    }
}

void map_remove_all(struct map *map)
{
    for (size_t i = 0; i < map->bucket_count; i++) {
        while (map->buckets[i] != NULL) {
            remove_link(map, &map->buckets[i]);
        }
    }
}

void map_each(const struct map *map, map_visit_fn visit, void *context)
{
    for (size_t i = 0; i < map->bucket_count; i++) {
        for (const struct entry *entry = map->buckets[i]; entry != NULL; entry = entry->next) {
            visit(entry->key, entry->value, context);
        }
    }
}
