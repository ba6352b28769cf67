-- What the scripts of the job machine share: it is in front of each of them, and in front of most is
-- prelude_rest.lua too.
-- docs/queue.md tells the states, the invariants and why.
--
-- KEYS[1] of every script is the prefix of the namespace, "{ns}:", and its only key. All names are
-- made from it, so all have one hash tag and one slot. common/queue_keys.c has the same names for C:
-- change them together.
--
-- ctl:<account> is the machine's own record of an account. Its fields:
--   phase        queued, running or retrying; empty when the job has ended
--   job          id of the current job; enqueued_at: its time as the element has it
--   attempts     how many the job may have; tries: how many have failed
--   deaths       workers that died with it since an attempt ended
--   recovered    1 from a worker's death until a run of the account has ended
--   claim        the running run's token; worker: whose list the element is in
--   last_claim   token of the last run that was settled, last_end: what that answered
--   next_id      id of the one more run that is booked while this one runs
--   abort        1 when the running job is to end
--   enqueued_ms, queued_ms, not_before    Redis ms: the job's start, the last push to the queue's end,
--                end of a pause that Omnitron asked for
-- No value is longer than 64 bytes (but a long worker's name): with one that is, Redis keeps a hash
-- in a form that takes more than twice the memory and time. So the element is made, not kept.
--
-- Rules for every script:
--   All checks come before the first write: an error half way leaves the earlier writes behind.
--   Time is Redis's, in ms, printed by whole(): tostring() would lose digits.
--   Sent twice is once.
--   Where it runs often, a number that never changes is written as text: Redis prints a Lua number
--   with %.17g, which takes some 2,000 instructions.

local call = redis.call
local PREFIX = KEYS[1]
local CTL_FIELDS = 13 -- that a job begins with

local function now_ms()
    local time = call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
    return string.format('%.0f', number)
end

-- ISO 8601 UTC. The calendar is Howard Hinnant's civil_from_days: years begin in March. Remembers
-- the last answer: scripts print the present more than once.
local iso_ms, iso_text
local function iso(ms)
    if ms == iso_ms then
        return iso_text
    end
    local days = math.floor(ms / 86400000)
    local rest = ms - days * 86400000
    local shifted = days + 719468
    local era = math.floor(shifted / 146097)
    local of_era = shifted - era * 146097
    local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524)
        - math.floor(of_era / 146096)) / 365)
    local of_year = of_era - 365 * year - math.floor(year / 4) + math.floor(year / 100)
    local month = math.floor((5 * of_year + 2) / 153)
    local day = of_year - math.floor((153 * month + 2) / 5) + 1
    month = month < 10 and month + 3 or month - 9
    year = year + era * 400 + (month <= 2 and 1 or 0)
    iso_ms = ms
    iso_text = string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
        math.floor(rest / 3600000), math.floor(rest / 60000) % 60, math.floor(rest / 1000) % 60,
        rest % 1000)
    return iso_text
end

-- At full memory Redis refuses a script whose first write may grow memory, but not one that begins
-- with a removal, even of nothing. The job machine must be able to drain itself.
local function pass_full_memory()
    call('DEL', PREFIX .. 'none')
end

local function read_hash(name)
    local flat, hash = call('HGETALL', PREFIX .. name), {}
    for i = 1, #flat, 2 do
        hash[flat[i]] = flat[i + 1]
    end
    return hash
end

-- The exact bytes of a job's element (LREM and ZREM need them).
local function element_of(account, job, enqueued_at)
    return '{"id":"' .. job .. '","account":"' .. account
        .. '","action":"execute","enqueued_at":"' .. enqueued_at .. '"}'
end

local function count(total)
    call('HINCRBY', PREFIX .. 'totals', total, '1')
end

-- News are a courtesy: where an ACL forbids the channels (as Redis 7 does for new users), the step is
-- taken all the same.
local function tell(channel, message)
    redis.pcall('PUBLISH', PREFIX .. channel, message)
end

-- Every write of the public status goes through here: rev grows and everybody is told. fields is a
-- flat list of names and values, more is added to the event. Returns rev.
local function show(account, job, state, phase, now, fields, more)
    local status = PREFIX .. 'status:' .. account
    local rev = call('HINCRBY', status, 'rev', '1')
    call('HSET', status, 'state', state, 'phase', phase, 'job', job, unpack(fields))
    tell('events', '{"event":"' .. (more and 'progress' or 'state')
        .. '","account":"' .. account .. '","job":"' .. job .. '","state":"' .. state
        .. '","phase":"' .. phase .. '","rev":' .. rev .. ',"at":"' .. iso(now) .. '"'
        .. (more or '') .. '}')
    return rev
end

-- Begins a job: in the queue, or while a pause holds (not_before lies ahead) in `delayed`. Its first
-- write may grow memory, so at full memory ENQUEUE is refused as a whole.
local function start_job(account, id, attempts, not_before, now)
    local at = iso(now)
    local element = element_of(account, id, at)
    local is_paused = not_before > now
    local phase = is_paused and 'retrying' or 'queued'
    local now_text = whole(now)
    local added = call('HSET', PREFIX .. 'ctl:' .. account, 'phase', phase, 'job', id,
        'enqueued_at', at, 'attempts', attempts, 'tries', '0', 'deaths', '0', 'claim', '',
        'worker', '', 'next_id', '', 'abort', '', 'enqueued_ms', now_text, 'queued_ms', now_text,
        'not_before', is_paused and whole(not_before) or '')
    -- HSET keeps the time to live of the ended job before this one; a key that is new has none.
    if added < CTL_FIELDS then
        call('PERSIST', PREFIX .. 'ctl:' .. account)
    end
    if is_paused then
        call('ZADD', PREFIX .. 'delayed', whole(not_before), element)
    else
        call('LPUSH', PREFIX .. 'queue', element)
    end
    call('SADD', PREFIX .. 'active', account)
    local rev = show(account, id, 'WORKING', phase, now, {'attempt', '0', 'worker', '',
        'done', '0', 'total', '0', 'created', '0', 'reactivated', '0', 'updated', '0',
        'already', '0', 'drifted', '0', 'failed', '0', 'error', '', 'enqueued_at', at,
        'started_at', '', 'finished_at', '', 'next_attempt_at', is_paused and iso(not_before) or ''})
    if rev > 1 then
        call('PERSIST', PREFIX .. 'status:' .. account)
    end
end

-- A run that somebody has asked for tries everything anew: what the job's runs before have told is
-- shown still, but is not of the settings that it will read.
local function start_over(account)
    local report = PREFIX .. 'report:' .. account
    local details = call('GET', report)
    if details then
        call('SET', report, (details:gsub('^"settings":"%x*"', '"settings":null')))
    end
end

-- Puts the job back on the queue: side RPUSH = taken next, LPUSH = at the end of the line. Its next
-- run covers what was booked, here and in to_delayed.
local function to_queue(account, ctl, side, now)
    call('HSET', PREFIX .. 'ctl:' .. account, 'phase', 'queued', 'claim', '', 'worker', '',
        'next_id', '', 'not_before', '')
    if side == 'LPUSH' then
        -- Not at the head: the audit takes the first one's time for the oldest.
        call('HSET', PREFIX .. 'ctl:' .. account, 'queued_ms', whole(now))
    end
    call(side, PREFIX .. 'queue', ctl.elem)
    if (ctl.next_id or '') ~= '' then
        start_over(account)
    end
    show(account, ctl.job, 'WORKING', 'queued', now, {'worker', '', 'next_attempt_at', ''})
end
