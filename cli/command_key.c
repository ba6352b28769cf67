/* omnihook key new: an API key that only its holder knows, and the hash that the settings hold. */
#include "cli/cli.h"

#include "common/secret.h"

#include <openssl/evp.h>
#include <stdio.h>

void command_key_new(struct cli *cli)
{
    /* 160 bits of randomness as 40 hex digits: the form of the tokens that callers know. */
    char first[RANDOM_ID_SIZE];
    char second[RANDOM_ID_SIZE];
    char key[41];
    (void)snprintf(key, sizeof key, "%s%.8s", random_id_make(first), random_id_make(second));
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(key, sizeof key - 1, hash, &size, EVP_sha256(), NULL) != 1) {
        const struct error why = {.code = ERROR_SYSTEM, .text = "SHA-256 is not available"};
        cli_fail(cli, "no key was made", &why);
        return;
    }
    (void)printf(cli->is_json ? "{\"key\":\"%s\",\"hash\":\"sha256:" : "key   %s\nhash  sha256:",
                 key);
    for (unsigned int i = 0; i < size; i++) {
        (void)printf("%02x", hash[i]);
    }
    (void)puts(cli->is_json ? "\"}" : "");
    secret_wipe(key, sizeof key);
    secret_wipe(first, sizeof first);
    secret_wipe(second, sizeof second);
    cli_end(cli, CLI_OK);
}
