-- ABORT: ends the account's job. One that runs is told to end: the flag is durable, also when its
-- worker dies; the message on the worker's channel may be lost.
--
-- KEYS  prefix
-- ARGV  account, seconds that an ended status is remembered
-- Returns 1; 0 when there was nothing to end. What is booked ends with the job; an execute that
-- comes after the abort does not.
--
-- A list is searched element by element, so a waiting job's element is looked for only among the
-- SEARCH_MAX at either end of the queue. One that waits further inside stays behind as a stale
-- element: it is no job any more, counts towards the queue's cap, and its claim drops it.

-- Far more than a busy queue moves on while somebody reaches for abort; 20 us to look through.
local SEARCH_MAX = 1000
local STALE_TTL_S = 2592000 -- 30 days

local account, ttl_s = ARGV[1], ARGV[2]
local now = now_ms()
local ctl = read_ctl(account)

-- False: it is further inside, or a worker has popped it and its claim is under way.
local function remove_from_queue(element)
    local queue = PREFIX .. 'queue'
    if call('LPOS', queue, element, 'RANK', -1, 'MAXLEN', SEARCH_MAX) then
        return call('LREM', queue, -1, element)
    end
    return call('LPOS', queue, element, 'MAXLEN', SEARCH_MAX) and call('LREM', queue, 1, element)
end

if ctl.phase == 'queued' or ctl.phase == 'retrying' then
    local is_stale = ctl.phase == 'queued' and not remove_from_queue(ctl.elem)
    -- Also when it is in neither list, so that the first write is a removal: see pass_full_memory.
    call('ZREM', PREFIX .. 'delayed', ctl.elem)
    end_job(account, ctl, 'ABORTED', '', 0, ttl_s, now)
    if is_stale then
        -- For as long as the element may come up, its claim must know whose it was, or it would
        -- take it for a foreign one.
        call('EXPIRE', PREFIX .. 'ctl:' .. account, math.max(ttl_s, STALE_TTL_S))
    end
    return 1
end

if ctl.phase == 'running' then
    pass_full_memory()
    call('HSET', PREFIX .. 'ctl:' .. account, 'abort', 1, 'next_id', '')
    call('SADD', PREFIX .. 'aborting', account)
    tell('hints:' .. ctl.worker, account)
    tell('events', '{"event":"abort","abort":"' .. account
        .. '","account":"' .. account .. '","job":"' .. ctl.job .. '","at":"' .. iso(now) .. '"}')
    return 1
end

return 0
