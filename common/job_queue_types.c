/* Keys of the namespace that another hand has made, of another type. */
#include "common/job_queue_internal.h"

#include "common/log.h"
#include "common/now.h"

#include <stdio.h>
#include <string.h>

/* The error may come with each call: the keys are looked for now and then. */
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

void queue_note_error(struct job_queue *queue, const struct error *why_not)
{
    bool is_wrong_type =
        why_not->code == ERROR_REFUSED && strstr(why_not->text, "WRONGTYPE") != NULL;
    int64_t now_ms = now_mono_ms();
    if (!is_wrong_type || now_ms < queue->types_due_ms) {
        return;
    }
    queue->types_due_ms = now_ms + APART_MS;
    struct queue_call *call = queue_call_new(queue, settle_types, NULL);
    struct redis_command command;
    queue_script_begin(queue, SCRIPT_TYPES, &command);
    redis_command_add(&command, queue->types_cursor);
    redis_command_add_int(&command, KEYS_MAX);
    queue_script_send(call, SCRIPT_TYPES, &command, queue->client);
}
