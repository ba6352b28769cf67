/* Errors that Redis answers with, as words for an operator. The connection stays up, so nothing
   else would say why calls fail. */
#include "common/job_queue_internal.h"

#include "common/log.h"
#include "common/now.h"

#include <stdio.h>
#include <string.h>

/* An error may come with each call: one is told now and then. */
enum { APART_MS = 5000, KEYS_MAX = 20000 };

static void settle_types(struct queue_call *call, const struct redis_reply *reply,
                         const struct error *why_not)
{
    struct job_queue *queue = call->queue;
    if (why_not != NULL) {
        return;
    }
    (void)snprintf(queue->types_cursor, sizeof queue->types_cursor, "%s",
                   queue_reply_word(reply, 0));
    for (size_t i = 1; i + 2 < redis_reply_count(reply); i += 3) {
        log_error("redis_wrong_type", log_text("key", queue_reply_word(reply, i)),
                  log_text("type", queue_reply_word(reply, i + 1)),
                  log_text("expected", queue_reply_word(reply, i + 2)));
    }
}

/* Redis does not say which key it met. */
static void find_wrong_types(struct job_queue *queue)
{
    struct queue_call *call = queue_call_new(queue, settle_types, NULL);
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_TYPES, &command);
    redis_command_add(&command, queue->types_cursor);
    redis_command_add_int(&command, KEYS_MAX);
    queue_script_send(call, SCRIPT_TYPES, &command, queue->client);
}

void queue_note_error(struct job_queue *queue, const struct redis_client *client,
                      const struct error *why_not)
{
    bool is_answer = why_not->code == ERROR_REFUSED || why_not->code == ERROR_UNAUTHORIZED ||
                     why_not->code == ERROR_FULL || why_not->code == ERROR_UNAVAILABLE;
    int64_t now_ms = now_mono_ms();
    if (!is_answer || !redis_client_is_up(client) || now_ms < queue->note_due_ms) {
        return;
    }
    queue->note_due_ms = now_ms + APART_MS;
    log_error("redis_refused", log_reason(why_not));
    if (strstr(why_not->text, "WRONGTYPE") != NULL) {
        find_wrong_types(queue);
    }
}
