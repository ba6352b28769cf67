/* What one step of the job machine costs Redis, when few jobs wait and when a million do. */
#ifndef OMNIHOOK_TESTS_BENCH_QUEUE_COST_H
#define OMNIHOOK_TESTS_BENCH_QUEUE_COST_H

void queue_cost_print(void);

#endif
