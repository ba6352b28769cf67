-- WATCH: ends the leases of workers that are gone, long before they run out. Redis closes the
-- connections of a process that dies, and so sees at once that nobody listens on its channel.
--
-- KEYS  prefix
-- ARGV  for how many ms the caller's connection has lasted
-- Returns how many leases it ended: TAKE_BACK takes the jobs, as those of any dead worker.
--
-- The hash `watch` has the workers that BEAT found listening, each with one of
--   0          it listens
--   Redis ms   it does not, since then; a beat in between takes it out of the hash
--   -Redis ms  its lease was ended here, and would have held until then; BEAT counts wrong guesses
--
-- Absence proves nothing when all connections were lost at once, because Redis was restarted or
-- another has taken over, or when its clock was set. Then nobody's connection is old enough to look,
-- and the first look after such a gap gives everybody PATIENCE_MS to come back.

local PACE_MS = 250 -- between two looks, however many workers ask
local ABSENT_MS = 1000 -- a worker that lost its connection has made another by then
local GAP_MS = 2000 -- several looks have failed to come
local SETTLED_MS = 3000 -- more than GAP_MS, so that a restart leaves a gap
local PATIENCE_MS = 5000 -- the longest pause between two tries to connect (redis_client.c)

local connected_ms = tonumber(ARGV[1])
local now = now_ms()
local watch, workers = PREFIX .. 'watch', PREFIX .. 'workers'
local looked = tonumber(call('GET', PREFIX .. 'looked')) or 0
local is_gap = now < looked or now - looked > GAP_MS
if connected_ms < SETTLED_MS or (not is_gap and now - looked < PACE_MS) then
    return 0
end
pass_full_memory()
call('SET', PREFIX .. 'looked', whole(now))

local function end_lease(worker)
    local lease_end = tonumber(call('ZSCORE', workers, worker)) or 0
    if lease_end == 0 then
        call('HDEL', watch, worker) -- it is gone in another way
        return 0
    end
    call('ZADD', workers, 'XX', 0, worker)
    call('HSET', watch, worker, whole(-lease_end))
    count('watch_ended')
    return 1
end

local ended = 0
for worker, note in pairs(read_hash('watch')) do
    local since, listens = tonumber(note), is_listening(worker)
    if listens == nil then
        return ended -- nothing can be known
    elseif since < 0 then
        if -since < now then
            call('HDEL', watch, worker)
        end
    elseif listens then
        if since ~= 0 then
            call('HSET', watch, worker, 0)
        end
    elseif is_gap then
        call('HSET', watch, worker, whole(now + PATIENCE_MS))
    elseif since == 0 then
        call('HSET', watch, worker, whole(now))
    elseif now - since >= ABSENT_MS then
        ended = ended + end_lease(worker)
    end
end
return ended
