#include "common/login_ledger.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/queue_keys.h"
#include "common/redis_script.h"

#include <string.h>

extern const unsigned char embedded_prelude_lua[];
extern const unsigned char embedded_login_ask_lua[];
extern const unsigned char embedded_login_settle_lua[];

struct login_ledger {
    struct redis_client *client; /* NULL = stopped */
    char prefix[QUEUE_KEY_SIZE];
    struct redis_script ask;
    struct redis_script settle;
    size_t settling; /* calls on their way */
};

/* A question on its way: outlives the login that asked. */
struct login_ask {
    login_asked_fn *fn; /* NULL: nobody waits for the answer any more */
    void *arg;
};

struct login_ledger *login_ledger_new(struct redis_client *client, const char *namespace_name)
{
    struct login_ledger *ledger = mem_new(1, sizeof *ledger);
    ledger->client = client;
    (void)queue_key_print(ledger->prefix, namespace_name, QUEUE_KEY_PREFIX, NULL);
    const unsigned char *const ask[] = {embedded_prelude_lua, embedded_login_ask_lua, NULL};
    redis_script_init(&ledger->ask, ask);
    const unsigned char *const settle[] = {embedded_prelude_lua, embedded_login_settle_lua, NULL};
    redis_script_init(&ledger->settle, settle);
    return ledger;
}

void login_ledger_stop(struct login_ledger *ledger)
{
    ledger->client = NULL;
}

void login_ledger_free(struct login_ledger *ledger)
{
    mem_free(ledger);
}

/* ---- Asking ---- */

static bool read_answer(struct login_answer *answer, const struct redis_reply *reply)
{
    static const struct {
        const char *word;
        enum login_leave leave;
    } words[] = {
        {"shared", LOGIN_SHARED}, {"wait", LOGIN_WAIT}, {"full", LOGIN_FULL}, {"go", LOGIN_GO}};
    enum { WORD, SEAL, MS, FIELDS };
    const char *word = redis_reply_count(reply) == FIELDS
                           ? redis_reply_text(redis_reply_at(reply, WORD), NULL)
                           : NULL;
    for (size_t i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i].word) == 0) {
            answer->leave = words[i].leave;
            answer->seal = redis_reply_text(redis_reply_at(reply, SEAL), &answer->seal_size);
            answer->ms = redis_reply_int(redis_reply_at(reply, MS), 0);
            return answer->seal != NULL;
        }
    }
    return false;
}

static void on_asked(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct login_ask *ask = arg;
    login_asked_fn *fn = ask->fn;
    void *fn_arg = ask->arg;
    mem_free(ask);
    if (fn == NULL) {
        return;
    }
    struct login_answer answer = {0};
    struct error odd;
    if (why_not == NULL && !read_answer(&answer, reply)) {
        error_set(&odd, ERROR_PROTOCOL, "Redis's answer to a login makes no sense");
        why_not = &odd;
    }
    fn(fn_arg, why_not == NULL ? &answer : NULL, why_not);
}

struct login_ask *login_ledger_ask(struct login_ledger *ledger,
                                   const struct login_question *question, login_asked_fn *fn,
                                   void *arg)
{
    struct login_ask *ask = mem_new(1, sizeof *ask);
    ask->fn = fn;
    ask->arg = arg;
    struct redis_command command;
    redis_script_call_init(&command, &ledger->ask, 1);
    redis_command_add(&command, ledger->prefix);
    redis_command_add(&command, question->account);
    redis_command_add(&command, question->id);
    redis_command_add_bytes(&command, question->known->value, question->known->size);
    redis_command_add_int(&command, question->hold_ms);
    redis_command_add_int(&command, LOGINS_MAX);
    redis_command_add_int(&command, LOGINS_WINDOW_MS);
    redis_script_send(ledger->client, &ledger->ask, &command, on_asked, ask);
    return ask;
}

void login_ask_forget(struct login_ask *ask)
{
    ask->fn = NULL;
}

/* ---- Settling ---- */

static void on_settled(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct login_ledger *ledger = arg;
    (void)reply;
    ledger->settling--;
    if (why_not != NULL) {
        log_debug("login_not_shared", log_reason(why_not));
    }
}

void login_ledger_settle(struct login_ledger *ledger, const struct login_result *result)
{
    if (ledger->client == NULL) {
        return;
    }
    struct redis_command command;
    redis_script_call_init(&command, &ledger->settle, 1);
    redis_command_add(&command, ledger->prefix);
    redis_command_add(&command, result->account);
    redis_command_add(&command, result->id);
    redis_command_add_int(&command, result->is_counted);
    redis_command_add_bytes(&command, result->seal->value, result->seal->size);
    redis_command_add_int(&command, result->seal_ms);
    redis_command_add_int(&command, LOGINS_WINDOW_MS);
    ledger->settling++;
    redis_script_send(ledger->client, &ledger->settle, &command, on_settled, ledger);
}

bool login_ledger_is_settling(const struct login_ledger *ledger)
{
    return ledger->settling > 0;
}
