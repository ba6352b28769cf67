/* A hash map from texts to pointers. It owns its copies of the keys, never the values. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_MAP_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_MAP_H

#include <stddef.h>

struct map;

struct map *map_new(void);
void map_free(struct map *map);

/* NULL when the key is not there. */
void *map_get(const struct map *map, const char *key);

/* Adds, or replaces the value of, a key. value is not NULL. */
void map_put(struct map *map, const char *key, void *value);

/* Nothing happens when the key is not there. */
void map_remove(struct map *map, const char *key);
void map_remove_all(struct map *map);

/* Shows every pair once, in no order. visit must not change the map. */
typedef void (*map_visit_fn)(const char *key, void *value, void *context);
void map_each(const struct map *map, map_visit_fn visit, void *context);

#endif
