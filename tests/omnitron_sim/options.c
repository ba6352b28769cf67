#include "tests/omnitron_sim/options.h"

#include "common/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char options_usage[] =
    "usage: omnitron-sim [option value]...\n"
    "  --listen HOST:PORT|unix:PATH      where to listen (127.0.0.1:0)\n"
    "  --user NAME:PASSWORD:TOKEN        an ordinary account; may be repeated\n"
    "  --superuser NAME:PASSWORD:TOKEN   an account that sees everybody's hooks; may be repeated\n"
    "  --latency-ms N                    added to every answer (0)\n"
    "  --pagination array|page|cursor    form of the list (page)\n"
    "  --page-size N                     rows a page (100)\n"
    "  --hooks-path PATH                 (/whisperer/hooks/)\n"
    "  --api-prefix PATH                 (/api/v1/)\n"
    "  --tls-cert FILE --tls-key FILE    serve HTTPS with this PEM pair\n";

static bool add_user(struct options *options, char *text, bool is_superuser)
{
    char *rest = NULL;
    struct user_spec spec = {.is_superuser = is_superuser, .is_active = true};
    spec.username = strtok_r(text, ":", &rest);
    spec.password = strtok_r(NULL, ":", &rest);
    spec.token = strtok_r(NULL, ":", &rest);
    if (spec.token == NULL) {
        return false;
    }
    options->users = mem_resize(options->users, options->user_count + 1, sizeof *options->users);
    options->users[options->user_count++] = spec;
    return true;
}

static bool is_number(const char *text, json_int_t *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool set_setting(struct options *options, const char *name, const char *text)
{
    json_int_t number = 0;
    json_t *value = is_number(text, &number) ? json_integer(number) : json_string(text);
    json_t *patch = json_pack("{s:o}", name, value);
    bool is_set = patch != NULL && settings_patch(&options->settings, patch, NULL);
    json_decref(patch);
    return is_set;
}

static bool set_path(const char **place, const char *text)
{
    size_t size = strlen(text);
    *place = text;
    return size > 0 && text[0] == '/' && text[size - 1] == '/';
}

static bool set_option(struct options *options, const char *name, char *text)
{
    if (strcmp(name, "--user") == 0 || strcmp(name, "--superuser") == 0) {
        return add_user(options, text, name[2] == 's');
    }
    if (strcmp(name, "--hooks-path") == 0) {
        return set_path(&options->hooks_path, text);
    }
    if (strcmp(name, "--api-prefix") == 0) {
        return set_path(&options->api_prefix, text);
    }
    const struct {
        const char *option;
        const char *setting;
    } settings[] = {{"--latency-ms", "latency_ms"},
                    {"--page-size", "page_size"},
                    {"--pagination", "pagination"}};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (strcmp(name, settings[i].option) == 0) {
            return set_setting(options, settings[i].setting, text);
        }
    }
    const struct {
        const char *option;
        const char **place;
    } texts[] = {{"--listen", &options->listen},
                 {"--tls-cert", &options->tls_cert},
                 {"--tls-key", &options->tls_key}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].option) == 0) {
            *texts[i].place = text;
            return true;
        }
    }
    return false;
}

bool options_parse(struct options *options, int argc, char **argv, struct error *err)
{
    *options = (struct options){
        .listen = "127.0.0.1:0", .hooks_path = "/whisperer/hooks/", .api_prefix = "/api/v1/"};
    settings_init(&options->settings);
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !set_option(options, argv[i], argv[i + 1])) {
            return error_set(err, ERROR_BAD_INPUT, "%s: unknown option or bad value", argv[i]);
        }
    }
    if ((options->tls_cert == NULL) != (options->tls_key == NULL)) {
        return error_set(err, ERROR_BAD_INPUT, "--tls-cert and --tls-key go together");
    }
    return true;
}

void options_clear(struct options *options)
{
    settings_clear(&options->settings);
    mem_free(options->users);
    options->users = NULL;
    options->user_count = 0;
}
