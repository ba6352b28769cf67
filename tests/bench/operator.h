/* What it costs Redis when an operator looks at 100,000 accounts. */
#ifndef OMNIHOOK_TESTS_BENCH_OPERATOR_H
#define OMNIHOOK_TESTS_BENCH_OPERATOR_H

void operator_cost_print(void);

#endif
