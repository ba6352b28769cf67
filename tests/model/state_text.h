/* A world and its Redis as text: the same text for the same state, whatever its jobs, tokens and
   workers are called and which worker is the first. */
#ifndef OMNIHOOK_TESTS_MODEL_STATE_TEXT_H
#define OMNIHOOK_TESTS_MODEL_STATE_TEXT_H

#include "tests/model/model.h"

enum { STATE_TEXT_MAX_BYTES = 1 << 16 };

/* Replaces what text holds. */
void state_text_print(struct model *model, struct strbuf *text);

/* False when the step can do nothing, or nothing that another letter does not do. */
bool state_has_use_for(const struct model *model, const struct step *step);

#endif
