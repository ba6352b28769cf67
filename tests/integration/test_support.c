/* The fixtures themselves: what they promise is what the other tests stand on. */
#include "common/mem.h"
#include "tests/support/http_call.h"
#include "tests/support/process.h"
#include "tests/support/raw_call.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/sockets.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 10000, SHORT_MS = 150 };

static void a_folder_is_private_and_goes_away_with_all_that_is_in_it(void **state)
{
    (void)state;
    struct temp_dir *dir = temp_dir_new();
    char *path = temp_dir_join(dir, "settings.json");
    temp_dir_replace_file(dir, "settings.json", "one");
    char *text = file_read_text(path);
    assert_string_equal(text, "one");
    mem_free(text);
    temp_dir_overwrite_file(dir, "settings.json", "two");
    text = file_read_text(path);
    assert_string_equal(text, "two");
    mem_free(text);
    temp_dir_free(dir);
    assert_false(file_exists(path));
    mem_free(path);
}

static struct process *start_shell(const struct temp_dir *dir, const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const env[] = {"GREETING=hello", NULL};
    struct process_options options = {.name = "shell", .argv = argv, .env = env, .dir = dir};
    return process_start(&options);
}

static void a_program_sees_only_the_environment_it_was_given(void **state)
{
    struct temp_dir *dir = *state;
    struct process *shell = start_shell(dir, "echo $GREETING; echo home=$HOME.; exit 3");
    assert_string_equal(process_wait_line(shell, PROCESS_STDOUT, "hello", LIMIT_MS), "hello");
    assert_string_equal(process_wait_line(shell, PROCESS_STDOUT, "home", LIMIT_MS), "home=.");
    assert_int_equal(process_wait_exit(shell, LIMIT_MS), 3);
    process_free(shell);
}

static void the_streams_of_a_program_are_captured_apart(void **state)
{
    struct temp_dir *dir = *state;
    struct process *shell = start_shell(dir, "echo out; echo err >&2");
    assert_int_equal(process_wait_exit(shell, LIMIT_MS), 0);
    char *out = process_read(shell, PROCESS_STDOUT);
    char *err = process_read(shell, PROCESS_STDERR);
    assert_string_equal(out, "out\n");
    assert_string_equal(err, "err\n");
    mem_free(out);
    mem_free(err);
    process_free(shell);
}

static void output_that_was_skipped_is_not_found_again(void **state)
{
    struct temp_dir *dir = *state;
    struct process *shell =
        start_shell(dir, "trap 'echo reloaded' HUP; echo ready; while :; do sleep 0.01; done");
    (void)process_wait_line(shell, PROCESS_STDOUT, "ready", LIMIT_MS);
    process_signal(shell, SIGHUP);
    (void)process_wait_line(shell, PROCESS_STDOUT, "reloaded", LIMIT_MS);
    process_skip_output(shell);
    assert_false(process_has_line(shell, PROCESS_STDOUT, "reloaded"));
    process_signal(shell, SIGHUP);
    (void)process_wait_line(shell, PROCESS_STDOUT, "reloaded", LIMIT_MS);
    process_free(shell);
}

static void the_signal_that_ended_a_program_is_told(void **state)
{
    struct temp_dir *dir = *state;
    struct process *shell = start_shell(dir, "exec sleep 60");
    assert_true(process_is_running(shell));
    process_signal(shell, SIGSTOP);
    assert_true(process_is_running(shell));
    process_kill(shell);
    assert_false(process_is_running(shell));
    assert_int_equal(process_wait_exit(shell, LIMIT_MS), -SIGKILL);
    process_free(shell);
}

static void values_are_read_from_both_log_formats(void **state)
{
    (void)state;
    char value[64];
    const char *logfmt = "level=info event=listening address=127.0.0.1:80 reason=\"two words\"";
    const char *json = "{\"event\":\"listening\",\"address\":\"unix:/a b\",\"port\":80}";
    assert_string_equal(process_line_value(logfmt, "address", value, sizeof value), "127.0.0.1:80");
    assert_string_equal(process_line_value(logfmt, "reason", value, sizeof value), "two words");
    assert_string_equal(process_line_value(json, "address", value, sizeof value), "unix:/a b");
    assert_string_equal(process_line_value(json, "port", value, sizeof value), "80");
}

static void replies_come_as_texts_numbers_and_lists(void **state)
{
    struct redis_fixture *redis = *state;
    assert_null(redis_text(redis, "GET %s", "no such key"));
    redis_do(redis, "SET %s %s", "a key", "two words");
    assert_string_equal(redis_text(redis, "GET %s", "a key"), "two words");
    assert_int_equal(redis_int(redis, "INCRBY counter %d", 7), 7);
    assert_int_equal(redis_int(redis, "GET counter"), 7);
    redis_do(redis, "RPUSH list one two");
    const struct redis_list *list = redis_list(redis, "LRANGE list 0 -1");
    assert_int_equal(list->size, 2);
    assert_string_equal(list->items[1], "two");
    assert_non_null(strstr(redis_error(redis, "HGET list x"), "WRONGTYPE"));
}

static void a_killed_server_without_persistence_comes_back_empty(void **state)
{
    struct redis_fixture *redis = *state;
    redis_do(redis, "SET here 1");
    redis_fixture_kill(redis);
    assert_int_equal(socket_connect(redis_fixture_address(redis)), -1);
    redis_fixture_start(redis);
    assert_null(redis_text(redis, "GET here"));
}

static void a_killed_server_with_an_append_only_file_keeps_its_data(void **state)
{
    (void)state;
    const char *const args[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    struct redis_fixture_options options = {.args = args};
    struct redis_fixture *redis = redis_fixture_new(&options);
    redis_do(redis, "SET here 1");
    redis_fixture_kill(redis);
    redis_fixture_start(redis);
    assert_int_equal(redis_int(redis, "GET here"), 1);
    redis_fixture_stop(redis);
    redis_fixture_start(redis);
    assert_int_equal(redis_int(redis, "GET here"), 1);
    redis_fixture_free(redis);
}

static void a_server_on_tcp_asks_for_its_password(void **state)
{
    (void)state;
    struct redis_fixture_options options = {.is_tcp = true, .password = "sesame"};
    struct redis_fixture *redis = redis_fixture_new(&options);
    char expected[SOCKET_ADDRESS_SIZE + 32];
    (void)snprintf(expected, sizeof expected, "redis://:sesame@%s/0", redis_fixture_address(redis));
    assert_string_equal(redis_fixture_url(redis), expected);
    assert_string_equal(redis_text(redis, "PING"), "PONG");
    struct raw_call *stranger = raw_call_open(redis_fixture_address(redis));
    assert_true(raw_call_send_text(stranger, "PING\r\n"));
    assert_non_null(strstr(raw_call_receive(stranger, "\r\n", LIMIT_MS), "NOAUTH"));
    raw_call_close(stranger);
    redis_fixture_free(redis);
}

static void a_paused_server_takes_connections_and_does_not_answer(void **state)
{
    struct redis_fixture *redis = *state;
    redis_fixture_pause(redis);
    struct raw_call *raw = raw_call_open(redis_fixture_address(redis));
    assert_true(raw_call_send_text(raw, "PING\r\n"));
    assert_string_equal(raw_call_receive(raw, "PONG", SHORT_MS), "");
    assert_false(raw_call_is_closed(raw));
    redis_fixture_resume(redis);
    assert_string_equal(raw_call_receive(raw, "PONG", LIMIT_MS), "+PONG\r\n");
    raw_call_close(raw);
}

static bool nobody_listens(void *address)
{
    int fd = socket_connect(address);
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd < 0;
}

static void what_a_test_started_does_not_outlive_it(void **state)
{
    struct temp_dir *dir = *state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t other_test = fork();
    if (other_test == 0) {
        (void)setenv("TMPDIR", temp_dir_path(dir), 1);
        struct redis_fixture *redis = redis_fixture_new(NULL);
        const char *address = redis_fixture_address(redis);
        (void)!write(told[1], address, strlen(address));
        (void)pause();
    }
    (void)close(told[1]);
    char address[SOCKET_ADDRESS_SIZE] = "";
    assert_true(read(told[0], address, sizeof address - 1) > 0);
    assert_false(nobody_listens(address));
    assert_int_equal(kill(other_test, SIGKILL), 0);
    assert_becomes_true(nobody_listens, address, LIMIT_MS);
    (void)waitpid(other_test, NULL, 0);
    (void)close(told[0]);
}

static void a_call_to_nobody_has_no_status_but_a_reason(void **state)
{
    struct temp_dir *dir = *state;
    char address[SOCKET_ADDRESS_SIZE];
    (void)snprintf(address, sizeof address, "unix:%s/nobody.sock", temp_dir_path(dir));
    struct http_call call = {.address = address, .path = "/"};
    struct http_answer *answer = http_call(&call);
    assert_int_equal(answer->status, 0);
    assert_string_not_equal(answer->error, "");
    assert_string_equal(answer->body, "");
    http_answer_free(answer);
}

/* A server of one answer, which prints the request on its stderr. */
static struct process *start_one_answer_server(const struct temp_dir *dir, const char *path)
{
    static const char script[] =
        "import socket, sys\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        "listener.bind(sys.argv[1])\n"
        "listener.listen(1)\n"
        "print('ready', flush=True)\n"
        "client = listener.accept()[0]\n"
        "request = b''\n"
        "while not request.endswith(b'\\r\\n\\r\\n{}'):\n"
        "    request += client.recv(65536)\n"
        "sys.stderr.write(request.decode())\n"
        "client.sendall(b'HTTP/1.1 409 Conflict\\r\\nX-Colour:  blue\\r\\n'\n"
        "               b'Content-Length: 15\\r\\n\\r\\n{\"result\":\"ok\"}')\n";
    const char *const argv[] = {"python3", "-c", script, path, NULL};
    struct process_options options = {.name = "server", .argv = argv, .dir = dir};
    struct process *server = process_start(&options);
    (void)process_wait_line(server, PROCESS_STDOUT, "ready", LIMIT_MS);
    return server;
}

static void an_answer_has_its_status_headers_and_json(void **state)
{
    struct temp_dir *dir = *state;
    char address[SOCKET_ADDRESS_SIZE];
    (void)snprintf(address, sizeof address, "unix:%s/http.sock", temp_dir_path(dir));
    struct process *server = start_one_answer_server(dir, address + strlen("unix:"));

    const char *const headers[] = {"Authorization: Token abc", NULL};
    struct http_call call = {.method = "PUT",
                             .address = address,
                             .path = "/a/../b/?q=1",
                             .headers = headers,
                             .body = "{}"};
    struct http_answer *answer = http_call(&call);
    assert_int_equal(answer->status, 409);
    assert_string_equal(http_answer_text(answer, "result"), "ok");
    char *colour = http_answer_header(answer, "x-COLOUR");
    assert_string_equal(colour, "blue");
    mem_free(colour);
    assert_null(http_answer_header(answer, "X-Col"));
    http_answer_free(answer);

    assert_int_equal(process_wait_exit(server, LIMIT_MS), 0);
    char *request = process_read(server, PROCESS_STDERR);
    assert_non_null(strstr(request, "PUT /a/../b/?q=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(request, "Authorization: Token abc\r\n"));
    mem_free(request);
    process_free(server);
}

static int make_dir(void **state)
{
    *state = temp_dir_new();
    return 0;
}

static int remove_dir(void **state)
{
    temp_dir_free(*state);
    return 0;
}

static int start_redis(void **state)
{
    *state = redis_fixture_new(NULL);
    return 0;
}

static int stop_redis(void **state)
{
    redis_fixture_free(*state);
    return 0;
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
#define WITH_REDIS(test) cmocka_unit_test_setup_teardown(test, start_redis, stop_redis)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_private_and_goes_away_with_all_that_is_in_it),
        WITH_DIR(a_program_sees_only_the_environment_it_was_given),
        WITH_DIR(the_streams_of_a_program_are_captured_apart),
        WITH_DIR(output_that_was_skipped_is_not_found_again),
        WITH_DIR(the_signal_that_ended_a_program_is_told),
        cmocka_unit_test(values_are_read_from_both_log_formats),
        WITH_REDIS(replies_come_as_texts_numbers_and_lists),
        WITH_REDIS(a_killed_server_without_persistence_comes_back_empty),
        cmocka_unit_test(a_killed_server_with_an_append_only_file_keeps_its_data),
        cmocka_unit_test(a_server_on_tcp_asks_for_its_password),
        WITH_REDIS(a_paused_server_takes_connections_and_does_not_answer),
        WITH_DIR(what_a_test_started_does_not_outlive_it),
        WITH_DIR(a_call_to_nobody_has_no_status_but_a_reason),
        WITH_DIR(an_answer_has_its_status_headers_and_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
