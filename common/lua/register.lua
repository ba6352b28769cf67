-- REGISTER: starts the lease of a new worker.
--
-- KEYS  prefix
-- ARGV  worker, lease in ms, then names and values for worker:<worker>
-- Returns ok; lost when the name was in use and its lease has ended.

local worker, lease_ms = ARGV[1], tonumber(ARGV[2])
local workers = PREFIX .. 'workers'
local lease_end = tonumber(call('ZSCORE', workers, worker))
if lease_end == 0 then
    return 'lost'
end
pass_full_memory()
call('ZADD', workers, whole(now_ms() + lease_ms), worker)
call('HSET', PREFIX .. 'worker:' .. worker, unpack(ARGV, 3))
call('PEXPIRE', PREFIX .. 'worker:' .. worker, whole(4 * lease_ms))
watch_if_listening(worker)
return 'ok'
