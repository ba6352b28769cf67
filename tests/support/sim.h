/* The Omnitron simulator as a process, and its control interface (tests/omnitron_sim). */
#ifndef OMNIHOOK_TESTS_SUPPORT_SIM_H
#define OMNIHOOK_TESTS_SUPPORT_SIM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sim;

/* Starts the simulator with no user; it answers when this returns. The test fails otherwise. */
struct sim *sim_start(void);
void sim_stop(struct sim *sim); /* NULL is legal */
/* The fixtures of a group of tests whose state is a simulator. */
int sim_group_start(void **state);
int sim_group_stop(void **state);

/* "http://127.0.0.1:port", without a last slash; its address alone; its API root for settings:
   "http://127.0.0.1:port/api/v1/". */
const char *sim_url(const struct sim *sim);
const char *sim_address(const struct sim *sim);
const char *sim_api_url(const struct sim *sim);

pid_t sim_pid(const struct sim *sim);

/* SIGKILL: nobody listens at its address. SIGSTOP: connections are taken and nothing answers. */
void sim_kill(struct sim *sim);
void sim_pause(struct sim *sim);
void sim_resume(struct sim *sim);

/* A user of Omnitron's; a superuser sees the webhooks of all. */
void sim_add_user(struct sim *sim, const char *name, const char *password, const char *token,
                  bool is_superuser);

/* A person logs out: the user's token is not accepted until the next login. */
void sim_expire_token(struct sim *sim, const char *name);

/* Forgets users, webhooks, faults, counters and settings. */
void sim_reset(struct sim *sim);

/* JSON texts of the control interface: settings to change, a fault, webhooks that are there
   already. */
void sim_set(struct sim *sim, const char *settings);
void sim_fault(struct sim *sim, const char *fault);
void sim_clear_faults(struct sim *sim);

/* How many requests the fault with that name has met. */
int64_t sim_fault_hits(struct sim *sim, const char *name);

void sim_seed(struct sim *sim, const char *hooks);

/* The webhooks a user owns, inactive ones too; the array is to be json_decref'd. */
json_t *sim_hooks(struct sim *sim, const char *user);
size_t sim_hook_count(struct sim *sim, const char *user);
bool sim_has_hook(struct sim *sim, const char *user, const char *event_type,
                  const char *target_url);

/* What has been asked since the start or the last reset; to be json_decref'd. */
json_t *sim_counters(struct sim *sim);
void sim_reset_counters(struct sim *sim);

/* One counter of the top level: "logins", "duplicate_posts", "max_in_flight". Missing = 0. */
int64_t sim_counter(struct sim *sim, const char *name);

/* Requests of one route, e.g. "POST /whisperer/hooks/"; status 0 counts all its answers. */
int64_t sim_route_count(struct sim *sim, const char *route, int status);

#endif
