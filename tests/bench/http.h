/* The API under load, beside bare servers made of the same libraries. */
#ifndef OMNIHOOK_TESTS_BENCH_HTTP_H
#define OMNIHOOK_TESTS_BENCH_HTTP_H

void bench_http(void);

#endif
