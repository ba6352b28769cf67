#include "api/auth_omnitron.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/now.h"

#include <string.h>

enum {
    /* Tokens of Omnitron's have 40 characters. What is longer is refused without asking. */
    TOKEN_SIZE_MAX = 256,
    /* Strangers can make us ask, each time with another token: so much of Omnitron they get. */
    QUESTIONS_MAX = 32,
    REFUSAL_TTL_MS = 5000,
};

/* One who waits for an answer. */
struct asker {
    struct asker *next;
    auth_omnitron_fn *fn;
    void *arg;
};

/* A question to Omnitron about one token: until it is answered, and one turn of the loop more, so
   that nothing is freed under the callback that it called. */
struct question {
    struct question *next;
    struct auth_omnitron *auth;
    struct token_digest digest;
    struct settings *settings; /* a reference */
    struct omnitron *omnitron;
    struct omnitron_call *call; /* NULL = answered */
    struct event *timer;        /* the deadline; once answered, the end */
    struct asker *askers;
};

struct auth_omnitron {
    struct loop *loop;
    struct omnitron_pool *pool;
    struct auth_omnitron_options options;
    struct token_memory *memory;
    struct question *questions;
    size_t count;
};

struct auth_omnitron *auth_omnitron_new(struct loop *loop, struct omnitron_pool *pool,
                                        const struct auth_omnitron_options *options)
{
    struct auth_omnitron *auth = mem_new(1, sizeof *auth);
    auth->loop = loop;
    auth->pool = pool;
    auth->options = *options;
    auth->memory = token_memory_new();
    return auth;
}

static void free_question(struct question *question)
{
    struct question **link = &question->auth->questions;
    while (*link != question) {
        link = &(*link)->next;
    }
    *link = question->next;
    question->auth->count--;
    omnitron_free(question->omnitron);
    settings_unref(question->settings);
    event_free(question->timer);
    mem_free(question);
}

static void answer_all(struct question *question, enum token_verdict verdict,
                       const struct error *why_not)
{
    while (question->askers != NULL) {
        struct asker *asker = question->askers;
        question->askers = asker->next;
        auth_omnitron_fn *fn = asker->fn;
        void *arg = asker->arg;
        mem_free(asker);
        fn(arg, verdict, why_not);
    }
}

void auth_omnitron_free(struct auth_omnitron *auth)
{
    if (auth == NULL) {
        return;
    }
    struct error stopping;
    error_set(&stopping, ERROR_CANCELLED, "The service is stopping.");
    while (auth->questions != NULL) {
        struct question *question = auth->questions;
        if (question->call != NULL) {
            omnitron_cancel(question->call);
        }
        answer_all(question, TOKEN_UNKNOWN, &stopping);
        free_question(question);
    }
    token_memory_free(auth->memory);
    mem_free(auth);
}

/* 0-terminates token; false when it cannot be one. */
static bool copy_token(char copy[TOKEN_SIZE_MAX + 1], const struct auth_token *token)
{
    if (token->size > TOKEN_SIZE_MAX) {
        return false;
    }
    memcpy(copy, token->bytes, token->size);
    copy[token->size] = '\0';
    return true;
}

enum token_verdict auth_omnitron_recall(const struct auth_omnitron *auth,
                                        const struct account *account,
                                        const struct auth_token *token)
{
    char copy[TOKEN_SIZE_MAX + 1];
    if (!copy_token(copy, token)) {
        return TOKEN_REFUSED;
    }
    struct token_digest digest;
    token_memory_digest(auth->memory, account, copy, &digest);
    secret_wipe(copy, sizeof copy);
    return token_memory_get(auth->memory, &digest, now_mono_ms());
}

static void remember(struct question *question, enum token_verdict verdict)
{
    struct auth_omnitron *auth = question->auth;
    int64_t ttl_ms = verdict == TOKEN_ACCEPTED ? auth->options.ttl_ms : REFUSAL_TTL_MS;
    if (ttl_ms > 0) {
        token_memory_put(auth->memory, &question->digest, verdict, now_mono_ms() + ttl_ms);
    }
}

static void on_answer(void *arg, const struct omnitron_failure *failure)
{
    struct question *question = arg;
    question->call = NULL;
    loop_timer_start(question->timer, 0);
    if (failure == NULL) {
        remember(question, TOKEN_ACCEPTED);
        answer_all(question, TOKEN_ACCEPTED, NULL);
    } else if (failure->kind == OMNITRON_CREDENTIALS || failure->kind == OMNITRON_FORBIDDEN) {
        remember(question, TOKEN_REFUSED);
        answer_all(question, TOKEN_REFUSED, NULL);
    } else {
        struct error why_not = failure->error;
        why_not.code = ERROR_UNAVAILABLE;
        log_warn("token_not_checked", log_reason(&why_not));
        answer_all(question, TOKEN_UNKNOWN, &why_not);
    }
}

static void on_timer(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct question *question = arg;
    if (question->call == NULL) {
        free_question(question);
        return;
    }
    omnitron_cancel(question->call);
    question->call = NULL;
    loop_timer_start(question->timer, 0);
    struct error why_not;
    error_set(&why_not, ERROR_UNAVAILABLE, "Omnitron did not answer in time.");
    answer_all(question, TOKEN_UNKNOWN, &why_not);
}

static struct question *find_question(const struct auth_omnitron *auth,
                                      const struct token_digest *digest)
{
    for (struct question *question = auth->questions; question != NULL; question = question->next) {
        if (question->call != NULL && memcmp(&question->digest, digest, sizeof *digest) == 0) {
            return question;
        }
    }
    return NULL;
}

static struct question *add_question(struct auth_omnitron *auth, struct settings *settings,
                                     const struct account *account, const char *token)
{
    struct question *question = mem_new(1, sizeof *question);
    question->auth = auth;
    question->settings = settings_ref(settings);
    question->next = auth->questions;
    auth->questions = question;
    auth->count++;
    question->timer = loop_timer_new(auth->loop, on_timer, question);
    loop_timer_start(question->timer, auth->options.timeout_ms);
    question->omnitron = omnitron_new(auth->pool, settings, account);
    question->call = omnitron_check_token(question->omnitron, token, on_answer, question);
    return question;
}

bool auth_omnitron_ask(struct auth_omnitron *auth, struct settings *settings,
                       const struct account *account, const struct auth_token *token,
                       auth_omnitron_fn *fn, void *arg)
{
    char copy[TOKEN_SIZE_MAX + 1];
    struct token_digest digest;
    if (!copy_token(copy, token)) {
        return false; /* not reached: such a token is recalled as refused */
    }
    token_memory_digest(auth->memory, account, copy, &digest);
    struct question *question = find_question(auth, &digest);
    if (question == NULL && auth->count < QUESTIONS_MAX) {
        question = add_question(auth, settings, account, copy);
        question->digest = digest;
    }
    secret_wipe(copy, sizeof copy);
    if (question == NULL) {
        return false;
    }
    struct asker *asker = mem_new(1, sizeof *asker);
    *asker = (struct asker){.next = question->askers, .fn = fn, .arg = arg};
    question->askers = asker;
    return true;
}
