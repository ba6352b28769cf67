/* How many there are of each address: a multiset. Safe with addresses that an outsider chooses. */
#ifndef OMNIHOOK_API_ADDRESS_COUNTS_H
#define OMNIHOOK_API_ADDRESS_COUNTS_H

#include "common/ip_range.h"

struct address_counts;

struct address_counts *address_counts_new(void);
void address_counts_free(struct address_counts *counts);

/* Gives how many there are now, this one included. */
size_t address_counts_add(struct address_counts *counts, const struct ip_address *address);
/* One that was added. */
void address_counts_remove(struct address_counts *counts, const struct ip_address *address);

#endif
