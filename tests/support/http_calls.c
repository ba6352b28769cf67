#include "tests/support/http_calls.h"

#include "common/mem.h"
#include "tests/support/http_pending.h"
#include "tests/support/test.h"

struct started {
    struct http_pending *pending;
    http_answered_fn *fn;
    void *arg;
    struct started *previous;
    struct started *next;
};

struct http_calls {
    CURLM *multi;
    struct started *first;
};

/* What curl's multi interface refuses is a fault of this file. */
static void must(CURLMcode code)
{
    assert_int_equal(code, CURLM_OK);
}

struct http_calls *http_calls_new(void)
{
    struct http_calls *calls = mem_new(1, sizeof *calls);
    calls->multi = curl_multi_init();
    assert_non_null(calls->multi);
    return calls;
}

/* Gives the answer of a call that has ended, and forgets the call. */
static struct http_answer *end_call(struct http_calls *calls, struct started *started,
                                    CURLcode result)
{
    if (started->previous == NULL) {
        calls->first = started->next;
    } else {
        started->previous->next = started->next;
    }
    if (started->next != NULL) {
        started->next->previous = started->previous;
    }
    must(curl_multi_remove_handle(calls->multi, started->pending->curl));
    struct http_answer *answer = http_pending_end(started->pending, result);
    mem_free(started);
    return answer;
}

void http_calls_free(struct http_calls *calls)
{
    if (calls == NULL) {
        return;
    }
    while (calls->first != NULL) {
        http_answer_free(end_call(calls, calls->first, CURLE_ABORTED_BY_CALLBACK));
    }
    must(curl_multi_cleanup(calls->multi));
    mem_free(calls);
}

void http_calls_start(struct http_calls *calls, const struct http_call *call, http_answered_fn *fn,
                      void *arg)
{
    struct started *started = mem_new(1, sizeof *started);
    *started = (struct started){
        .pending = http_pending_new(call), .fn = fn, .arg = arg, .next = calls->first};
    if (calls->first != NULL) {
        calls->first->previous = started;
    }
    calls->first = started;
    CURL *curl = started->pending->curl;
    /* On a used connection that has died curl would send the call again by itself. */
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_PRIVATE, started), CURLE_OK);
    must(curl_multi_add_handle(calls->multi, curl));
}

void http_calls_pump(struct http_calls *calls, int wait_ms)
{
    int running = 0;
    must(curl_multi_poll(calls->multi, NULL, 0, wait_ms, NULL));
    must(curl_multi_perform(calls->multi, &running));
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(calls->multi, &left); message != NULL;
         message = curl_multi_info_read(calls->multi, &left)) {
        /* The message is gone once its handle is removed. */
        CURLcode result = message->data.result;
        char *private = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct started *started = (struct started *)(void *)private;
        http_answered_fn *fn = started->fn;
        void *arg = started->arg;
        struct http_answer *answer = end_call(calls, started, result);
        fn(arg, answer);
        http_answer_free(answer);
    }
}
