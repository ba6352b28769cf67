#include "common/random_id.h"

#include "common/log.h"
#include "common/own_pid.h"

#include <openssl/rand.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { STOCK_SIZE = 512 };

/* Bytes drawn in one go: a draw costs OpenSSL far more than the bytes do. Each is used once. */
static struct {
    unsigned char bytes[STOCK_SIZE];
    size_t left;
    pid_t owner; /* a forked child must not use the same ones */
} stock;

static void fill(unsigned char *bytes, size_t size)
{
    pid_t self = own_pid();
    if (stock.left < size || stock.owner != self) {
        if (RAND_bytes(stock.bytes, sizeof stock.bytes) != 1) {
            log_error("no_randomness", log_nothing());
            abort();
        }
        stock.left = sizeof stock.bytes;
        stock.owner = self;
    }
    stock.left -= size;
    memcpy(bytes, stock.bytes + stock.left, size);
    memset(stock.bytes + stock.left, 0, size);
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
