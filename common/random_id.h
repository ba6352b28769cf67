/* Random 128-bit ids for jobs, claims, workers and requests, as 32 lower-case hex digits. */
#ifndef OMNIHOOK_COMMON_RANDOM_ID_H
#define OMNIHOOK_COMMON_RANDOM_ID_H

#include <stdint.h>

enum { RANDOM_ID_SIZE = 33 };

/* Writes a new id, 0-terminated, and returns it. Aborts when the system has no randomness. */
char *random_id_make(char id[RANDOM_ID_SIZE]);

/* 32 random bits, for jitter. */
uint32_t random_bits(void);

#endif
