#include "common/redis_script.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

enum { SHA1_BYTES = 20, ARGS_BEFORE_KEYS = 3, TEXT_MAX_BYTES = 1 << 18 };

/* A call on its way: what EVAL needs should the server not know the script. One allocation. */
struct call {
    struct redis_client *client;
    const struct redis_script *script;
    redis_reply_fn *fn;
    void *arg;
    size_t count;
    size_t sizes[REDIS_ARGS_MAX]; /* then the bytes of the arguments behind the script's name */
};

void redis_script_init(struct redis_script *script,
                       const unsigned char *const parts[REDIS_SCRIPT_PARTS_MAX])
{
    memset(script, 0, sizeof *script);
    for (size_t i = 0, count = 0; i < REDIS_SCRIPT_PARTS_MAX; i++) {
        if (parts[i] != NULL) {
            script->parts[count++] = parts[i];
        }
    }
    char *text = redis_script_text(script);
    unsigned char digest[SHA1_BYTES];
    int is_hashed = EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL);
    assert(is_hashed == 1);
    (void)is_hashed;
    mem_free(text);
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        script->sha1[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        script->sha1[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    script->sha1[sizeof script->sha1 - 1] = '\0';
}

char *redis_script_text(const struct redis_script *script)
{
    struct strbuf text;
    strbuf_init(&text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < REDIS_SCRIPT_PARTS_MAX && script->parts[i] != NULL; i++) {
        strbuf_add_text(&text, (const char *)script->parts[i]);
    }
    assert(!text.is_full);
    return strbuf_take(&text);
}

void redis_script_call_init(struct redis_command *call, const struct redis_script *script,
                            size_t key_count)
{
    redis_command_init(call, "EVALSHA");
    redis_command_add_bytes(call, script->sha1, sizeof script->sha1 - 1);
    redis_command_add_int(call, (int64_t)key_count);
}

static struct call *call_new(const struct redis_command *command)
{
    size_t bytes = 0;
    for (size_t i = 2; i < command->count; i++) {
        bytes += command->sizes[i];
    }
    struct call *call = mem_resize(NULL, 1, sizeof *call + bytes);
    char *to = (char *)(call + 1);
    call->count = command->count;
    for (size_t i = 2; i < command->count; i++) {
        call->sizes[i] = command->sizes[i];
        memcpy(to, command->args[i], command->sizes[i]);
        to += command->sizes[i];
    }
    return call;
}

static void send_with_text(const struct call *call)
{
    struct redis_command command;
    redis_command_init(&command, "EVAL");
    char *text = redis_script_text(call->script);
    redis_command_add(&command, text);
    const char *from = (const char *)(call + 1);
    for (size_t i = 2; i < call->count; i++) {
        redis_command_add_bytes(&command, from, call->sizes[i]);
        from += call->sizes[i];
    }
    redis_client_send(call->client, &command, 0, call->fn, call->arg);
    mem_free(text);
}

static void on_answer(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct call *call = arg;
    if (why_not != NULL && why_not->code == ERROR_REFUSED &&
        strncmp(why_not->text, "NOSCRIPT", strlen("NOSCRIPT")) == 0) {
        send_with_text(call);
        mem_free(call);
        return;
    }
    redis_reply_fn *fn = call->fn;
    void *fn_arg = call->arg;
    mem_free(call);
    fn(fn_arg, reply, why_not);
}

void redis_script_send(struct redis_client *client, const struct redis_script *script,
                       const struct redis_command *call, redis_reply_fn *fn, void *arg)
{
    assert(call->count >= ARGS_BEFORE_KEYS);
    struct call *sent = call_new(call);
    sent->client = client;
    sent->script = script;
    sent->fn = fn;
    sent->arg = arg;
    redis_client_send(client, call, 0, on_answer, sent);
}
