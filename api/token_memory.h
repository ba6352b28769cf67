/* Remembers for a while whether Omnitron accepted a caller's token. Never holds a token: only its
   HMAC under a key of this process that is nowhere else. Of fixed size: what is new pushes out what
   is old, so strangers' tokens cannot fill the memory. */
#ifndef OMNIHOOK_API_TOKEN_MEMORY_H
#define OMNIHOOK_API_TOKEN_MEMORY_H

#include "common/settings.h"

struct token_memory;

struct token_memory *token_memory_new(void);
void token_memory_free(struct token_memory *memory);

enum { TOKEN_DIGEST_SIZE = 32 };

/* What stands for a token here; another account, or another Omnitron, gives another digest. */
struct token_digest {
    unsigned char bytes[TOKEN_DIGEST_SIZE];
};
void token_memory_digest(const struct token_memory *memory, const struct account *account,
                         const char *token, struct token_digest *digest);

enum token_verdict { TOKEN_UNKNOWN, TOKEN_ACCEPTED, TOKEN_REFUSED };

/* now_ms: any clock that never steps back, the same in both. */
enum token_verdict token_memory_get(const struct token_memory *memory,
                                    const struct token_digest *digest, int64_t now_ms);
/* verdict is not TOKEN_UNKNOWN. It is forgotten at until_ms. */
void token_memory_put(struct token_memory *memory, const struct token_digest *digest,
                      enum token_verdict verdict, int64_t until_ms);

#endif
