#include "tests/model/script_texts.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 1 << 18 };

extern const unsigned char embedded_prelude_lua[];
extern const unsigned char embedded_prelude_rest_lua[];
extern const unsigned char embedded_enqueue_lua[];
extern const unsigned char embedded_abort_lua[];
extern const unsigned char embedded_pop_lua[];
extern const unsigned char embedded_claim_lua[];
extern const unsigned char embedded_register_lua[];
extern const unsigned char embedded_beat_lua[];
extern const unsigned char embedded_unregister_lua[];
extern const unsigned char embedded_progress_lua[];
extern const unsigned char embedded_finish_lua[];
extern const unsigned char embedded_promote_lua[];
extern const unsigned char embedded_watch_lua[];
extern const unsigned char embedded_take_back_lua[];
extern const unsigned char embedded_take_back_own_lua[];
extern const unsigned char embedded_audit_lua[];

static const struct {
    const char *name;
    const unsigned char *body;
} scripts[MODEL_SCRIPTS] = {
    [MODEL_ENQUEUE] = {"enqueue", embedded_enqueue_lua},
    [MODEL_ABORT] = {"abort", embedded_abort_lua},
    [MODEL_POP] = {"pop", embedded_pop_lua},
    [MODEL_CLAIM] = {"claim", embedded_claim_lua},
    [MODEL_REGISTER] = {"register", embedded_register_lua},
    [MODEL_BEAT] = {"beat", embedded_beat_lua},
    [MODEL_UNREGISTER] = {"unregister", embedded_unregister_lua},
    [MODEL_PROGRESS] = {"progress", embedded_progress_lua},
    [MODEL_FINISH] = {"finish", embedded_finish_lua},
    [MODEL_PROMOTE] = {"promote", embedded_promote_lua},
    [MODEL_WATCH] = {"watch", embedded_watch_lua},
    [MODEL_TAKE_BACK] = {"take_back", embedded_take_back_lua},
    [MODEL_TAKE_BACK_OWN] = {"take_back_own", embedded_take_back_own_lua},
    [MODEL_AUDIT] = {"audit", embedded_audit_lua},
};

/* Time is the model's, and so is who listens. Abort looks through so little of the queue that an
   element stays behind as soon as three wait. */
static const struct script_edit always[] = {
    {"prelude.lua",
     "    local time = call('TIME')\n"
     "    return time[1] * 1000 + math.floor(time[2] / 1000)\n",
     "    return tonumber(call('GET', '" MODEL_CLOCK_KEY "'))\n"},
    {"prelude_rest.lua",
     "    local answer = redis.pcall('PUBSUB', 'NUMSUB', PREFIX .. 'hints:' .. worker)\n"
     "    if answer.err then\n"
     "        return nil\n"
     "    end\n"
     "    return answer[2] > 0\n",
     "    return call('SISMEMBER', '" MODEL_LISTENING_KEY "', worker) == 1\n"},
    {"abort.lua", "local SEARCH_MAX = 1000\n", "local SEARCH_MAX = 1\n"},
};

const char *model_script_name(enum model_script script)
{
    return scripts[script].name;
}

/* False when old does not occur exactly once. */
static bool replace_once(char **text, const struct script_edit *edit)
{
    char *at = strstr(*text, edit->old);
    if (at == NULL || strstr(at + 1, edit->old) != NULL) {
        return false;
    }
    struct strbuf changed;
    strbuf_init(&changed, TEXT_MAX_BYTES);
    strbuf_add(&changed, *text, (size_t)(at - *text));
    strbuf_add_text(&changed, edit->new);
    strbuf_add_text(&changed, at + strlen(edit->old));
    mem_free(*text);
    *text = strbuf_take(&changed);
    return true;
}

static bool is_of(const struct script_edit *edit, const char *name)
{
    size_t size = strlen(name);
    return strncmp(edit->file, name, size) == 0 && strcmp(edit->file + size, ".lua") == 0;
}

/* The file's text with what is always edited and, where it concerns this file, the fault. */
static char *edited(const char *name, const unsigned char *original,
                    const struct script_edit *fault)
{
    char *text = mem_copy_text((const char *)original);
    bool is_done = true;
    for (size_t i = 0; i < sizeof always / sizeof always[0] && is_done; i++) {
        is_done = !is_of(&always[i], name) || replace_once(&text, &always[i]);
    }
    if (is_done && fault != NULL && is_of(fault, name)) {
        is_done = replace_once(&text, fault);
    }
    if (!is_done) {
        mem_free(text);
        return NULL;
    }
    return text;
}

char *model_script_text(enum model_script script, const struct script_edit *fault)
{
    /* The parts that job_queue.c gives it. */
    bool is_short = script == MODEL_POP || script == MODEL_ENQUEUE;
    const struct {
        const char *name;
        const unsigned char *original;
    } parts[] = {{"prelude", embedded_prelude_lua},
                 {"prelude_rest", is_short ? NULL : embedded_prelude_rest_lua},
                 {scripts[script].name, scripts[script].body}};
    struct strbuf whole;
    strbuf_init(&whole, TEXT_MAX_BYTES);
    bool is_done = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && is_done; i++) {
        if (parts[i].original != NULL) {
            char *part = edited(parts[i].name, parts[i].original, fault);
            is_done = part != NULL;
            strbuf_add_text(&whole, is_done ? part : "");
            mem_free(part);
        }
    }
    char *text = strbuf_take(&whole);
    if (!is_done) {
        mem_free(text);
        return NULL;
    }
    return text;
}
