#include "common/api_key.h"

#include "common/mem.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "sha256:";

enum { PREFIX_SIZE = sizeof prefix - 1 };

/* The algorithm is looked up once: EVP_Digest would do that for each key, which costs more than the
   hash does. */
void api_key_hash_of(struct api_key_hash *hash, const void *key, size_t size)
{
    static EVP_MD *sha256;
    static EVP_MD_CTX *context;
    if (context == NULL) {
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        context = EVP_MD_CTX_new();
    }
    if (sha256 == NULL || context == NULL || EVP_DigestInit_ex(context, sha256, NULL) != 1 ||
        EVP_DigestUpdate(context, key, size) != 1 ||
        EVP_DigestFinal_ex(context, hash->bytes, NULL) != 1) {
        abort(); /* a library without SHA-256 */
    }
}

static int hex_value(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = memchr(digits, tolower((unsigned char)digit), sizeof digits - 1);
    return at == NULL ? -1 : (int)(at - digits);
}

bool api_key_parse(struct api_key_hash *hash, const char *text, size_t size)
{
    if (size != PREFIX_SIZE + 2 * API_KEY_HASH_SIZE || memcmp(text, prefix, PREFIX_SIZE) != 0) {
        return false;
    }
    for (size_t i = 0; i < API_KEY_HASH_SIZE; i++) {
        int high = hex_value(text[PREFIX_SIZE + 2 * i]);
        int low = hex_value(text[PREFIX_SIZE + 2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        hash->bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

char *api_key_print(char text[API_KEY_TEXT_SIZE], const struct api_key_hash *hash)
{
    static const char digits[] = "0123456789abcdef";
    memcpy(text, prefix, PREFIX_SIZE);
    for (size_t i = 0; i < API_KEY_HASH_SIZE; i++) {
        text[PREFIX_SIZE + 2 * i] = digits[hash->bytes[i] >> 4];
        text[PREFIX_SIZE + 2 * i + 1] = digits[hash->bytes[i] & 0x0f];
    }
    text[API_KEY_TEXT_SIZE - 1] = '\0';
    return text;
}

bool api_key_parse_list(struct api_key_hash **keys, size_t *count, const char *list,
                        const char *place, struct faults *faults)
{
    static const char space[] = " \t\r\n";
    size_t elements = 1;
    for (const char *c = list; *c != '\0'; c++) {
        elements += *c == ',' ? 1 : 0;
    }
    *keys = mem_new(elements, sizeof **keys);
    *count = 0;
    const char *at = list;
    for (size_t i = 0; i < elements; i++, at += *at == ',' ? 1 : 0) {
        at += strspn(at, space);
        size_t size = strcspn(at, ",");
        const char *end = at + size;
        while (size > 0 && strchr(space, at[size - 1]) != NULL) {
            size--;
        }
        if (api_key_parse(&(*keys)[*count], at, size)) {
            (*count)++;
        } else {
            faults_add(faults, "%s[%zu]: must be sha256: and 64 hex digits", place, i);
        }
        at = end;
    }
    return *count == elements;
}
