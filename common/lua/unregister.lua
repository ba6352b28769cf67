-- UNREGISTER: ends the registration of a worker that stops, or that is known to be dead. With jobs
-- left in its list the lease ends now, and any take_back takes them.
--
-- KEYS  prefix
-- ARGV  worker
-- Returns ok

local worker = ARGV[1]
pass_full_memory()
call('HDEL', PREFIX .. 'watch', worker)
if call('EXISTS', PREFIX .. 'processing:' .. worker) == 1 then
    call('ZADD', PREFIX .. 'workers', 'XX', 0, worker)
else
    call('ZREM', PREFIX .. 'workers', worker)
    call('DEL', PREFIX .. 'worker:' .. worker)
end
return 'ok'
