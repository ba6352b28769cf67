-- ABORT: ends the account's job. One that runs is told to end: the flag is durable, also when its
-- worker dies; the message on the channel of hints may be lost.
--
-- KEYS  prefix
-- ARGV  account, seconds that an ended status is remembered
-- Returns 1; 0 when there was nothing to end. What is booked ends with the job; an execute that
-- comes after the abort does not.

local account, ttl_s = ARGV[1], ARGV[2]
local now = now_ms()
local ctl = read_hash('ctl:' .. account)

if ctl.phase == 'queued' or ctl.phase == 'retrying' then
    -- An element that a worker has popped but not claimed is in neither: its claim will drop it.
    call('LREM', PREFIX .. 'queue', 1, ctl.elem)
    call('ZREM', PREFIX .. 'delayed', ctl.elem)
    end_job(account, ctl, 'ABORTED', '', 0, ttl_s, now)
    return 1
end

if ctl.phase == 'running' then
    pass_full_memory()
    call('HSET', PREFIX .. 'ctl:' .. account, 'abort', 1, 'next_id', '')
    call('SADD', PREFIX .. 'aborting', account)
    call('PUBLISH', PREFIX .. 'hints', account)
    call('PUBLISH', PREFIX .. 'events', '{"event":"abort","abort":"' .. account
        .. '","account":"' .. account .. '","job":"' .. ctl.job .. '","at":"' .. iso(now) .. '"}')
    return 1
end

return 0
