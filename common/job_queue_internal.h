/* What the parts of job_queue share: the scripts, and a call on its way. */
#ifndef OMNIHOOK_COMMON_JOB_QUEUE_INTERNAL_H
#define OMNIHOOK_COMMON_JOB_QUEUE_INTERNAL_H

#include "common/job_queue.h"
#include "common/redis_script.h"

enum queue_script {
    SCRIPT_ENQUEUE,
    SCRIPT_ABORT,
    SCRIPT_REPORT,
    SCRIPT_POP,
    SCRIPT_CLAIM,
    SCRIPT_REGISTER,
    SCRIPT_BEAT,
    SCRIPT_UNREGISTER,
    SCRIPT_PROGRESS,
    SCRIPT_FINISH,
    SCRIPT_PROMOTE,
    SCRIPT_TAKE_BACK,
    SCRIPT_WATCH,
    SCRIPT_TAKE_BACK_OWN,
    SCRIPT_AUDIT,
    SCRIPT_OVERVIEW,
    SCRIPT_LIST_WORKERS,
    SCRIPT_LIST_STATUSES,
    SCRIPT_LIST_DEAD,
    SCRIPT_DROP_DEAD,
    SCRIPT_LIST_ACTIVE,
    SCRIPT_FIND_DEAD,
    SCRIPT_LIST_HISTORY,
    SCRIPT_TYPES,
    QUEUE_SCRIPTS
};

struct job_queue {
    struct redis_client *client; /* borrowed */
    struct job_queue_options options;
    struct enqueue_batch *gathered; /* calls of this turn of the loop; NULL = none */
    struct event *end_of_turn;      /* sends them; NULL = each goes at once, alone */
    struct enqueue_batch *unshared; /* written, and not covered by the WAIT that is under way */
    bool is_waiting;                /* a WAIT is */
    char *namespace_name;           /* owned; options points to it */
    char prefix[QUEUE_KEY_SIZE];
    char queue_key[QUEUE_KEY_SIZE];
    char events_channel[QUEUE_KEY_SIZE];
    struct redis_script scripts[QUEUE_SCRIPTS];
    /* What Redis's clock and ours showed at the last take_back; 0 = there was none. */
    int64_t redis_ms;
    int64_t boot_ms;
    char types_cursor[24]; /* where the last search for keys of a wrong type stopped */
    int64_t note_due_ms;   /* mono: no error is logged before */
};

struct queue_call;
/* Reads the reply and tells the caller; why_not as in redis_reply_fn. */
typedef void queue_settle_fn(struct queue_call *call, const struct redis_reply *reply,
                             const struct error *why_not);

/* A call on its way; freed when settle has returned. */
struct queue_call {
    struct job_queue *queue;
    queue_settle_fn *settle;
    union {
        job_state_fn *state;
        job_aborted_fn *aborted;
        job_document_fn *document;
        job_popped_fn *popped;
        job_claimed_fn *claimed;
        job_done_fn *done;
        job_beaten_fn *beaten;
        job_finished_fn *finished;
        job_swept_fn *swept;
    } fn;
    void *arg;
    char token[RANDOM_ID_SIZE];    /* claim: what the answer's claim carries */
    struct redis_client *blocking; /* pop and enqueue: the client it was sent on */
    char *worker;                  /* pop; owned */
    int64_t boot_ms;               /* take_back: our clock when it was sent */
};

/* Sends what is gathered; or answers it with ERROR_CANCELLED. */
void queue_enqueue_flush(struct job_queue *queue);
void queue_enqueue_cancel(struct job_queue *queue);

struct queue_call *queue_call_new(struct job_queue *queue, queue_settle_fn *settle, void *arg);

/* Begins the script's command: its key is there, arguments are added by redis_command_add... */
void queue_script_begin(const struct job_queue *queue, enum queue_script script,
                        struct redis_command *command);

/* Sends the script, or a plain command, on client; call->settle gets the answer, once. */
void queue_script_send(struct queue_call *call, enum queue_script script,
                       const struct redis_command *command, struct redis_client *client);
void queue_command_send(struct queue_call *call, const struct redis_command *command,
                        struct redis_client *client, int64_t extra_ms);

/* Logs an error reply that came on client and left it up; when it is about a key of a wrong type,
   finds out which. At most now and then. */
void queue_note_error(struct job_queue *queue, const struct redis_client *client,
                      const struct error *why_not);

/* The text at index of an array reply; "" when there is none. */
const char *queue_reply_word(const struct redis_reply *reply, size_t index);

/* Tells call->fn.document of an answer that is a JSON document, or nil. */
void queue_settle_document(struct queue_call *call, const struct redis_reply *reply,
                           const struct error *why_not);

/* For an answer that our scripts do not give: fills err and returns it. */
const struct error *queue_reply_odd(struct error *err, const char *call);

/* Tells call->fn.done of an answer that is "ok", or "lost" for the reason lost_text. */
void queue_settle_done(struct queue_call *call, const struct redis_reply *reply,
                       const struct error *why_not, const char *lost_text);

#endif
