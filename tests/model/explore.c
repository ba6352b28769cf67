#include "tests/model/explore.h"

#include "common/mem.h"
#include "tests/model/state_text.h"

#include <string.h>

enum { STATES_MAX = 1 << 18, SLOTS = STATES_MAX * 2 };

struct state {
    uint32_t parent;
    uint8_t letter;
    uint8_t depth;
};

struct search {
    const struct alphabet *alphabet;
    struct machine *machine;
    struct explored *found;
    struct state *states;
    size_t count;
    uint64_t *seen; /* hashes of states; 0 = free */
    struct strbuf text;
};

static const struct step first_steps[EXPLORE_WORKERS] = {{STEP_BEAT, 0, 0, FATE_NOW},
                                                         {STEP_BEAT, 1, 0, FATE_NOW}};

/* FNV-1a; collisions among so few states are out of the question. */
static uint64_t hash_of(const struct strbuf *text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < text->size; i++) {
        hash = (hash ^ (unsigned char)text->bytes[i]) * 0x100000001b3;
    }
    return hash == 0 ? 1 : hash;
}

/* False when it was there already. */
static bool add_seen(struct search *search, uint64_t hash)
{
    size_t at = hash % SLOTS;
    while (search->seen[at] != 0) {
        if (search->seen[at] == hash) {
            return false;
        }
        at = (at + 1) % SLOTS;
    }
    search->seen[at] = hash;
    return true;
}

/* The schedule that leads to the state. */
static void read_path(const struct search *search, size_t index, struct schedule *schedule)
{
    const struct state *state = &search->states[index];
    size_t first = EXPLORE_WORKERS;
    *schedule = (struct schedule){.mode = MODE_PLAIN, .count = first + state->depth};
    memcpy(schedule->steps, first_steps, sizeof first_steps);
    for (; state->depth > 0; state = &search->states[state->parent]) {
        schedule->steps[first + state->depth - 1] = search->alphabet->letters[state->letter];
    }
}

static void go_to(const struct search *search, size_t index, struct model *model)
{
    struct schedule schedule;
    read_path(search, index, &schedule);
    model_init(model, search->machine, schedule.mode);
    for (size_t i = 0; i < schedule.count; i++) {
        model_step(model, &schedule.steps[i]);
    }
}

static void report(struct search *search, size_t index, const struct verdict *verdict)
{
    search->found->verdict = *verdict;
    read_path(search, index, &search->found->schedule);
}

static size_t add_state(struct search *search, size_t parent, size_t letter)
{
    search->states[search->count] = (struct state){
        .parent = (uint32_t)parent,
        .letter = (uint8_t)letter,
        .depth = (uint8_t)(search->states[parent].depth + 1),
    };
    return search->count++;
}

/* One transition; model and Redis are where the state is, and stay there for the caller to reset.
 */
static void take(struct search *search, size_t from, size_t letter, struct model *model)
{
    model_step(model, &search->alphabet->letters[letter]);
    search->found->transitions++;
    if (model->verdict.rule != NULL) {
        report(search, add_state(search, from, letter), &model->verdict);
        return;
    }
    state_text_print(model, &search->text);
    if (!add_seen(search, hash_of(&search->text)) || search->count + 1 >= STATES_MAX) {
        return;
    }
    size_t index = add_state(search, from, letter);
    model_come_to_rest(model);
    if (model->verdict.rule != NULL) {
        report(search, index, &model->verdict);
    }
}

static void expand(struct search *search, size_t index, struct model *here, struct model *model)
{
    go_to(search, index, here);
    machine_save(search->machine);
    for (size_t i = 0; i < search->alphabet->letter_count; i++) {
        if (search->found->verdict.rule != NULL ||
            !state_has_use_for(here, &search->alphabet->letters[i])) {
            continue;
        }
        *model = *here;
        machine_restore(search->machine);
        take(search, index, i, model);
    }
}

void explore(const struct alphabet *alphabet, struct machine *machine, struct explored *explored)
{
    struct search search = {.alphabet = alphabet, .machine = machine, .found = explored};
    struct model *here = mem_new(2, sizeof *here);
    *explored = (struct explored){0};
    search.states = mem_new(STATES_MAX, sizeof *search.states);
    search.seen = mem_new(SLOTS, sizeof *search.seen);
    strbuf_init(&search.text, STATE_TEXT_MAX_BYTES);
    search.count = 1;
    for (size_t i = 0; i < search.count && explored->verdict.rule == NULL; i++) {
        if (search.states[i].depth < alphabet->depth) {
            expand(&search, i, here, here + 1);
        }
    }
    explored->states = search.count;
    strbuf_clear(&search.text);
    mem_free(search.seen);
    mem_free(search.states);
    mem_free(here);
}
