-- TAKE_BACK: takes back the jobs of workers whose lease has ended, so that others run them.
--
-- KEYS  prefix
-- ARGV  lease in ms, grace in ms, what Redis's clock should show by the caller's own (empty when it
--       has nothing to compare with), most elements to move, seconds that an ended status is
--       remembered, greatest age of a job in ms, longest wait in ms before a second death's next run
-- Returns {moved, Redis ms, jump in ms}: jump is not 0 when Redis's clock was set, or another Redis
-- answers. Nobody can tell then whose lease has ended: all leases begin anew and nothing is moved.

local JUMP_MAX_MS = 5000

local lease_ms, grace_ms, expected, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3],
    tonumber(ARGV[4])
local now = now_ms()
local policy = {now = now, is_death = true, ttl_s = ARGV[5], max_age_ms = tonumber(ARGV[6]),
    backoff_ms = tonumber(ARGV[7])}
local workers = PREFIX .. 'workers'
-- Without a comparison of its own the caller still sees a clock that was set back.
local last_seen = tonumber(call('GET', PREFIX .. 'clock')) or 0
local jump = expected ~= '' and now - tonumber(expected) or math.min(0, now - last_seen)

pass_full_memory()
call('SET', PREFIX .. 'clock', whole(now))
if math.abs(jump) > JUMP_MAX_MS then
    for _, worker in ipairs(call('ZRANGEBYSCORE', workers, '(0', '+inf')) do
        call('ZADD', workers, 'XX', whole(now + lease_ms), worker)
    end
    count('clock_jumps')
    return {0, now, jump}
end

local moved = 0
local ended = call('ZRANGEBYSCORE', workers, '-inf', whole(now - grace_ms), 'LIMIT', 0, limit)
local function end_worker(worker)
    local processing = PREFIX .. 'processing:' .. worker
    -- From here on its BEAT is refused: with a part of its jobs gone it must not keep the rest.
    if call('ZADD', workers, 'XX', 'CH', 0, worker) == 1 then
        count('lease_ended')
    end
    -- The newest first, each to the head of the queue: the oldest comes to stand before all.
    local elements = moved < limit and call('LRANGE', processing, 0, limit - moved - 1) or {}
    for _, element in ipairs(elements) do
        take_back(worker, element, policy)
        moved = moved + 1
    end
    if call('EXISTS', processing) == 0 then
        call('ZREM', workers, worker)
        call('DEL', PREFIX .. 'worker:' .. worker)
    end
end
for _, worker in ipairs(ended) do
    pcall(end_worker, worker) -- one whose list another hand has spoilt stays, and the others go
end
return {moved, now, 0}
