/* The table of faults and recovery times. */
#ifndef OMNIHOOK_TESTS_SOAK_TABLE_H
#define OMNIHOOK_TESTS_SOAK_TABLE_H

#include "tests/soak/faults.h"

void table_print(struct faults *faults);

/* The bar: after SIGKILL of a worker, with no other fault at the same time, the median is below 2 s
   and the longest at most the lease and 5 s. Prints the verdict; true when it holds. */
bool table_judge(struct faults *faults);

#endif
