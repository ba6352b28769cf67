/* Every Redis key of the job machine, for C. The scripts (lua/prelude.lua) make the same names:
   change them together. All names of a namespace share the hash tag {namespace}, and so one slot of
   a clustered Redis. */
#ifndef OMNIHOOK_COMMON_QUEUE_KEYS_H
#define OMNIHOOK_COMMON_QUEUE_KEYS_H

enum queue_key {
    QUEUE_KEY_PREFIX,     /* "{ns}:", what all others begin with */
    QUEUE_KEY_QUEUE,      /* list: waiting elements, pushed left, taken right */
    QUEUE_KEY_DELAYED,    /* zset: waiting elements -> when they are due */
    QUEUE_KEY_ACTIVE,     /* set: accounts whose job has not ended */
    QUEUE_KEY_DEAD,       /* list: what failed, newest first */
    QUEUE_KEY_TOTALS,     /* hash: counters since ever */
    QUEUE_KEY_EVENTS,     /* channel: every change of state and progress, as JSON */
    QUEUE_KEY_HINTS,      /* of a worker; channel: accounts whose running job is to end */
    QUEUE_KEY_WORKERS,    /* zset: worker -> end of its lease */
    QUEUE_KEY_WORKER,     /* of a worker; hash: who it is and what it does */
    QUEUE_KEY_PROCESSING, /* of a worker; list: elements it holds */
    QUEUE_KEY_STATUS,     /* of an account; hash: what everybody may know of its job */
    QUEUE_KEY_HISTORY,    /* of an account; list: the last reports, newest first */
};

enum { QUEUE_KEY_SIZE = 512 };

/* Writes the name, 0-terminated, and returns text. of: the worker or account, NULL for the rest. A
   name that does not fit is a broken invariant: namespaces, accounts and workers are bounded. */
char *queue_key_print(char text[QUEUE_KEY_SIZE], const char *namespace_name, enum queue_key key,
                      const char *of);

#endif
