#include "tests/support/hostile.h"

#include "common/mem.h"
#include "common/random_id.h"
#include "common/strbuf.h"
#include "tests/support/certificate.h"
#include "tests/support/process.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_LIMIT_MS = 60000, STOP_LIMIT_MS = 60000, URL_SIZE = 128 };
#define HOUR_S 3600L

struct hostile {
    struct temp_dir *dir;
    struct process *process;
    char *ca_file;
    char http[URL_SIZE];
    char https[URL_SIZE];
};

uint64_t hostile_seed(void)
{
    const char *given = getenv("HOSTILE_SEED");
    uint64_t seed = given == NULL ? random_bits() : strtoull(given, NULL, 10);
    print_message("HOSTILE_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* All but the stranger's are trusted: so each is refused for its own reason. */
static void write_certificates(struct hostile *hostile)
{
    static const struct {
        const char *name;
        struct certificate_options options;
    } rows[] = {
        {"good", {"IP:127.0.0.1", -HOUR_S, HOUR_S}},
        {"other_host", {"DNS:other.example", -HOUR_S, HOUR_S}},
        {"expired", {"IP:127.0.0.1", -2 * HOUR_S, -HOUR_S}},
        {"stranger", {"IP:127.0.0.1", -HOUR_S, HOUR_S}},
    };
    struct strbuf trusted;
    strbuf_init(&trusted, SIZE_MAX / 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char file[32];
        certificate_write(hostile->dir, rows[i].name, &rows[i].options);
        (void)snprintf(file, sizeof file, "%s.crt", rows[i].name);
        char *path = temp_dir_join(hostile->dir, file);
        char *text = file_read_text(path);
        strbuf_add_text(&trusted, strcmp(rows[i].name, "stranger") == 0 ? "" : text);
        mem_free(text);
        mem_free(path);
    }
    temp_dir_replace_file(hostile->dir, "trusted.pem", trusted.bytes);
    strbuf_clear(&trusted);
    hostile->ca_file = temp_dir_join(hostile->dir, "trusted.pem");
}

struct hostile *hostile_start(uint64_t seed)
{
    struct hostile *hostile = mem_new(1, sizeof *hostile);
    hostile->dir = temp_dir_new();
    write_certificates(hostile);
    char number[32];
    (void)snprintf(number, sizeof number, "%" PRIu64, seed);
    const char *const argv[] = {TEST_BIN_DIR "/hostile-omnitron", number,
                                temp_dir_path(hostile->dir), NULL};
    const struct process_options options = {.name = "hostile", .argv = argv, .dir = hostile->dir};
    hostile->process = process_start(&options);
    const char *line =
        process_wait_line(hostile->process, PROCESS_STDOUT, "listening ", START_LIMIT_MS);
    char address[64];
    (void)snprintf(hostile->http, URL_SIZE, "http://%s",
                   process_line_value(line, "http", address, sizeof address));
    (void)snprintf(hostile->https, URL_SIZE, "https://%s",
                   process_line_value(line, "https", address, sizeof address));
    return hostile;
}

const char *hostile_url(const struct hostile *hostile, bool is_tls)
{
    return is_tls ? hostile->https : hostile->http;
}

const char *hostile_ca_file(const struct hostile *hostile)
{
    return hostile->ca_file;
}

static unsigned number_of(const char *line, const char *key)
{
    char value[32];
    return (unsigned)strtoul(process_line_value(line, key, value, sizeof value), NULL, 10);
}

struct hostile_end hostile_stop(struct hostile *hostile)
{
    assert_int_equal(process_stop(hostile->process, STOP_LIMIT_MS), 0);
    char *output = process_read(hostile->process, PROCESS_STDOUT);
    const char *line = strstr(output, "ended ");
    assert_non_null(line);
    const struct hostile_end end = {
        .connections = number_of(line, "connections"),
        .requests = number_of(line, "requests"),
        .faults = number_of(line, "faults"),
        .visits = number_of(line, "visits"),
    };
    if (end.faults > 0) {
        print_message("%s", output);
    }
    mem_free(output);
    process_free(hostile->process);
    temp_dir_free(hostile->dir);
    mem_free(hostile->ca_file);
    mem_free(hostile);
    return end;
}
