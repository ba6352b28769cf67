/* What is remembered of callers' tokens, and for how long. */
#include "api/token_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static char acme_name[] = "acme";
static char other_name[] = "other";
static char url[] = "https://omnitron.example/api/v1/active_user/";
static char other_url[] = "https://omnitron2.example/api/v1/active_user/";
static const struct account acme = {.name = acme_name, .omnitron = {.user_url = url}};
static const struct account other = {.name = other_name, .omnitron = {.user_url = url}};
static const struct account moved = {.name = acme_name, .omnitron = {.user_url = other_url}};

static int setup(void **state)
{
    *state = token_memory_new();
    return 0;
}

static int teardown(void **state)
{
    token_memory_free(*state);
    return 0;
}

static struct token_digest digest_of(const struct token_memory *memory,
                                     const struct account *account, const char *token)
{
    struct token_digest digest;
    token_memory_digest(memory, account, token, &digest);
    return digest;
}

static void a_verdict_is_remembered_until_its_time(void **state)
{
    struct token_memory *memory = *state;
    struct token_digest good = digest_of(memory, &acme, "good");
    struct token_digest bad = digest_of(memory, &acme, "bad");
    assert_int_equal(token_memory_get(memory, &good, 1000), TOKEN_UNKNOWN);
    token_memory_put(memory, &good, TOKEN_ACCEPTED, 2000);
    token_memory_put(memory, &bad, TOKEN_REFUSED, 1500);
    assert_int_equal(token_memory_get(memory, &good, 1999), TOKEN_ACCEPTED);
    assert_int_equal(token_memory_get(memory, &good, 2000), TOKEN_UNKNOWN);
    assert_int_equal(token_memory_get(memory, &bad, 1499), TOKEN_REFUSED);
    assert_int_equal(token_memory_get(memory, &bad, 1500), TOKEN_UNKNOWN);
}

static void the_newest_verdict_counts(void **state)
{
    struct token_memory *memory = *state;
    struct token_digest digest = digest_of(memory, &acme, "token");
    token_memory_put(memory, &digest, TOKEN_ACCEPTED, 9000);
    token_memory_put(memory, &digest, TOKEN_REFUSED, 2000);
    assert_int_equal(token_memory_get(memory, &digest, 1000), TOKEN_REFUSED);
    assert_int_equal(token_memory_get(memory, &digest, 3000), TOKEN_UNKNOWN);
}

static void another_account_or_another_omnitron_is_another_question(void **state)
{
    struct token_memory *memory = *state;
    struct token_digest digest = digest_of(memory, &acme, "token");
    token_memory_put(memory, &digest, TOKEN_ACCEPTED, 9000);
    struct token_digest of_other = digest_of(memory, &other, "token");
    struct token_digest of_moved = digest_of(memory, &moved, "token");
    assert_int_equal(token_memory_get(memory, &of_other, 1000), TOKEN_UNKNOWN);
    assert_int_equal(token_memory_get(memory, &of_moved, 1000), TOKEN_UNKNOWN);
}

static void another_process_has_other_digests(void **state)
{
    struct token_memory *memory = *state;
    struct token_memory *second = token_memory_new();
    struct token_digest here = digest_of(memory, &acme, "token");
    struct token_digest there = digest_of(second, &acme, "token");
    assert_memory_not_equal(here.bytes, there.bytes, sizeof here.bytes);
    token_memory_free(second);
}

static void what_lasts_longest_survives_a_flood_of_strangers(void **state)
{
    struct token_memory *memory = *state;
    struct token_digest good = digest_of(memory, &acme, "good");
    token_memory_put(memory, &good, TOKEN_ACCEPTED, 60000);
    for (int i = 0; i < 50000; i++) {
        char token[16];
        (void)snprintf(token, sizeof token, "%d", i);
        struct token_digest digest = digest_of(memory, &acme, token);
        token_memory_put(memory, &digest, TOKEN_REFUSED, 5000);
    }
    assert_int_equal(token_memory_get(memory, &good, 1000), TOKEN_ACCEPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_verdict_is_remembered_until_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_verdict_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(another_account_or_another_omnitron_is_another_question,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(another_process_has_other_digests, setup, teardown),
        cmocka_unit_test_setup_teardown(what_lasts_longest_survives_a_flood_of_strangers, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
