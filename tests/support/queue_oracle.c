#include "tests/support/queue_oracle.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENDED_MAX = 1000 };

struct account {
    const char *name;
    unsigned version; /* of the settings: each execute follows a change */
    unsigned settled; /* the newest version that was run to an end, or aborted */
    unsigned covered; /* the version that the job's last run read */
    bool is_working;
    char state[16];
    char job[RANDOM_ID_SIZE];
    int64_t rev;
    int64_t tries;
    size_t ended_count;
    char ended[ENDED_MAX][RANDOM_ID_SIZE]; /* jobs */
};

struct queue_oracle {
    struct queue_desk *desk; /* borrowed */
    enum oracle_mode mode;
    size_t count;
    struct account *accounts; /* owned */
};

/* For each account of ARGV from the second on: what is wrong (or ""), state, job, rev. ARGV[1]: the
   most copies of an element. */
static const char check_script[] =
    "local P, call = KEYS[1], redis.call\n"
    "local function times(list, elem)\n"
    "  local n = 0\n"
    "  for _, e in ipairs(call('LRANGE', list, 0, -1)) do if e == elem then n = n + 1 end end\n"
    "  return n\n"
    "end\n"
    "local function wrong(a, s, c)\n"
    "  local works = s.state == 'WORKING'\n"
    "  if (call('SISMEMBER', P .. 'active', a) == 1) ~= works then return 'active is wrong' end\n"
    "  if (s.phase or '') ~= (c.phase or '') then return 'two phases' end\n"
    "  if works == ((c.phase or '') == '') then return 'phase of an ended job' end\n"
    "  if (c.claim or '') ~= '' and c.phase ~= 'running' then return 'claim without a run' end\n"
    "  for _, k in ipairs({'status:', 'ctl:'}) do\n"
    "    local ttl = call('TTL', P .. k .. a)\n"
    "    if works and ttl ~= -1 then return k .. ' expires in mid-run' end\n"
    "    if not works and ttl == -1 then return k .. ' never expires' end\n"
    "  end\n"
    "  c.elem = '{\"id\":\"' .. (c.job or '') .. '\",\"account\":\"' .. a\n"
    "    .. '\",\"action\":\"execute\",\"enqueued_at\":\"' .. (c.enqueued_at or '') .. '\"}'\n"
    "  local queued = times(P .. 'queue', c.elem)\n"
    "  local delayed = call('ZSCORE', P .. 'delayed', c.elem or '') and 1 or 0\n"
    "  local held, own = 0, 0\n"
    "  for _, list in ipairs(call('KEYS', P .. 'processing:*')) do\n"
    "    local n = times(list, c.elem)\n"
    "    held = held + n\n"
    "    if list == P .. 'processing:' .. (c.worker or '') then own = n end\n"
    "  end\n"
    "  local places = queued + delayed + held\n"
    "  if works and (places < 1 or places > tonumber(ARGV[1])) then\n"
    "    return 'in ' .. places .. ' places'\n"
    "  end\n"
    "  if c.phase == 'queued' and queued + held == 0 then return 'not queued' end\n"
    "  if c.phase == 'running' and own == 0 then return 'not in its worker\\'s list' end\n"
    "  if c.phase == 'retrying' and delayed == 0 then return 'not in delayed' end\n"
    "  if not works and ARGV[1] == '1' and queued + delayed > 0 then return 'left over' end\n"
    "  return ''\n"
    "end\n"
    "local function hash(name)\n"
    "  local flat, h = call('HGETALL', P .. name), {}\n"
    "  for i = 1, #flat, 2 do h[flat[i]] = flat[i + 1] end\n"
    "  return h\n"
    "end\n"
    "local answer = {}\n"
    "for i = 2, #ARGV do\n"
    "  local s = hash('status:' .. ARGV[i])\n"
    "  answer[#answer + 1] = s.state and wrong(ARGV[i], s, hash('ctl:' .. ARGV[i])) or ''\n"
    "  answer[#answer + 1] = s.state or 'READY'\n"
    "  answer[#answer + 1] = s.job or ''\n"
    "  answer[#answer + 1] = s.rev or '0'\n"
    "end\n"
    "return answer\n";

struct queue_oracle *queue_oracle_new(struct queue_desk *desk, const char *const *accounts,
                                      size_t count)
{
    struct queue_oracle *oracle = mem_new(1, sizeof *oracle);
    oracle->desk = desk;
    oracle->count = count;
    oracle->accounts = mem_new(count, sizeof *oracle->accounts);
    for (size_t i = 0; i < count; i++) {
        oracle->accounts[i].name = accounts[i];
    }
    return oracle;
}

void queue_oracle_free(struct queue_oracle *oracle)
{
    if (oracle != NULL) {
        mem_free(oracle->accounts);
        mem_free(oracle);
    }
}

void queue_oracle_set_mode(struct queue_oracle *oracle, enum oracle_mode mode)
{
    oracle->mode = mode;
}

static struct account *find(struct queue_oracle *oracle, const char *name)
{
    for (size_t i = 0; i < oracle->count; i++) {
        if (strcmp(oracle->accounts[i].name, name) == 0) {
            return &oracle->accounts[i];
        }
    }
    fail_because("no account is called %s", name);
}

void queue_oracle_enqueue(struct queue_oracle *oracle, const char *account)
{
    find(oracle, account)->version++;
}

void queue_oracle_aborted(struct queue_oracle *oracle, const char *name)
{
    struct account *account = find(oracle, name);
    account->settled = account->version;
}

static bool has_ended(const struct account *account, const char *job)
{
    for (size_t i = 0; i < account->ended_count; i++) {
        if (strcmp(account->ended[i], job) == 0) {
            return true;
        }
    }
    return false;
}

void queue_oracle_claimed(struct queue_oracle *oracle, const struct job_claim *claim)
{
    if (oracle->mode == ORACLE_ROLLED) {
        return;
    }
    struct account *account = find(oracle, claim->account);
    if (strcmp(account->job, claim->job) != 0 || has_ended(account, claim->job)) {
        fail_because("%s: job %s runs again", account->name, claim->job);
    }
    if (account->settled == account->version) {
        fail_because("%s: a run that nobody asked for", account->name);
    }
    if (claim->attempt != account->tries + 1) {
        fail_because("%s: attempt %d after %d failures", account->name, (int)claim->attempt,
                     (int)account->tries);
    }
    account->covered = account->version;
}

void queue_oracle_finished(struct queue_oracle *oracle, const struct job_claim *claim,
                           enum run_outcome outcome, enum job_end end)
{
    struct account *account = find(oracle, claim->account);
    if (outcome == RUN_RETRY && end == JOB_RETRYING) {
        account->tries++;
    } else if (outcome == RUN_RETRY && end == JOB_REQUEUED) {
        account->tries = 0; /* an execute came in between: all attempts again */
    }
}

static void job_ended(struct account *account)
{
    assert_true(account->ended_count < ENDED_MAX);
    memcpy(account->ended[account->ended_count++], account->job, sizeof account->job);
    if (account->settled < account->covered) {
        account->settled = account->covered;
    }
}

static void check_account(struct account *account, const char *state, const char *job, int64_t rev)
{
    bool is_same_job = strcmp(account->job, job) == 0;
    bool is_working = strcmp(state, "WORKING") == 0;
    if (rev < account->rev) {
        fail_because("%s: rev fell", account->name);
    }
    if (rev == account->rev && (!is_same_job || strcmp(state, account->state) != 0)) {
        fail_because("%s: a change without a rev", account->name);
    }
    if (is_same_job && !account->is_working && strcmp(state, account->state) != 0 &&
        account->state[0] != '\0') {
        fail_because("%s: an ended job came back", account->name);
    }
    if (account->is_working && (!is_same_job || !is_working)) {
        job_ended(account);
    }
    if (!is_same_job) {
        if (has_ended(account, job)) {
            fail_because("%s: job %s came back", account->name, job);
        }
        account->tries = 0;
        account->covered = 0;
        (void)snprintf(account->job, sizeof account->job, "%s", job);
    }
    account->is_working = is_working;
    account->rev = rev;
    (void)snprintf(account->state, sizeof account->state, "%s", state);
    if (account->settled < account->version && !is_working) {
        fail_because("%s: %s, but version %u was asked for and %u is the last that was settled",
                     account->name, state, account->version, account->settled);
    }
}

void queue_oracle_check(struct queue_oracle *oracle)
{
    if (oracle->mode == ORACLE_ROLLED) {
        return;
    }
    assert_int_equal(oracle->count, 3);
    const char *most_copies = oracle->mode == ORACLE_STRICT ? "1" : "1000";
    const struct redis_list *answer = redis_list(
        queue_desk_redis(oracle->desk), "EVAL %s 1 {t}: %s %s %s %s", check_script, most_copies,
        oracle->accounts[0].name, oracle->accounts[1].name, oracle->accounts[2].name);
    for (size_t i = 0; i < oracle->count; i++) {
        const char **row = answer->items + 4 * i;
        if (row[0][0] != '\0') {
            fail_because("%s: %s", oracle->accounts[i].name, row[0]);
        }
        if (strcmp(row[1], "READY") != 0) {
            check_account(&oracle->accounts[i], row[1], row[2], strtoll(row[3], NULL, 10));
        }
    }
}

bool queue_oracle_is_at_rest(struct queue_oracle *oracle)
{
    struct redis_fixture *redis = queue_desk_redis(oracle->desk);
    for (size_t i = 0; i < oracle->count; i++) {
        if (strcmp(desk_state(oracle->desk, oracle->accounts[i].name), "WORKING") == 0) {
            return false;
        }
    }
    return redis_int(redis, "EXISTS {t}:queue {t}:delayed {t}:active {t}:aborting") == 0;
}
