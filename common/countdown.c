#include "common/countdown.h"

#include "common/mem.h"
#include "common/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KWARGS_MAX = 2, DEFAULT_SECONDS = 60 };

/* base^10 seconds pass before the tenth delivery: with 4 that is 12 days. */
enum { EXPONENTIAL_BASE_SENSIBLE = 3 };

struct kwarg {
    const char *name;
    bool is_optional; /* and may be null */
};

/* Rows are known choices. All kwargs are whole numbers. */
static const struct choice {
    const char *name;
    bool may_be_negative; /* its kwargs */
    struct kwarg kwargs[KWARGS_MAX];
} choices[] = {
    {"fixed", false, {{"seconds", false}}},
    {"linear", false, {{"base", false}, {"limit", true}}},
    {"exponential", false, {{"base", false}, {"limit", true}}},
    {"random", true, {{"min_value", false}, {"max_value", false}}},
};

static const struct choice *find_choice(json_t *name)
{
    for (size_t i = 0; json_is_string(name) && i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(choices[i].name, json_string_value(name)) == 0) {
            return &choices[i];
        }
    }
    return NULL;
}

/* What Django REST framework's IntegerField takes of a text: Python's int(), after ".0" at the end
   is removed. */
static bool parse_integer(const char *text, int64_t *number)
{
    char *trimmed = text_trim(text);
    size_t sign = trimmed[0] == '+' || trimmed[0] == '-' ? 1 : 0;
    size_t digits = strspn(trimmed + sign, "0123456789");
    const char *rest = trimmed + sign + digits;
    bool is_good =
        digits > 0 && (*rest == '\0' || (*rest == '.' && rest[1 + strspn(rest + 1, "0")] == '\0'));
    errno = 0;
    *number = is_good ? strtoll(trimmed, NULL, 10) : 0;
    mem_free(trimmed);
    return is_good && errno == 0;
}

static bool to_integer(json_t *value, int64_t *number)
{
    static const double largest = 9007199254740992.0; /* above 2^53 not every whole number is one */
    if (json_is_integer(value)) {
        *number = json_integer_value(value);
        return true;
    }
    if (json_is_real(value)) {
        double real = json_real_value(value);
        *number = real >= -largest && real <= largest ? (int64_t)real : 0;
        return (double)*number == real;
    }
    return json_is_string(value) && parse_integer(json_string_value(value), number);
}

static const struct kwarg *kwarg_at(const struct choice *choice, size_t index)
{
    return index < KWARGS_MAX && choice->kwargs[index].name != NULL ? &choice->kwargs[index] : NULL;
}

/* False when the number of a kwarg is not given, or wrong. */
static bool read_kwarg(struct jsonget *get, const struct choice *choice, const struct kwarg *kwarg,
                       int64_t *number)
{
    json_t *value = jsonget_value(get, kwarg->name);
    if (value == NULL) {
        if (!kwarg->is_optional) {
            (void)jsonget_require(get, kwarg->name);
        }
        return false;
    }
    if (!to_integer(value, number) || (*number < 0 && !choice->may_be_negative)) {
        jsonget_fault(get, kwarg->name, "must be a whole number%s",
                      choice->may_be_negative ? "" : " of at least 0");
        return false;
    }
    return true;
}

static void check_kwargs(struct jsonget *get, const struct choice *choice)
{
    const char *known[KWARGS_MAX + 1] = {NULL};
    int64_t numbers[KWARGS_MAX] = {0};
    bool is_given[KWARGS_MAX] = {false};
    for (size_t i = 0; kwarg_at(choice, i) != NULL; i++) {
        known[i] = choice->kwargs[i].name;
        is_given[i] = read_kwarg(get, choice, &choice->kwargs[i], &numbers[i]);
    }
    jsonget_check_keys(get, known);
    if (strcmp(choice->name, "random") == 0 && is_given[0] && is_given[1] &&
        numbers[0] >= numbers[1]) {
        jsonget_fault(get, "max_value", "must be more than min_value");
    }
    if (strcmp(choice->name, "exponential") == 0 && numbers[0] > EXPONENTIAL_BASE_SENSIBLE &&
        !is_given[1]) {
        faults_warn(get->faults,
                    "%s: the waits grow by this base without a limit, to days and years; "
                    "deliveries are tried up to 18 times",
                    get->path);
    }
}

static void check_config(struct jsonget *get)
{
    static const char *const known[] = {"choice", "kwargs", NULL};
    jsonget_check_keys(get, known);
    const char *name = jsonget_require(get, "choice") ? jsonget_text(get, "choice") : NULL;
    if (name == NULL) {
        return;
    }
    if (text_has_control(name) || !text_is_trimmed(name)) {
        jsonget_fault(get, "choice", "must not hold control characters or white space at its ends");
    }
    const struct choice *choice = find_choice(jsonget_value(get, "choice"));
    if (choice == NULL || !jsonget_require(get, "kwargs")) {
        return;
    }
    char *path = jsonget_path(get, "kwargs");
    struct jsonget kwargs;
    if (jsonget_init(&kwargs, jsonget_value(get, "kwargs"), path, get->faults)) {
        check_kwargs(&kwargs, choice);
    }
    get->is_good = get->is_good && kwargs.is_good;
    mem_free(path);
}

json_t *countdown_parse(struct jsonget *get)
{
    static const char key[] = "retry_countdown_config";
    json_t *value = jsonget_value(get, key);
    if (value == NULL) {
        return json_pack("{s:s, s:{s:i}}", "choice", "fixed", "kwargs", "seconds", DEFAULT_SECONDS);
    }
    char *path = jsonget_path(get, key);
    struct jsonget config;
    if (jsonget_init(&config, value, path, get->faults)) {
        check_config(&config);
    }
    get->is_good = get->is_good && config.is_good;
    mem_free(path);
    return config.is_good ? countdown_normalise(value) : NULL;
}

json_t *countdown_normalise(json_t *value)
{
    const struct choice *choice = find_choice(json_object_get(value, "choice"));
    json_t *given = json_object_get(value, "kwargs");
    if (choice == NULL || !json_is_object(given)) {
        return json_incref(value);
    }
    json_t *kwargs = json_object();
    for (size_t i = 0; kwarg_at(choice, i) != NULL; i++) {
        json_t *kwarg = json_object_get(given, choice->kwargs[i].name);
        int64_t number;
        if (to_integer(kwarg, &number)) {
            json_object_set_new(kwargs, choice->kwargs[i].name, json_integer(number));
        } else if (kwarg != NULL && !json_is_null(kwarg)) {
            json_object_set(kwargs, choice->kwargs[i].name, kwarg);
        }
    }
    return json_pack("{s:s, s:o}", "choice", choice->name, "kwargs", kwargs);
}
