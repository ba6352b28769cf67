#include "common/command_line.h"

#include "common/log.h"
#include "common/ops_probe.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

extern char **environ;

static const struct {
    const char *name;
    const char *purpose;
} programs[] = {
    [PROGRAM_API] =
        {"omnihook-api",
         "Serves the webhook setup services over HTTP: authenticates callers, enqueues\n"
         "execute jobs on Redis, answers status, is_required and plan."},
    [PROGRAM_WORKER] = {"omnihook-worker",
                        "Runs the jobs that Redis holds: registers the missing webhooks of the\n"
                        "settings with Omnitron. Start as many as you like, on any host."},
    [PROGRAM_CLI] = {"omnihook", "The operator's command line."},
};

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_PROBE_HEALTH,
    ACTION_PROBE_READY,
    ACTION_HELP,
    ACTION_VERSION,
    ACTION_REFUSE,
};

static void print_usage(FILE *stream, enum program program)
{
    (void)fprintf(stream, "Usage: %s [--check-config | --probe[=ready] | --help | --version]\n",
                  programs[program].name);
}

static void print_help(enum program program)
{
    print_usage(stdout, program);
    (void)printf(
        "\n%s\n\n"
        "  --check-config  read the whole configuration and every file that it names,\n"
        "                  connect to nothing, tell all faults, and end\n"
        "  --probe[=ready] ask the one that runs with this environment, on its\n"
        "                  OMNIHOOK_OPS_LISTEN, whether it is healthy (or ready), and end:\n"
        "                  0 = yes, 1 = no, or no answer within 3 seconds\n"
        "  --help          show this text\n"
        "  --version       show the version\n"
        "\n"
        "Configured by environment variables (docs/configuration.md); at the least:\n"
        "  REDIS_URL           where Redis is (redis://127.0.0.1:6379/0)\n"
        "  OMNITRON_URL        API root of the account's Omnitron\n"
        "  OMNITRON_TOKEN      token for Omnitron, or OMNITRON_USERNAME and\n"
        "                      OMNITRON_PASSWORD\n"
        "  OMNITRON_WEBHOOKS   JSON array of the webhooks that must be registered\n"
        "  OMNIHOOK_API_KEYS   sha256:<hex> of each key that may call the account\n"
        "or, for many accounts:\n"
        "  OMNIHOOK_SETTINGS   path of a settings file\n"
        "\n"
        "SIGTERM stops gracefully, a second one at once; SIGHUP reads the settings again.\n"
        "Exit status: 0 success, 2 bad usage or configuration, 1 any other failure.\n",
        programs[program].purpose);
}

/* The exit code when all that is left to do was to print. */
static int end_output(void)
{
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static enum action parse_probe(const char *program, const char *question)
{
    if (question == NULL || strcmp(question, "health") == 0) {
        return ACTION_PROBE_HEALTH;
    }
    if (strcmp(question, "ready") == 0) {
        return ACTION_PROBE_READY;
    }
    (void)fprintf(stderr, "%s: --probe takes nothing, or =ready\n", program);
    return ACTION_REFUSE;
}

static enum action parse_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"check-config", no_argument, NULL, ACTION_CHECK},
        {"probe", optional_argument, NULL, ACTION_PROBE_HEALTH},
        {"help", no_argument, NULL, ACTION_HELP},
        {"version", no_argument, NULL, ACTION_VERSION},
        {NULL, 0, NULL, 0},
    };
    enum action action = ACTION_RUN;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?') {
            return ACTION_REFUSE;
        }
        enum action asked =
            option == ACTION_PROBE_HEALTH ? parse_probe(argv[0], optarg) : (enum action)option;
        if (asked == ACTION_REFUSE) {
            return ACTION_REFUSE;
        }
        action = action == ACTION_RUN ? asked : action; /* the first one counts */
    }
    if (optind < argc) {
        (void)fprintf(stderr, "%s: unexpected argument\n", argv[0]);
        return ACTION_REFUSE;
    }
    return action;
}

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* Secrets are in memory. Not dumpable also means that no other process of the same user can trace
   this one or read its memory; LeakSanitizer works by tracing. */
static void forbid_core_dumps(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || (!IS_SANITIZED && prctl(PR_SET_DUMPABLE, 0) != 0)) {
        log_warn("core_dumps_not_forbidden", log_nothing());
    }
}

/* Each connection takes one; the soft limit is often 1,024 for the sake of programs that use
   select, which ours do not. */
static void allow_many_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void print_warnings(const struct faults *faults)
{
    for (size_t i = 0; i < faults->warning_count; i++) {
        (void)fprintf(stderr, "warning: %s\n", faults->warnings[i]);
    }
}

static void log_warnings(const struct faults *faults)
{
    for (size_t i = 0; i < faults->warning_count; i++) {
        log_warn("configuration_warning", log_text("warning", faults->warnings[i]));
    }
}

static void print_success(const struct settings *settings)
{
    size_t webhooks = 0;
    for (size_t i = 0; i < settings_account_count(settings); i++) {
        webhooks += settings_account_at(settings, i)->webhook_count;
    }
    size_t accounts = settings_account_count(settings);
    (void)printf("configuration ok: %zu account%s, %zu webhook%s\n", accounts,
                 accounts == 1 ? "" : "s", webhooks, webhooks == 1 ? "" : "s");
}

/* True when the configuration is good. What is wrong, or only strange, has been told. */
static bool load(enum program program, bool is_check, struct service_config *config,
                 struct settings **settings)
{
    struct faults faults = {0};
    bool is_config_good = service_config_load(config, program, environ, &faults);
    /* In any case: all faults are told at once. */
    *settings = settings_load(config, environ, &faults);
    bool is_good = is_config_good && *settings != NULL;
    if (is_good) {
        log_setup(programs[program].name, config->log_level, config->log_format);
    }
    faults_print(&faults);
    if (is_check || !is_good) {
        print_warnings(&faults);
    } else {
        log_warnings(&faults);
    }
    faults_clear(&faults);
    if (!is_good) {
        settings_unref(*settings);
        *settings = NULL;
        service_config_clear(config);
    }
    return is_good;
}

/* The exit code. Neither settings nor their secrets are read: this runs every few seconds. */
static int probe(enum program program, const char *path)
{
    struct service_config config = {0};
    struct faults faults = {0};
    int exit_code = EXIT_USAGE;
    if (service_config_load(&config, program, environ, &faults)) {
        exit_code =
            ops_probe(programs[program].name, &config.ops_listen, path) ? EXIT_OK : EXIT_FAILED;
    }
    faults_print(&faults);
    faults_clear(&faults);
    service_config_clear(&config);
    return exit_code;
}

bool command_line_start(enum program program, int argc, char **argv, struct service_config *config,
                        struct settings **settings, int *exit_code)
{
    enum action action = parse_arguments(argc, argv);
    *settings = NULL;
    *config = (struct service_config){0};
    *exit_code = EXIT_OK;
    switch (action) {
    case ACTION_REFUSE:
        print_usage(stderr, program);
        *exit_code = EXIT_USAGE;
        return false;
    case ACTION_HELP:
        print_help(program);
        *exit_code = end_output();
        return false;
    case ACTION_VERSION:
        (void)printf("%s %s\n", programs[program].name, OMNIHOOK_VERSION);
        *exit_code = end_output();
        return false;
    case ACTION_PROBE_HEALTH:
        *exit_code = probe(program, "/healthz");
        return false;
    case ACTION_PROBE_READY:
        *exit_code = probe(program, "/readyz");
        return false;
    case ACTION_CHECK:
    case ACTION_RUN:
        break;
    }
    forbid_core_dumps();
    allow_many_descriptors();
    if (!load(program, action == ACTION_CHECK, config, settings)) {
        *exit_code = EXIT_USAGE;
        return false;
    }
    if (action == ACTION_CHECK) {
        print_success(*settings);
        *exit_code = end_output();
        settings_unref(*settings);
        *settings = NULL;
        service_config_clear(config);
        return false;
    }
    return true;
}
