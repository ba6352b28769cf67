-- PROMOTE: puts jobs whose wait is over at the end of the queue.
--
-- KEYS  prefix
-- ARGV  most elements to look at
-- Returns how many it looked at.

local now = now_ms()
local delayed = PREFIX .. 'delayed'
local due = call('ZRANGEBYSCORE', delayed, '-inf', whole(now), 'LIMIT', 0, ARGV[1])
for _, element in ipairs(due) do
    call('ZREM', delayed, element)
    local account, ctl = own_job(element, now)
    if account and ctl.phase == 'retrying' then
        to_queue(account, ctl, 'LPUSH', now)
    end
end
return #due
