-- What the scripts of the job machine share beyond prelude.lua: all but those that run most often.
-- Each call of a script makes its functions anew, so ENQUEUE and POP do without these.

local HISTORY_MAX, HISTORY_TTL_S = 20, 2592000
local DEAD_MAX = 1000
local DEATHS_MAX = 3

-- The record of the account, and elem, its element; without elem when no job is remembered.
local function read_ctl(account)
    local ctl = read_hash('ctl:' .. account)
    ctl.elem = ctl.job and element_of(account, ctl.job, ctl.enqueued_at or '')
    return ctl
end

-- Whether the token is the account's claim. No run has an empty token, an account without a run has.
local function is_claimed_by(ctl_claim, token)
    return token ~= '' and ctl_claim == token
end

-- Whether the worker listens on its channel; nil when Redis does not tell (an ACL without PUBSUB).
local function is_listening(worker)
    local answer = redis.pcall('PUBSUB', 'NUMSUB', PREFIX .. 'hints:' .. worker)
    if answer.err then
        return nil
    end
    return answer[2] > 0
end

-- From now on WATCH takes the worker for dead when it listens no more; or no longer does, when it
-- does not listen now: then it is under its lease alone.
local function watch_if_listening(worker)
    if is_listening(worker) then
        call('HSET', PREFIX .. 'watch', worker, 0)
    else
        call('HDEL', PREFIX .. 'watch', worker)
    end
end

-- A JSON string; null for what is missing or empty.
local function text(value)
    return value and value ~= '' and cjson.encode(value) or 'null'
end

local function number(value)
    return whole(tonumber(value) or 0)
end

-- The report as the API answers it and the history keeps it. details is what the worker wrote.
local function compose_report(account, status, ctl, details)
    return '{"account":' .. text(account) .. ',"job":' .. text(status.job)
        .. ',"state":' .. text(status.state) .. ',"phase":' .. text(status.phase)
        .. ',"attempt":' .. number(status.attempt) .. ',"attempts":' .. number(ctl.attempts)
        .. ',"rerun":' .. ((ctl.next_id or '') ~= '' and 'true' or 'false')
        .. ',"worker":' .. text(status.worker)
        .. ',"enqueued_at":' .. text(status.enqueued_at)
        .. ',"started_at":' .. text(status.started_at)
        .. ',"finished_at":' .. text(status.finished_at)
        .. ',"next_attempt_at":' .. text(status.next_attempt_at)
        .. ',"done":' .. number(status.done) .. ',"total":' .. number(status.total)
        .. ',"error":' .. text(status.error)
        .. ',"counts":{"created":' .. number(status.created)
        .. ',"reactivated":' .. number(status.reactivated)
        .. ',"updated":' .. number(status.updated) .. ',"already":' .. number(status.already)
        .. ',"drifted":' .. number(status.drifted) .. ',"failed":' .. number(status.failed) .. '},'
        .. (details or '"settings":null,"webhooks":[],"warnings":[]') .. '}'
end

-- The public status of an account as one row of a table. Without a remembered job it is READY.
local function compose_status_row(account)
    local status = read_hash('status:' .. account)
    return '{"account":' .. text(account) .. ',"state":' .. text(status.state or 'READY')
        .. ',"phase":' .. text(status.phase) .. ',"job":' .. text(status.job)
        .. ',"attempt":' .. number(status.attempt) .. ',"worker":' .. text(status.worker)
        .. ',"done":' .. number(status.done) .. ',"total":' .. number(status.total)
        .. ',"failed":' .. number(status.failed) .. ',"error":' .. text(status.error)
        .. ',"enqueued_at":' .. text(status.enqueued_at)
        .. ',"finished_at":' .. text(status.finished_at)
        .. ',"next_attempt_at":' .. text(status.next_attempt_at) .. '}'
end

-- Remembers what failed, newest first. found is a foreign element, shown without its control and
-- non-ASCII bytes, since nobody knows what it is.
local function bury(id, account, reason, attempts, now, found)
    call('LPUSH', PREFIX .. 'dead', '{"id":' .. text(id) .. ',"account":' .. text(account)
        .. ',"error":' .. text(reason) .. ',"attempts":' .. number(attempts)
        .. ',"failed_at":"' .. iso(now) .. '"' .. (found and ',"element":'
        .. cjson.encode((found:sub(1, 200):gsub('[^\32-\126]', '?'))) or '') .. '}')
    call('LTRIM', PREFIX .. 'dead', 0, DEAD_MAX - 1)
end

-- The job in an element: account and id; or nil and what is wrong with it.
local function parse_element(element)
    if #element > 1024 then
        return nil, 'foreign element in the queue: longer than 1024 bytes'
    end
    local is_json, job = pcall(cjson.decode, element)
    if not is_json or type(job) ~= 'table' then
        return nil, 'foreign element in the queue: not a JSON object'
    end
    local account, id = job.account, job.id
    if type(account) ~= 'string' or #account > 63 or not account:find('^[a-z0-9][a-z0-9._-]*$') then
        return nil, 'foreign element in the queue: "account" is not an account name'
    end
    if type(id) ~= 'string' or not id:find('^%x+$') or #id > 64 then
        return nil, 'foreign element in the queue: "id" is not a job id'
    end
    if job.action ~= 'execute' then
        return nil, 'foreign element in the queue: "action" is not "execute"'
    end
    return account, id
end

-- Whether the account has, or had not long ago, a job of that id. The history's reports begin with
-- account and job.
local function is_known_job(account, ctl, id)
    if id == ctl.job or id == ctl.next_id then
        return true
    end
    local name = '"job":"' .. id .. '"'
    for _, report in ipairs(call('LRANGE', PREFIX .. 'history:' .. account, 0, -1)) do
        if report:sub(1, 200):find(name, 1, true) then
            return true
        end
    end
    return false
end

-- The job that an element stands for: account and its ctl. Nil when it stands for none: then a
-- foreign element, or one of a job that is not remembered, is buried, and a double just forgotten;
-- also that of an active account whose record was lost, since the audit begins its job anew.
-- To be called after the element has been removed from where it was.
local function own_job(element, now)
    local account, id = parse_element(element)
    if not account then
        bury(nil, nil, id, 0, now, element)
        return nil
    end
    local ctl = read_ctl(account)
    if not ctl.elem and call('SISMEMBER', PREFIX .. 'active', account) == 1 then
        return nil
    end
    if not ctl.elem or not is_known_job(account, ctl, id) then
        bury(id, account, 'foreign element in the queue: no such job', 0, now, element)
        return nil
    end
    if ctl.elem ~= element then
        return nil
    end
    return account, ctl
end

-- Lets the job wait until due; until not_before (empty = no pause) execute cannot hurry it.
local function to_delayed(account, ctl, due, not_before, now)
    call('HSET', PREFIX .. 'ctl:' .. account, 'phase', 'retrying', 'claim', '', 'worker', '',
        'next_id', '', 'not_before', not_before)
    call('ZADD', PREFIX .. 'delayed', whole(due), ctl.elem)
    if (ctl.next_id or '') ~= '' then
        start_over(account)
    end
    show(account, ctl.job, 'WORKING', 'retrying', now, {'worker', '', 'next_attempt_at', iso(due)})
end

-- Ends the job as FINISHED, FAILED or ABORTED. Where one more run is booked it begins in the same
-- step, so nobody sees a gap in WORKING, but not before a pause that holds (until not_before).
-- fields (more for the status) and details (of the report) are the last run's; nil = as they are.
-- The caller has taken the element out of its list.
local function end_job(account, ctl, state, reason, not_before, ttl_s, now, fields, details)
    local next_id = ctl.next_id or ''
    show(account, ctl.job, state, '', now, {'error', reason, 'finished_at', iso(now),
        'next_attempt_at', '', unpack(fields or {})})
    local status = read_hash('status:' .. account)
    local history = PREFIX .. 'history:' .. account
    call('LPUSH', history, compose_report(account, status, ctl,
        details or call('GET', PREFIX .. 'report:' .. account)))
    call('LTRIM', history, 0, HISTORY_MAX - 1)
    call('EXPIRE', history, HISTORY_TTL_S)
    call('DEL', PREFIX .. 'report:' .. account) -- the history has it now
    count(state:lower())
    if state == 'FAILED' then
        bury(ctl.job, account, reason, status.attempt, now)
    end
    call('SREM', PREFIX .. 'aborting', account)
    if next_id ~= '' then
        start_job(account, next_id, ctl.attempts, not_before, now)
        return
    end
    call('HSET', PREFIX .. 'ctl:' .. account, 'phase', '', 'claim', '', 'worker', '', 'abort', '',
        'not_before', '')
    call('EXPIRE', PREFIX .. 'ctl:' .. account, ttl_s)
    call('EXPIRE', PREFIX .. 'status:' .. account, ttl_s)
    call('SREM', PREFIX .. 'active', account)
end

-- Puts an element of a worker's list back where it belongs. policy has now, ttl_s, max_age_ms,
-- backoff_ms (the longest wait before a second death's next run) and is_death: whether the worker
-- died, or only lost sight of it (then just the first two matter). False when the element was not
-- there.
local function take_back(worker, element, policy)
    local now = policy.now
    if call('LREM', PREFIX .. 'processing:' .. worker, 1, element) == 0 then
        return false
    end
    local account, ctl = own_job(element, now)
    if not account then
        return true
    end
    if ctl.phase == 'queued' then
        to_queue(account, ctl, 'RPUSH', now)
        return true
    end
    if ctl.phase ~= 'running' or ctl.worker ~= worker then
        return true -- a double: the job itself is elsewhere
    end
    local deaths = (tonumber(ctl.deaths) or 0) + (policy.is_death and 1 or 0)
    call('HSET', PREFIX .. 'ctl:' .. account, 'deaths', deaths, 'recovered', 1)
    if ctl.abort == '1' then
        end_job(account, ctl, 'ABORTED', '', 0, policy.ttl_s, now)
        return true
    end
    count('recovered')
    if policy.is_death and deaths >= DEATHS_MAX then
        end_job(account, ctl, 'FAILED', 'the worker died while running this job, ' .. deaths
            .. ' times in a row', 0, policy.ttl_s, now)
        return true
    end
    if not policy.is_death or deaths < 2 then
        to_queue(account, ctl, 'RPUSH', now)
        return true
    end
    -- Full jitter; the claim's token is the randomness that a script does not have.
    local due = now + math.floor(policy.backoff_ms * tonumber(ctl.claim:sub(1, 8), 16) / 2^32)
    if due > (tonumber(ctl.enqueued_ms) or now) + policy.max_age_ms then
        end_job(account, ctl, 'FAILED', 'the job is too old to wait again after its worker died',
            0, policy.ttl_s, now)
    else
        to_delayed(account, ctl, due, '', now)
    end
    return true
end
