/* What processes tell each other, through Redis, about an account's login: its token, or that it
   was refused. Sealed (AES-256-GCM) with a key that is made of the account's own settings, so that
   who reads Redis learns nothing, and who has other credentials cannot open it. */
#ifndef OMNIHOOK_COMMON_LOGIN_SEAL_H
#define OMNIHOOK_COMMON_LOGIN_SEAL_H

#include "common/settings.h"

enum { LOGIN_SEAL_KEY_SIZE = 32 };

struct login_seal_key {
    unsigned char bytes[LOGIN_SEAL_KEY_SIZE];
};

/* False when nothing may be sealed: an account without API keys has only its password to make a key
   of, and who reads Redis could try passwords until one opens the seal. Wipe the key after use. */
bool login_seal_key_make(struct login_seal_key *key, const struct account *account);

enum login_word {
    LOGIN_WORD_TOKEN = 'T',   /* the text is a token */
    LOGIN_WORD_REFUSED = 'R', /* these credentials were refused; the text is the reason */
};

/* Replaces what seal holds. */
void login_seal(struct secret *seal, const struct login_seal_key *key, enum login_word word,
                const char *text);

/* Fills word and text; false, and nothing filled, when it was sealed with another key, or changed.
   Pair with secret_clear(text). */
MUST_CHECK bool login_unseal(const struct login_seal_key *key, const struct secret *seal,
                             enum login_word *word, struct secret *text);

#endif
