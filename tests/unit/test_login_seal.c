/* What processes tell each other about a login is sealed with the account's own secrets. */
#include "common/login_seal.h"

#include "common/api_key.h"
#include "tests/support/test.h"

#include <string.h>

static char name[] = "acme";
static char url[] = "https://omnitron.example/api/v1/auth/login/";
static char username[] = "service";
static char password[] = "pw";
static struct api_key_hash keys[2] = {{.bytes = {1, 2, 3}}, {.bytes = {4, 5, 6}}};

static struct account make_account(void)
{
    return (struct account){
        .name = name,
        .api_keys = keys,
        .api_key_count = 1,
        .omnitron = {.login_url = url,
                     .username = {username, sizeof username - 1},
                     .password = {password, sizeof password - 1}},
    };
}

static struct login_seal_key key_of(const struct account *account)
{
    struct login_seal_key key;
    assert_true(login_seal_key_make(&key, account));
    return key;
}

static bool opens(const struct login_seal_key *key, const struct secret *seal)
{
    enum login_word word;
    struct secret text = {0};
    bool is_opened = login_unseal(key, seal, &word, &text);
    secret_clear(&text);
    return is_opened;
}

static void what_was_sealed_comes_out_again(void **state)
{
    (void)state;
    struct account account = make_account();
    struct login_seal_key key = key_of(&account);
    static const enum login_word words[] = {LOGIN_WORD_TOKEN, LOGIN_WORD_REFUSED};
    static const char *const texts[] = {"", "t", "0123456789abcdef0123456789abcdef01234567"};
    for (size_t i = 0; i < 6; i++) {
        struct secret seal = {0};
        login_seal(&seal, &key, words[i % 2], texts[i / 2]);
        enum login_word word;
        struct secret text = {0};
        assert_true(login_unseal(&key, &seal, &word, &text));
        assert_int_equal(word, words[i % 2]);
        assert_string_equal(text.value, texts[i / 2]);
        secret_clear(&text);
        secret_clear(&seal);
    }
}

static void a_seal_shows_nothing_and_is_never_the_same_twice(void **state)
{
    (void)state;
    struct account account = make_account();
    struct login_seal_key key = key_of(&account);
    static const char token[] = "0123456789abcdef0123456789abcdef01234567";
    struct secret one = {0};
    struct secret two = {0};
    login_seal(&one, &key, LOGIN_WORD_TOKEN, token);
    login_seal(&two, &key, LOGIN_WORD_TOKEN, token);
    assert_false(secret_equals(&one, &two));
    for (size_t i = 0; i + 8 <= one.size; i++) {
        assert_memory_not_equal(one.value + i, token, 8);
    }
    secret_clear(&one);
    secret_clear(&two);
}

static void assert_does_not_open(const struct account *other, const struct secret *seal)
{
    struct login_seal_key key = key_of(other);
    assert_false(opens(&key, seal));
}

static void other_settings_do_not_open_it(void **state)
{
    (void)state;
    struct account account = make_account();
    struct login_seal_key key = key_of(&account);
    struct secret seal = {0};
    login_seal(&seal, &key, LOGIN_WORD_TOKEN, "t0ken");
    assert_true(opens(&key, &seal));

    struct account other = make_account();
    other.name = username;
    assert_does_not_open(&other, &seal);
    other = make_account();
    other.omnitron.login_url = name;
    assert_does_not_open(&other, &seal);
    other = make_account();
    other.omnitron.username.value = password;
    assert_does_not_open(&other, &seal);
    other = make_account();
    other.omnitron.password.value = username;
    assert_does_not_open(&other, &seal);
    other = make_account();
    other.api_keys = &keys[1];
    assert_does_not_open(&other, &seal);
    secret_clear(&seal);
}

static void what_was_changed_on_the_way_does_not_open(void **state)
{
    (void)state;
    struct account account = make_account();
    struct login_seal_key key = key_of(&account);
    struct secret seal = {0};
    login_seal(&seal, &key, LOGIN_WORD_TOKEN, "t0ken");
    for (size_t i = 0; i < seal.size; i++) {
        seal.value[i] = (char)(seal.value[i] ^ 1);
        assert_false(opens(&key, &seal));
        seal.value[i] = (char)(seal.value[i] ^ 1);
    }
    for (size_t size = 0; size < seal.size; size++) {
        struct secret cut = {seal.value, size};
        assert_false(opens(&key, &cut));
    }
    assert_true(opens(&key, &seal));
    secret_clear(&seal);
}

static void an_account_without_api_keys_has_no_key_to_seal_with(void **state)
{
    (void)state;
    struct account account = make_account();
    account.api_key_count = 0;
    struct login_seal_key key;
    assert_false(login_seal_key_make(&key, &account));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_comes_out_again),
        cmocka_unit_test(a_seal_shows_nothing_and_is_never_the_same_twice),
        cmocka_unit_test(other_settings_do_not_open_it),
        cmocka_unit_test(what_was_changed_on_the_way_does_not_open),
        cmocka_unit_test(an_account_without_api_keys_has_no_key_to_seal_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
