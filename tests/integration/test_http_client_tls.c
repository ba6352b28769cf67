/* TLS: who is trusted, and how it is told that somebody is not. */
#include "common/http_client.h"
#include "common/mem.h"
#include "tests/support/certificate.h"
#include "tests/support/loop_until.h"
#include "tests/support/process.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000 };
#define HOUR_S 3600L

static const struct certificate_options right = {"IP:127.0.0.1", -HOUR_S, HOUR_S};

struct fixture {
    struct temp_dir *dir;
    struct process *server;
    struct loop *loop;
    struct http_client *client;
    char url[128];
    char *certificate; /* the server's: a path */

    unsigned done_count;
    int status;
    bool has_failed;
    struct http_failure failure;
};

static int set_up(void **state)
{
    struct fixture *f = mem_new(1, sizeof *f);
    f->dir = temp_dir_new();
    f->loop = loop_new();
    f->client = http_client_new(f->loop, 4);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_client_free(f->client);
    loop_free(f->loop);
    process_free(f->server);
    temp_dir_free(f->dir);
    mem_free(f->certificate);
    mem_free(f);
    return 0;
}

static void start_server(struct fixture *f, const struct certificate_options *options)
{
    certificate_write(f->dir, "server", options);
    f->certificate = temp_dir_join(f->dir, "server.crt");
    char *key = temp_dir_join(f->dir, "server.key");
    static const char program[] = TEST_BIN_DIR "/omnitron-sim";
    const char *argv[] = {program,        "--listen",  "127.0.0.1:0", "--tls-cert",
                          f->certificate, "--tls-key", key,           NULL};
    const struct process_options process = {.name = "sim", .argv = argv, .dir = f->dir};
    f->server = process_start(&process);
    mem_free(key);
    static const char told[] = "listening on ";
    const char *line = process_wait_line(f->server, PROCESS_STDOUT, told, LIMIT_MS);
    const char *url = strstr(line, told) + strlen(told);
    (void)snprintf(f->url, sizeof f->url, "%.*s/whisperer/hooks/",
                   (int)(strlen("https://") + strcspn(url + strlen("https://"), "/ ")), url);
}

static void on_done(void *arg, const struct http_response *response,
                    const struct http_failure *failure)
{
    struct fixture *f = arg;
    f->done_count++;
    f->status = response == NULL ? 0 : response->status;
    f->has_failed = failure != NULL;
    if (failure != NULL) {
        f->failure = *failure;
    }
}

static bool is_done(void *arg)
{
    return ((struct fixture *)arg)->done_count > 0;
}

static void call(struct fixture *f, const char *url, const char *ca_file)
{
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .headers = {"Authorization: Token t0ken"},
        .ca_file = ca_file,
        .connect_timeout_ms = 5000,
        .timeout_ms = 5000,
        .max_response_bytes = 65536,
    };
    f->done_count = 0;
    (void)http_client_send(f->client, &request, on_done, f);
    assert_loop_reaches(f->loop, is_done, f, LIMIT_MS);
}

static void expect_untrusted(const struct fixture *f, const char *words)
{
    assert_true(f->has_failed);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TLS);
    assert_false(f->failure.was_sent);
    if (strstr(f->failure.error.text, words) == NULL) {
        fail_msg("no \"%s\" in: %s", words, f->failure.error.text);
    }
}

static void a_server_of_the_given_authority_is_trusted(void **state)
{
    struct fixture *f = *state;
    start_server(f, &right);
    call(f, f->url, f->certificate);
    assert_int_equal(f->status, 401); /* the simulator's, over TLS */
}

static void an_unknown_authority_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    start_server(f, &right);
    call(f, f->url, NULL);
    expect_untrusted(f, "certificate");
}

static void an_authority_given_once_is_not_trusted_later(void **state)
{
    struct fixture *f = *state;
    start_server(f, &right);
    for (int i = 0; i < 3; i++) {
        call(f, f->url, f->certificate);
        assert_false(f->has_failed);
        call(f, f->url, NULL);
        expect_untrusted(f, "certificate");
    }
}

static void a_certificate_for_another_host_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    static const struct certificate_options other = {"DNS:other.example", -HOUR_S, HOUR_S};
    start_server(f, &other);
    call(f, f->url, f->certificate);
    expect_untrusted(f, "127.0.0.1");
}

static void an_expired_certificate_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    static const struct certificate_options expired = {"IP:127.0.0.1", -2 * HOUR_S, -HOUR_S};
    start_server(f, &expired);
    call(f, f->url, f->certificate);
    expect_untrusted(f, "expired");
}

static void a_file_of_authorities_that_is_missing_is_told(void **state)
{
    struct fixture *f = *state;
    start_server(f, &right);
    call(f, f->url, "/nowhere/ca.pem");
    expect_untrusted(f, "/nowhere/ca.pem");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_of_the_given_authority_is_trusted),
        TEST(an_unknown_authority_is_not_trusted),
        TEST(an_authority_given_once_is_not_trusted_later),
        TEST(a_certificate_for_another_host_is_not_trusted),
        TEST(an_expired_certificate_is_not_trusted),
        TEST(a_file_of_authorities_that_is_missing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
