-- FINISH: settles a run.
--
-- KEYS  prefix
-- ARGV  account, token, outcome (ok, failed, retry, parked, released), reason (empty when ok),
--       delay in ms (parked: the wait; retry: a pause that Omnitron asked for), backoff in ms (retry),
--       greatest age of a job in ms, seconds that an ended status is remembered,
--       has_details (0 or 1), details, then names and values for the status
-- Returns finished, failed, aborted; retrying (waits for its next attempt); requeued (released, or
--       one more run was booked); lost when the token is not the account's claim: then only
--       `fenced` has changed. A repeat gets the same answer and changes nothing.

local account, token, outcome, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local delay_ms, backoff_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local max_age_ms, ttl_s = tonumber(ARGV[7]), ARGV[8]
local details = ARGV[9] == '1' and ARGV[10] or nil
local fields = {unpack(ARGV, 11)}
local now = now_ms()
local ctl_key = PREFIX .. 'ctl:' .. account
local ctl = read_ctl(account)

if not is_claimed_by(ctl.claim, token) then
    if token ~= '' and ctl.last_claim == token then
        return ctl.last_end
    end
    pass_full_memory()
    count('fenced')
    return 'lost'
end

local latest = (tonumber(ctl.enqueued_ms) or now) + max_age_ms
local is_booked = (ctl.next_id or '') ~= ''
local tries = (tonumber(ctl.tries) or 0) + (outcome == 'retry' and 1 or 0)
local pause_end = (outcome == 'retry' or outcome == 'parked') and delay_ms > 0 and now + delay_ms or 0

local function settle(answer, ...)
    call('HSET', ctl_key, 'last_claim', token, 'last_end', answer, ...)
    return answer
end

-- What the run did, for as long as the job has not ended.
local function keep_result()
    if details then
        call('SET', PREFIX .. 'report:' .. account, details)
    end
    call('HSET', PREFIX .. 'status:' .. account, 'error', reason, unpack(fields))
end

local function finish_job(state, why)
    end_job(account, ctl, state, why, pause_end, ttl_s, now, fields, details)
    return settle(is_booked and 'requeued' or state:lower(), 'recovered', '')
end

local function wait_until(due)
    if due > latest then
        return finish_job('FAILED', 'the job is too old to wait again; the last run said: ' .. reason)
    end
    to_delayed(account, ctl, due, pause_end > 0 and whole(pause_end) or '', now)
    return settle('retrying')
end

-- First a removal: see pass_full_memory. All copies: one that a hand added, and whose pop the worker
-- did not hear of, would stay.
call('LREM', PREFIX .. 'processing:' .. ctl.worker, 0, ctl.elem)
if ctl.abort == '1' and outcome ~= 'ok' then
    return finish_job('ABORTED', reason)
end
if outcome == 'ok' then
    return finish_job('FINISHED', '')
end
if outcome == 'failed' or (outcome == 'retry' and tries >= tonumber(ctl.attempts)) then
    return finish_job('FAILED', reason)
end

-- The job goes on.
keep_result()
if outcome == 'released' then
    to_queue(account, ctl, 'RPUSH', now)
    return settle('requeued')
end
if outcome == 'parked' then
    return wait_until(now + delay_ms)
end

-- outcome is retry, and an attempt is left.
count('retried')
call('HSET', ctl_key, 'tries', is_booked and 0 or tries, 'deaths', 0, 'recovered', '')
if is_booked and pause_end == 0 then
    to_queue(account, ctl, 'LPUSH', now)
    return settle('requeued')
end
return wait_until(math.max(pause_end, is_booked and 0 or now + backoff_ms))
