#include "tests/support/omnitron_call.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { HEADER_SIZE = 512 };

struct http_answer *omnitron_call(struct sim *sim, const char *token, const char *request,
                                  const char *body)
{
    char authorization[HEADER_SIZE];
    const char *const headers[] = {authorization, NULL};
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s",
                   token == NULL ? "" : token);
    const char *path = strchr(request, ' ');
    assert_non_null(path);
    char *method = mem_copy_bytes(request, (size_t)(path - request));
    struct http_answer *answer = http_call(&(struct http_call){
        .method = method,
        .address = sim_address(sim),
        .path = path + 1,
        .headers = token == NULL ? NULL : headers,
        .body = body,
    });
    mem_free(method);
    return answer;
}

void omnitron_expect(struct sim *sim, const char *token, const char *request, const char *body,
                     int status, const char *expected)
{
    struct http_answer *answer = omnitron_call(sim, token, request, body);
    json_t *wanted = expected == NULL ? NULL : json_loads(expected, JSON_DECODE_ANY, NULL);
    assert_true(expected == NULL || wanted != NULL);
    if (answer->status != status || (wanted != NULL && !json_equal(answer->json, wanted))) {
        fail_because("%s %s: %d %s%s\nexpected: %d %s", request, body == NULL ? "" : body,
                     answer->status, answer->body, answer->error, status,
                     expected == NULL ? "" : expected);
    }
    json_decref(wanted);
    http_answer_free(answer);
}

json_t *omnitron_read(struct sim *sim, const char *token, const char *path)
{
    char request[HEADER_SIZE];
    (void)snprintf(request, sizeof request, "GET %s", path);
    struct http_answer *answer = omnitron_call(sim, token, request, NULL);
    if (answer->status != 200 || answer->json == NULL) {
        fail_because("%s: %d %s%s", request, answer->status, answer->body, answer->error);
    }
    json_t *json = json_incref(answer->json);
    http_answer_free(answer);
    return json;
}

int omnitron_post_webhook(struct sim *sim, const char *token, const char *event_type,
                          const char *target_url)
{
    json_t *hook =
        json_pack("{s:s, s:s, s:{s:s, s:{s:i}}}", "event_type", event_type, "target_url",
                  target_url, "retry_countdown_config", "choice", "fixed", "kwargs", "seconds", 60);
    char *body = json_dumps(hook, JSON_COMPACT);
    struct http_answer *answer = omnitron_call(sim, token, "POST /whisperer/hooks/", body);
    int status = answer->status;
    http_answer_free(answer);
    mem_free(body);
    json_decref(hook);
    return status;
}
