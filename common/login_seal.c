#include "common/login_seal.h"

#include "common/api_key.h"
#include "common/mem.h"
#include "common/strbuf.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* A seal: nonce, then the encrypted word and text, then the tag. */
enum { NONCE_SIZE = 12, TAG_SIZE = 16, WORD_SIZE = 1 };

/* Changes with what is sealed or how: an older release then finds nothing to open. */
static const char label[] = "omnihook login 1";

bool login_seal_key_make(struct login_seal_key *key, const struct account *account)
{
    if (account->api_key_count == 0) {
        return false;
    }
    const struct omnitron_settings *omnitron = &account->omnitron;
    const char *const texts[] = {label, account->name, omnitron->login_url,
                                 omnitron->username.value, omnitron->password.value};
    struct strbuf parts;
    strbuf_init(&parts, SIZE_MAX / 2);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        /* With the 0 byte, so that no two lists of texts look the same. */
        const char *text = texts[i] == NULL ? "" : texts[i];
        strbuf_add(&parts, text, strlen(text) + 1);
    }
    /* The hashes of random keys: what nobody can guess. They are not in Redis. */
    for (size_t i = 0; i < account->api_key_count; i++) {
        strbuf_add(&parts, account->api_keys[i].bytes, API_KEY_HASH_SIZE);
    }
    int is_made = EVP_Digest(parts.bytes, parts.size, key->bytes, NULL, EVP_sha256(), NULL);
    assert(is_made == 1);
    (void)is_made;
    secret_wipe(parts.bytes, parts.size);
    strbuf_clear(&parts);
    return true;
}

/* What cannot fail but for no memory, or an OpenSSL without AES. */
static void must(int is_done)
{
    if (is_done != 1) {
        abort();
    }
}

void login_seal(struct secret *seal, const struct login_seal_key *key, enum login_word word,
                const char *text)
{
    size_t text_size = strlen(text);
    size_t size = NONCE_SIZE + WORD_SIZE + text_size + TAG_SIZE;
    unsigned char *bytes = mem_new(size, 1);
    unsigned char *sealed = bytes + NONCE_SIZE;
    const unsigned char word_byte = (unsigned char)word;
    int written = 0;
    must(RAND_bytes(bytes, NONCE_SIZE));
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL);
    must(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, bytes));
    must(EVP_EncryptUpdate(cipher, sealed, &written, &word_byte, WORD_SIZE));
    must(EVP_EncryptUpdate(cipher, sealed + WORD_SIZE, &written, (const unsigned char *)text,
                           (int)text_size));
    must(EVP_EncryptFinal_ex(cipher, sealed + WORD_SIZE + text_size, &written));
    must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE,
                             sealed + WORD_SIZE + text_size));
    EVP_CIPHER_CTX_free(cipher);
    secret_set(seal, bytes, size);
    mem_free(bytes);
}

/* Into plain, as long as the seal without nonce and tag. */
static bool open_seal(const struct login_seal_key *key, const struct secret *seal,
                      unsigned char *plain)
{
    const unsigned char *bytes = (const unsigned char *)seal->value;
    size_t plain_size = seal->size - NONCE_SIZE - TAG_SIZE;
    unsigned char tag[TAG_SIZE];
    memcpy(tag, bytes + seal->size - TAG_SIZE, TAG_SIZE);
    int written = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL);
    must(EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, bytes));
    must(EVP_DecryptUpdate(cipher, plain, &written, bytes + NONCE_SIZE, (int)plain_size));
    must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag));
    bool is_good = EVP_DecryptFinal_ex(cipher, plain + plain_size, &written) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return is_good;
}

bool login_unseal(const struct login_seal_key *key, const struct secret *seal,
                  enum login_word *word, struct secret *text)
{
    if (seal->size < NONCE_SIZE + WORD_SIZE + TAG_SIZE || seal->size > INT32_MAX) {
        return false;
    }
    size_t size = seal->size - NONCE_SIZE - TAG_SIZE;
    unsigned char *plain = mem_new(size + 1, 1);
    bool is_good = open_seal(key, seal, plain) &&
                   (plain[0] == LOGIN_WORD_TOKEN || plain[0] == LOGIN_WORD_REFUSED);
    if (is_good) {
        *word = (enum login_word)plain[0];
        secret_set(text, plain + WORD_SIZE, size - WORD_SIZE);
    }
    secret_wipe(plain, size);
    mem_free(plain);
    return is_good;
}
