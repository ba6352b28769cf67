#include "common/secret.h"

#include "common/mem.h"

#include <openssl/crypto.h>

void secret_set(struct secret *secret, const void *bytes, size_t size)
{
    char *copy = mem_copy_bytes(bytes, size); /* first: bytes may be the old value */
    secret_clear(secret);
    secret->value = copy;
    secret->size = size;
}

void secret_clear(struct secret *secret)
{
    if (secret->value != NULL) {
        secret_wipe(secret->value, secret->size);
        mem_free(secret->value);
    }
    *secret = (struct secret){0};
}

bool secret_is_set(const struct secret *secret)
{
    return secret->value != NULL;
}

bool secret_equals(const struct secret *left, const struct secret *right)
{
    if (left->value == NULL || right->value == NULL) {
        return left->value == right->value;
    }
    return left->size == right->size && CRYPTO_memcmp(left->value, right->value, left->size) == 0;
}

void secret_wipe(void *bytes, size_t size)
{
    OPENSSL_cleanse(bytes, size);
}
