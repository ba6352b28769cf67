/* Deliberate faults in the job machine's scripts. The model must catch each of them: a fault that
   it does not see is a hole in the oracle, or in what the schedules do. */
#ifndef OMNIHOOK_TESTS_MODEL_FAULTS_H
#define OMNIHOOK_TESTS_MODEL_FAULTS_H

#include "tests/model/script_texts.h"

#include <stddef.h>

struct fault {
    const char *name; /* as docs/testing.md has it */
    struct script_edit edit;
};

extern const struct fault faults[];
extern const size_t fault_count;

#endif
