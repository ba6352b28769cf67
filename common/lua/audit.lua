-- AUDIT: mends what no other step can see: an active account whose element is where its phase says
-- in no list (after Redis lost its last writes, or a hand deleted a key), and lists of workers that
-- are not registered. What is wrong must be seen twice, unchanged, a lease apart.
--
-- KEYS  prefix
-- ARGV  accounts to look at, queue elements to search through, keys to scan for lists, lease in ms,
--       seconds that an ended status is remembered, greatest age of a job in ms, longest wait in ms
--       before a second death's next run, attempts of a job
-- Returns how many jobs it put right; or Redis's error about a key of a wrong type, and then all the
-- rest has been looked at. The hash `audit` remembers where the last call stopped (cursor, scan) and
-- since when a list has had no registered worker (list:<worker>).

local members_max, search_max, scan_max, apart_ms = ARGV[1], tonumber(ARGV[2]), ARGV[3],
    tonumber(ARGV[4])
local now = now_ms()
local policy = {now = now, is_death = true, ttl_s = ARGV[5], max_age_ms = tonumber(ARGV[6]),
    backoff_ms = tonumber(ARGV[7])}
local attempts = ARGV[8]
local audit_key, workers = PREFIX .. 'audit', PREFIX .. 'workers'
local audit = read_hash('audit')
local queue_length = call('LLEN', PREFIX .. 'queue')
local searched, moved = 0, 0

local function is_in_list(worker, element)
    return call('ZSCORE', workers, worker) and call('LPOS', PREFIX .. 'processing:' .. worker, element)
end

-- Redis ms at which the element that is next to run was pushed; 0 when nobody knows.
local first_ms
local function read_first_ms()
    local account = parse_element(call('LINDEX', PREFIX .. 'queue', -1) or '')
    local ms = account and call('HGET', PREFIX .. 'ctl:' .. account, 'queued_ms')
    return tonumber(ms or 0)
end

-- Whether what is next to run was pushed before the job. What is taken back to the head keeps its
-- time; a job that nobody knows the time of may make another look overdue, and pushing that once
-- more does no harm, a second copy is only dropped.
local function is_before_its_turn(ctl)
    first_ms = first_ms or read_first_ms()
    return first_ms <= tonumber(ctl.queued_ms)
end

-- Only for what has waited for a while. Searching takes time with the length of the queue: beyond
-- search_max elements in all, it is judged by whether its turn has gone by.
local function is_queued(ctl)
    if now - (tonumber(ctl.queued_ms) or 0) < apart_ms then
        return true
    end
    if searched + queue_length <= search_max then
        searched = searched + queue_length
        if call('LPOS', PREFIX .. 'queue', ctl.elem, 'RANK', -1) then
            return true
        end
    elseif is_before_its_turn(ctl) then
        return true
    end
    for _, worker in ipairs(call('ZRANGE', workers, 0, -1)) do
        if is_in_list(worker, ctl.elem) then
            return true -- popped, its claim is under way
        end
    end
    return false
end

local function is_in_place(ctl)
    if not ctl.elem or ctl.phase == '' then
        return false
    elseif ctl.phase == 'queued' then
        return is_queued(ctl)
    elseif ctl.phase == 'running' then
        return is_in_list(ctl.worker, ctl.elem)
    end
    return call('ZSCORE', PREFIX .. 'delayed', ctl.elem)
end

local function mend(account, ctl)
    local status = read_hash('status:' .. account)
    if not ctl.elem and status.state == 'WORKING' then
        -- Its record was lost: what was asked for begins anew. A run of before may be under way.
        start_job(account, status.job, attempts, 0, now)
        call('HSET', PREFIX .. 'ctl:' .. account, 'recovered', 1)
    elseif not ctl.elem or ctl.phase == '' then
        call('SREM', PREFIX .. 'active', account)
        if status.state == 'WORKING' then
            end_job(account, ctl, 'FAILED', 'the record of this job was lost', 0, policy.ttl_s, now)
        end
    elseif ctl.phase == 'running' and (tonumber(call('ZSCORE', workers, ctl.worker)) or 0) > 0 then
        -- A hand took the element away. The run goes on; if its worker dies, its list shows the job.
        call('LPUSH', PREFIX .. 'processing:' .. ctl.worker, ctl.elem)
    elseif ctl.phase == 'running' then
        call('LREM', PREFIX .. 'processing:' .. ctl.worker, 0, ctl.elem)
        call('HSET', PREFIX .. 'ctl:' .. account, 'recovered', 1)
        if ctl.abort == '1' then
            end_job(account, ctl, 'ABORTED', '', 0, policy.ttl_s, now)
        else
            to_queue(account, ctl, 'RPUSH', now)
        end
    else
        to_queue(account, ctl, 'RPUSH', now)
    end
    count('recovered')
    moved = moved + 1
end

local function look_at(account)
    local ctl = read_ctl(account)
    local field = 'account:' .. account
    if is_in_place(ctl) then
        call('HDEL', audit_key, field)
        return
    end
    -- Whatever happens to the job raises rev, so the same rev is the same trouble.
    local rev = call('HGET', PREFIX .. 'status:' .. account, 'rev') or '0'
    local seen_rev, since = (audit[field] or ''):match('^(%d+) (%d+)$')
    if seen_rev ~= rev then
        call('HSET', audit_key, field, rev .. ' ' .. whole(now))
    elseif now - since >= apart_ms then
        call('HDEL', audit_key, field)
        mend(account, ctl)
    end
end

local function look_at_list(list)
    local worker = list:sub(#PREFIX + #'processing:' + 1)
    local field = 'list:' .. worker
    if call('ZSCORE', workers, worker) then
        return
    end
    if not audit[field] then
        call('HSET', audit_key, field, whole(now))
    elseif now - audit[field] >= apart_ms then
        for _, element in ipairs(call('LRANGE', list, 0, 99)) do
            take_back(worker, element, policy)
            moved = moved + 1
        end
    end
end

-- A note that is of no use any more goes.
local function look_at_note(field)
    local account, worker = field:match('^account:(.*)'), field:match('^list:(.*)')
    local rev = account and call('HGET', PREFIX .. 'status:' .. account, 'rev') or '0'
    if (account and rev ~= audit[field]:match('^%d+'))
        or (worker and call('EXISTS', PREFIX .. 'processing:' .. worker) == 0) then
        call('HDEL', audit_key, field)
        audit[field] = nil
    end
end

-- A key that another hand has spoilt must not keep the rest from being looked at.
local trouble
local function try(step, what)
    local is_done, why_not = pcall(step, what)
    if not is_done then
        trouble = type(why_not) == 'table' and why_not.err or why_not
    end
end

-- First a removal: see pass_full_memory.
for field in pairs(audit) do
    try(look_at_note, field)
end
pass_full_memory()

-- The lists first: what they give back is in its place when the accounts are looked at.
local lists = call('SCAN', audit.scan or '0', 'MATCH', PREFIX .. 'processing:*', 'COUNT', scan_max)
for _, list in ipairs(lists[2]) do
    try(look_at_list, list)
end
local members = call('SSCAN', PREFIX .. 'active', audit.cursor or '0', 'COUNT', members_max)
for _, account in ipairs(members[2]) do
    try(look_at, account)
end
call('HSET', audit_key, 'cursor', members[1], 'scan', lists[1])
return trouble and redis.error_reply(trouble) or moved
