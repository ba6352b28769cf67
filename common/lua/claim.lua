-- CLAIM: starts the run of an element that was popped into the worker's list. Everything that was
-- asked for until now is covered by this run; the worker reads the settings after the answer.
--
-- KEYS  prefix
-- ARGV  worker, element, token (random, new for each claim), attempts of a job
-- Returns {what, ...}:
--   run, account, job, attempt (1 = the first), recovered (0 or 1), age in ms, details of the job's
--         run before, as far as it has told (empty = none)
--   none  the element was no job to run, and is where it belongs; or it is not in the list
--   lost  the worker's lease has ended
-- A repeat with the same token gets the same answer.

local worker, element, token, attempts = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now = now_ms()
local processing = PREFIX .. 'processing:' .. worker

local account = parse_element(element)
local ctl = account and read_ctl(account) or {}
local attempt = (tonumber(ctl.tries) or 0) + 1

local function answer(is_first_run)
    local details = not is_first_run and call('GET', PREFIX .. 'report:' .. account)
    return {'run', account, ctl.job, attempt, tonumber(ctl.recovered) or 0,
        now - (tonumber(ctl.enqueued_ms) or now), details or ''}
end

if is_claimed_by(ctl.claim, token) then
    return answer(false)
end
if ctl.last_claim == token then
    return {'none'} -- it comes late: that run is over
end
local lease_end = tonumber(call('ZSCORE', PREFIX .. 'workers', worker))
if not lease_end or lease_end <= now then
    return {'lost'}
end

if ctl.elem == element and ctl.phase == 'queued' and call('LPOS', processing, element) then
    pass_full_memory()
    call('HSET', PREFIX .. 'ctl:' .. account, 'phase', 'running', 'claim', token, 'worker', worker,
        'attempts', attempts)
    local fields = {'worker', worker, 'attempt', attempt, 'next_attempt_at', ''}
    local is_first_run = (call('HGET', PREFIX .. 'status:' .. account, 'started_at') or '') == ''
    if is_first_run then
        fields[#fields + 1] = 'started_at' -- of the job
        fields[#fields + 1] = iso(now)
    end
    show(account, ctl.job, 'WORKING', 'running', now, fields)
    return answer(is_first_run)
end

-- A double, or foreign. But a claim that comes late must not remove what another claim of the same
-- worker runs by now.
local copies = #call('LPOS', processing, element, 'COUNT', 2)
if ctl.elem == element and ctl.phase == 'running' and ctl.worker == worker then
    copies = copies - 1
end
if copies > 0 then
    call('LREM', processing, 1, element)
    own_job(element, now)
end
return {'none'}
