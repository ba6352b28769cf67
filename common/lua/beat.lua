-- BEAT: prolongs a worker's lease, and so the claims of all its runs.
--
-- KEYS  prefix
-- ARGV  worker, lease in ms, then names and values for worker:<worker>
-- Returns {ok, account...}: the accounts among its runs whose abort is asked for, at most 1000 at a
-- time; or {lost} when it is not registered, or its jobs are being taken back (lease end 0), with a
-- second word, early, when WATCH took it for dead although its lease would have held until now.
--
-- A lease that has run out, but that nobody has acted on, is prolonged: no other worker has touched
-- the jobs, and a jump of Redis's clock must not end all runs at once.

local worker, lease_ms = ARGV[1], tonumber(ARGV[2])
local workers = PREFIX .. 'workers'
local lease_end = tonumber(call('ZSCORE', workers, worker))
local now = now_ms()
if not lease_end or lease_end == 0 then
    local held_until = -(tonumber(call('HGET', PREFIX .. 'watch', worker)) or 0)
    if held_until <= now then
        return {'lost'}
    end
    pass_full_memory()
    call('HDEL', PREFIX .. 'watch', worker)
    count('watch_wrong')
    return {'lost', 'early'}
end
pass_full_memory()
call('ZADD', workers, 'XX', whole(now + lease_ms), worker)
call('HSET', PREFIX .. 'worker:' .. worker, unpack(ARGV, 3))
call('PEXPIRE', PREFIX .. 'worker:' .. worker, whole(4 * lease_ms))
watch_if_listening(worker)

local answer = {'ok'}
for _, account in ipairs(call('SRANDMEMBER', PREFIX .. 'aborting', 1000)) do
    local owner, abort = unpack(call('HMGET', PREFIX .. 'ctl:' .. account, 'worker', 'abort'))
    if abort ~= '1' then
        call('SREM', PREFIX .. 'aborting', account)
    elseif owner == worker then
        answer[#answer + 1] = account
    end
end
return answer
