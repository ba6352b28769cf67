/* Where the sockets that we listen on come from. The resolver is the test's own. */
#include "common/listen_socket.h"
#include "common/mem.h"
#include "tests/support/child.h"
#include "tests/support/sockets.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HUNG_S = 20, ROUNDS = 200, STARTERS = 4 };

/* ---- A resolver that knows one name ---- */

#define NOT_OF_THIS_HOST "192.0.2.1" /* RFC 5737 */

static const char *known[2]; /* its addresses, in the order of the answer */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved */
int getaddrinfo(const char *restrict host, const char *restrict port,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    (void)host;
    *found = NULL;
    for (size_t i = sizeof known / sizeof *known; i-- > 0;) {
        struct sockaddr_in *name = mem_new(1, sizeof *name);
        name->sin_family = AF_INET;
        name->sin_port = htons((uint16_t)strtol(port, NULL, 10));
        assert_int_equal(inet_pton(AF_INET, known[i], &name->sin_addr), 1);
        struct addrinfo *one = mem_new(1, sizeof *one);
        *one = (struct addrinfo){.ai_family = AF_INET,
                                 .ai_socktype = hints->ai_socktype,
                                 .ai_addr = (struct sockaddr *)name,
                                 .ai_addrlen = sizeof *name,
                                 .ai_next = *found};
        *found = one;
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    while (found != NULL) {
        struct addrinfo *next = found->ai_next;
        mem_free(found->ai_addr);
        mem_free(found);
        found = next;
    }
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void start_address(struct listen_address *address, const char *first, const char *second,
                          int port)
{
    char text[64];
    known[0] = first;
    known[1] = second;
    (void)snprintf(text, sizeof text, "two-addresses:%d", port);
    assert_true(listen_address_parse(address, text));
}

static void assert_listens_on(int descriptor, const char *host)
{
    char name[LISTEN_SOCKET_NAME_SIZE];
    assert_true(descriptor >= 0);
    assert_int_equal(strncmp(listen_socket_name(name, descriptor), host, strlen(host)), 0);
}

static void the_first_address_that_this_host_has_is_taken(void **state)
{
    (void)state;
    struct listen_address address;
    struct error err;
    start_address(&address, NOT_OF_THIS_HOST, "127.0.0.1", 0);
    int descriptor = listen_socket_open(&address, &err);
    assert_listens_on(descriptor, "127.0.0.1:");
    (void)close(descriptor);

    struct listen_sockets sockets;
    assert_true(listen_sockets_open(&sockets, &address, 2, &err));
    assert_listens_on(sockets.descriptors[0], "127.0.0.1:");
    assert_listens_on(sockets.descriptors[1], "127.0.0.1:");
    listen_sockets_close(&sockets);
    listen_address_clear(&address);
}

static void an_address_that_is_taken_is_not_passed_over(void **state)
{
    (void)state;
    char bound[SOCKET_ADDRESS_SIZE];
    int owner = socket_listen("127.0.0.1:0", bound);
    assert_true(owner >= 0);
    struct listen_address address;
    struct error err;
    start_address(&address, "127.0.0.1", "127.0.0.2",
                  (int)strtol(strrchr(bound, ':') + 1, NULL, 10));
    assert_int_equal(listen_socket_open(&address, &err), -1);
    assert_int_equal(err.code, ERROR_FULL);
    struct listen_sockets sockets;
    assert_false(listen_sockets_open(&sockets, &address, 2, &err));
    assert_int_equal(err.code, ERROR_FULL);
    listen_address_clear(&address);
    (void)close(owner);
}

/* ---- Unix sockets ---- */

struct place {
    struct temp_dir *dir;
    char *path;
    struct listen_address address;
};

static int set_up(void **state)
{
    struct place *place = mem_new(1, sizeof *place);
    char text[256];
    place->dir = temp_dir_new();
    place->path = temp_dir_join(place->dir, "api.sock");
    (void)snprintf(text, sizeof text, "unix:%s", place->path);
    assert_true(listen_address_parse(&place->address, text));
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    listen_address_clear(&place->address);
    mem_free(place->path);
    temp_dir_free(place->dir);
    mem_free(place);
    return 0;
}

static struct sockaddr_un name_of(const struct place *place)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    assert_true(strlen(place->path) < sizeof name.sun_path);
    memcpy(name.sun_path, place->path, strlen(place->path) + 1);
    return name;
}

static void a_socket_whose_owner_has_no_room_for_a_connection_is_in_use(void **state)
{
    const struct place *place = *state;
    const struct sockaddr_un name = name_of(place);
    int owner = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(owner, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(owner, 0), 0);
    int callers[8];
    size_t count = 0;
    do {
        assert_true(count < sizeof callers / sizeof *callers);
        callers[count] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(fcntl(callers[count], F_SETFL, O_NONBLOCK), 0);
    } while (connect(callers[count++], (const struct sockaddr *)&name, sizeof name) == 0);
    assert_int_equal(errno, EAGAIN);

    struct error err;
    (void)alarm(HUNG_S);
    assert_int_equal(listen_socket_open(&place->address, &err), -1);
    (void)alarm(0);
    assert_int_equal(err.code, ERROR_FULL);
    assert_true(file_exists(place->path));
    while (count > 0) {
        (void)close(callers[--count]);
    }
    (void)close(owner);
}

static void a_file_that_is_left_over_is_replaced(void **state)
{
    const struct place *place = *state;
    const struct sockaddr_un name = name_of(place);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (const struct sockaddr *)&name, sizeof name), 0);
    (void)close(dead);
    struct error err;
    int descriptor = listen_socket_open(&place->address, &err);
    assert_true(descriptor >= 0);
    int caller = socket_connect(place->address.text);
    assert_true(caller >= 0);
    (void)close(caller);
    listen_socket_remove(&place->address);
    assert_false(file_exists(place->path));
    (void)close(descriptor);
}

/* In a process of its own: starts when it is told, tells whether it listens, and stays. */
static pid_t fork_starter(const struct place *place, int ear)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0) {
        assert_true(pid > 0);
        return pid;
    }
    child_begin(parent, ear, -1);
    char byte = 0;
    struct error err;
    if (read(ear, &byte, 1) != 1) {
        _exit(1);
    }
    byte = listen_socket_open(&place->address, &err) >= 0 ? 'y' : 'n';
    if (write(ear, &byte, 1) != 1) {
        _exit(1);
    }
    (void)pause();
    _exit(1);
}

/* Each dies without removing its file. */
static void of_several_that_start_at_once_one_has_the_socket(void **state)
{
    const struct place *place = *state;
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        pid_t starters[STARTERS];
        for (size_t i = 0; i < STARTERS; i++) {
            starters[i] = fork_starter(place, ends[1]);
        }
        char words[STARTERS] = {0};
        assert_int_equal(write(ends[0], words, sizeof words), sizeof words);
        assert_int_equal(recv(ends[0], words, sizeof words, MSG_WAITALL), sizeof words);
        int listening = 0;
        for (size_t i = 0; i < STARTERS; i++) {
            listening += words[i] == 'y';
        }
        assert_int_equal(listening, 1);
        int caller = socket_connect(place->address.text);
        assert_true(caller >= 0);
        (void)close(caller);
        for (size_t i = 0; i < STARTERS; i++) {
            (void)kill(starters[i], SIGKILL);
            assert_int_equal(waitpid(starters[i], NULL, 0), starters[i]);
        }
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_address_that_this_host_has_is_taken),
        cmocka_unit_test(an_address_that_is_taken_is_not_passed_over),
        cmocka_unit_test_setup_teardown(a_socket_whose_owner_has_no_room_for_a_connection_is_in_use,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_left_over_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_several_that_start_at_once_one_has_the_socket, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
