/* The scripts of the job machine as the model runs them: their embedded texts, but with a clock
   that the model moves, and if asked for, with one deliberate fault. */
#ifndef OMNIHOOK_TESTS_MODEL_SCRIPT_TEXTS_H
#define OMNIHOOK_TESTS_MODEL_SCRIPT_TEXTS_H

enum model_script {
    MODEL_ENQUEUE,
    MODEL_ABORT,
    MODEL_POP,
    MODEL_CLAIM,
    MODEL_REGISTER,
    MODEL_BEAT,
    MODEL_UNREGISTER,
    MODEL_PROGRESS,
    MODEL_FINISH,
    MODEL_PROMOTE,
    MODEL_WATCH,
    MODEL_TAKE_BACK,
    MODEL_TAKE_BACK_OWN,
    MODEL_AUDIT,
    MODEL_SCRIPTS
};

/* An edit of a script's text. */
struct script_edit {
    const char *file; /* "finish.lua", "prelude.lua" ... */
    const char *old;  /* occurs once in the file */
    const char *new;
};

/* The key that the clock is read from instead of TIME: decimal ms. */
#define MODEL_CLOCK_KEY "model:now"
/* The set of workers that listen, which the scripts read instead of PUBSUB NUMSUB. */
#define MODEL_LISTENING_KEY "model:listening"

/* "finish" ... */
const char *model_script_name(enum model_script script);

/* The text to load, owned by the caller; fault may be NULL. NULL when the fault's old text does not
   occur in its file exactly once. */
char *model_script_text(enum model_script script, const struct script_edit *fault);

#endif
