#include "api/token_memory.h"

#include "common/log.h"
#include "common/mem.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* A digest has its place in one set; digests are as good as random, whatever the tokens are. */
enum { SETS = 1024, WAYS = 4, KEY_SIZE = 32 };

struct remembered {
    struct token_digest digest;
    int64_t until_ms; /* 0 = an empty place */
    enum token_verdict verdict;
};

struct token_memory {
    unsigned char key[KEY_SIZE];
    struct remembered sets[SETS][WAYS];
};

struct token_memory *token_memory_new(void)
{
    struct token_memory *memory = mem_new(1, sizeof *memory);
    if (RAND_bytes(memory->key, KEY_SIZE) != 1) {
        log_error("no_randomness", log_nothing());
        abort();
    }
    return memory;
}

void token_memory_free(struct token_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    secret_wipe(memory, sizeof *memory);
    mem_free(memory);
}

/* HMAC(key, HMAC(key, name) HMAC(key, url) HMAC(key, token)): parts of fixed size, so no two sets
   of parts look the same. */
static void digest_part(const struct token_memory *memory, const void *bytes, size_t size,
                        unsigned char digest[TOKEN_DIGEST_SIZE])
{
    if (HMAC(EVP_sha256(), memory->key, KEY_SIZE, bytes, size, digest, NULL) == NULL) {
        log_error("no_hmac", log_nothing());
        abort();
    }
}

void token_memory_digest(const struct token_memory *memory, const struct account *account,
                         const char *token, struct token_digest *digest)
{
    const char *const parts[] = {account->name, account->omnitron.user_url, token};
    unsigned char digests[sizeof parts / sizeof *parts][TOKEN_DIGEST_SIZE];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        digest_part(memory, parts[i], strlen(parts[i]), digests[i]);
    }
    digest_part(memory, digests, sizeof digests, digest->bytes);
    secret_wipe(digests, sizeof digests);
}

static size_t set_of(const struct token_digest *digest)
{
    return (digest->bytes[0] | (size_t)digest->bytes[1] << 8) % SETS;
}

static bool is_same(const struct token_digest *left, const struct token_digest *right)
{
    return CRYPTO_memcmp(left->bytes, right->bytes, TOKEN_DIGEST_SIZE) == 0;
}

enum token_verdict token_memory_get(const struct token_memory *memory,
                                    const struct token_digest *digest, int64_t now_ms)
{
    const struct remembered *set = memory->sets[set_of(digest)];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].until_ms > now_ms && is_same(&set[i].digest, digest)) {
            return set[i].verdict;
        }
    }
    return TOKEN_UNKNOWN;
}

void token_memory_put(struct token_memory *memory, const struct token_digest *digest,
                      enum token_verdict verdict, int64_t until_ms)
{
    struct remembered *set = memory->sets[set_of(digest)];
    struct remembered *place = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].until_ms != 0 && is_same(&set[i].digest, digest)) {
            place = &set[i];
            break;
        }
        if (set[i].until_ms < place->until_ms) { /* empty, or the first to be forgotten */
            place = &set[i];
        }
    }
    *place = (struct remembered){.digest = *digest, .until_ms = until_ms, .verdict = verdict};
}
