#include "tests/support/ops_call.h"

#include "tests/support/fail.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { START_LIMIT_MS = 60000, HEADER_SIZE = 256 };

const char ops_keys_entry[] = "OMNIHOOK_OPERATOR_KEYS=sha256:"
                              "9d7e6d5c144ee5fa02f877e8e7d3fef853b465293f2f6253184e89a2bd46d691";

const char *ops_address(struct stack *stack)
{
    static char address[SOCKET_ADDRESS_SIZE];
    const char *line = process_wait_line(stack_api(stack, 0), PROCESS_STDERR,
                                         "event=ops_listening ", START_LIMIT_MS);
    return process_line_value(line, "address", address, sizeof address);
}

struct http_answer *ops_call(struct stack *stack, const struct ops_call *call)
{
    char key[HEADER_SIZE];
    const char *headers[OPS_CALL_HEADERS_MAX + 3] = {NULL};
    size_t count = 0;
    bool has_type = false;
    for (size_t i = 0; i < OPS_CALL_HEADERS_MAX && call->headers[i] != NULL; i++) {
        has_type = has_type || strncmp(call->headers[i], "Content-Type:", 13) == 0;
        headers[count++] = call->headers[i];
    }
    if (call->key != NULL) {
        (void)snprintf(key, sizeof key, "Authorization: Token %s", call->key);
        headers[count++] = key;
    }
    if (call->body != NULL && !has_type) {
        headers[count++] = "Content-Type: application/json";
    }
    const char *method = call->method != NULL ? call->method : call->body != NULL ? "POST" : NULL;
    const struct http_call http = {.method = method,
                                   .address = ops_address(stack),
                                   .path = call->path,
                                   .headers = headers,
                                   .body = call->body};
    return http_call(&http);
}

int ops_status(struct stack *stack, const struct ops_call *call)
{
    struct http_answer *answer = ops_call(stack, call);
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

json_t *ops_read(struct stack *stack, const char *path)
{
    const struct ops_call call = {.path = path, .key = OPS_KEY};
    struct http_answer *answer = ops_call(stack, &call);
    if (answer->status != 200 || answer->json == NULL) {
        fail_because("%s: %d %s", path, answer->status, answer->body);
    }
    json_t *json = json_incref(answer->json);
    http_answer_free(answer);
    return json;
}

int ops_act(struct stack *stack, const char *path, const char *body)
{
    const struct ops_call call = {.path = path, .key = OPS_KEY, .body = body};
    return ops_status(stack, &call);
}
