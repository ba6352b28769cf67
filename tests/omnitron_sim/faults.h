/* Scripted faults: which requests meet one, and what is then done instead. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_FAULTS_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_FAULTS_H

#include "common/error.h"
#include "tests/omnitron_sim/request.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* When the connection is closed. */
enum fault_close {
    CLOSE_NEVER,
    CLOSE_BEFORE, /* nothing is done, nothing is answered */
    CLOSE_AFTER,  /* the operation is done, nothing is answered */
    CLOSE_MID,    /* half of the body is sent */
};

struct fault_action {
    bool has_answer; /* status, body or json stand in for the real answer */
    bool is_applied; /* the real operation is done first */
    bool is_hanging; /* never answered; the connection stays open */
    int status;      /* 0: the real one, or 200 where the body is replaced */
    enum fault_close close;
    int64_t delay_ms;    /* added to the latency */
    int64_t drip_ms;     /* a byte each so many ms; 0: at once */
    int64_t truncate_at; /* bytes of body sent under the full Content-Length; -1: all */
    const char *body;    /* the four below: borrowed from the fault */
    json_t *json;        /* NULL when absent */
    json_t *headers;     /* NULL when absent */
};

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *faults);
void faults_remove_all(struct faults *faults);

/* Adds a fault, at the end, or in the place of the one with its name. */
bool faults_put(struct faults *faults, const json_t *spec, struct error *err) MUST_CHECK;

/* Finds the first fault that matches and is neither waiting out its skip nor used up, and counts
   the hit. Faults before it that match but still skip count one skip. Returns false when the
   request is to be served as usual. What *action borrows lasts until the faults change. */
bool faults_take(struct faults *faults, const struct request *request, const char *username,
                 struct fault_action *action);

/* The faults as they were given, with their "hits". The caller owns the array. */
json_t *faults_to_json(const struct faults *faults);

#endif
