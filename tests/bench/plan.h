/* What a long setting costs: planning it, and the memory of a worker that registers it. */
#ifndef OMNIHOOK_TESTS_BENCH_PLAN_H
#define OMNIHOOK_TESTS_BENCH_PLAN_H

void plan_cost_print(void);

#endif
