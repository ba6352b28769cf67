#include "common/random_id.h"

#include "common/log.h"

#include <openssl/rand.h>
#include <stdlib.h>

static void fill(unsigned char *bytes, int size)
{
    if (RAND_bytes(bytes, size) != 1) {
        log_error("no_randomness", log_nothing());
        abort();
    }
}

char *random_id_make(char id[RANDOM_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[(RANDOM_ID_SIZE - 1) / 2];
    fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        id[2 * i] = digits[bytes[i] >> 4];
        id[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
    id[RANDOM_ID_SIZE - 1] = '\0';
    return id;
}

uint32_t random_bits(void)
{
    union {
        unsigned char bytes[4];
        uint32_t number;
    } bits;
    fill(bits.bytes, sizeof bits.bytes);
    return bits.number;
}
