/* What must hold in the end, when the faults are over and every story has come to its end. */
#ifndef OMNIHOOK_TESTS_SOAK_CHECKS_H
#define OMNIHOOK_TESTS_SOAK_CHECKS_H

#include "tests/soak/load.h"

/* Nothing waits, nothing runs, and nothing is left of the programs that have died. To be asked
   again and again, for as long as an audit may take; then check_leftovers tells what is in the way.
 */
bool checks_are_leftovers_gone(struct plant *plant);
void check_leftovers(struct plant *plant);

/* The simulator: no row twice, and as many rows created as there are. */
void check_simulator(struct plant *plant, const struct load *load);

/* Redis's own counters, against what the load has counted. */
void checks_print_totals(struct plant *plant);
void check_totals(struct plant *plant, const struct load *load);

/* After the programs have stopped: only keys that are to stay have stayed. */
void check_keys(struct plant *plant);

#endif
