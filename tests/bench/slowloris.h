/* Good calls while strangers hold connections whose requests never end. */
#ifndef OMNIHOOK_TESTS_BENCH_SLOWLORIS_H
#define OMNIHOOK_TESTS_BENCH_SLOWLORIS_H

void slowloris_print(void);

#endif
