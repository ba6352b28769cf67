#include "api/address_counts.h"

#include "common/hash_index.h"
#include "common/mem.h"

#include <assert.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct entry {
    struct entry *next;
    struct ip_address address;
    size_t count;
};

struct address_counts {
    struct hash_seed seed;
    struct entry *buckets[BUCKETS];
};

/* What points to the entry of address, or to the NULL where it would be. */
static struct entry **find(struct address_counts *counts, const struct ip_address *address)
{
    uint64_t hash = hash_bytes(&counts->seed, address->bytes, sizeof address->bytes);
    struct entry **link = &counts->buckets[hash % BUCKETS];
    while (*link != NULL && memcmp(&(*link)->address, address, sizeof *address) != 0) {
        link = &(*link)->next;
    }
    return link;
}

struct address_counts *address_counts_new(void)
{
    struct address_counts *counts = mem_new(1, sizeof *counts);
    hash_seed_init(&counts->seed);
    return counts;
}

void address_counts_free(struct address_counts *counts)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry *next = NULL;
        for (struct entry *entry = counts->buckets[i]; entry != NULL; entry = next) {
            next = entry->next;
            mem_free(entry);
        }
    }
    mem_free(counts);
}

size_t address_counts_add(struct address_counts *counts, const struct ip_address *address)
{
    struct entry **link = find(counts, address);
    if (*link == NULL) {
        *link = mem_new(1, sizeof **link);
        (*link)->address = *address;
    }
    (*link)->count++;
    return (*link)->count;
}

void address_counts_remove(struct address_counts *counts, const struct ip_address *address)
{
    struct entry **link = find(counts, address);
    struct entry *entry = *link;
    assert(entry != NULL);
    entry->count--;
    if (entry->count == 0) {
        *link = entry->next;
        mem_free(entry);
    }
}
