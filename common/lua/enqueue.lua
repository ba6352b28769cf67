-- ENQUEUE: asks for a run of each of one or more accounts that reads its settings from now on.
--
-- KEYS  prefix
-- ARGV  account, id for a new job, most elements in the queue, attempts of a job; then account and id
--       of each further call
-- Returns what and job of each call, one after the other, job being the one that covers it; as one
-- text with a space between the words, as a list of texts takes both sides longer:
--   new        it was idle; full when the queue is at its cap, and then nothing has changed
--   coalesced  it waits in the queue, or for the end of a pause that Omnitron asked for
--   now        it waited for its next attempt, which starts now
--   rerun      it runs, its settings already read: one more run is booked, however often it is asked
-- A repeat of a call that made or booked a job gets the same answer and changes nothing: so when an
-- error ends the script half way, each call can be sent again alone.

local queue_max, attempts = ARGV[3], ARGV[4]
local is_batch = #ARGV > 4
local now -- asked for once, by the first call that needs it
-- Written in one go at the end: calls that changed nothing, and accounts that had a job.
local coalesced, known = 0, {}

local function enqueue(account, id)
    local ctl_key = PREFIX .. 'ctl:' .. account
    local current = call('HMGET', ctl_key, 'phase', 'job')
    local phase, job = current[1], current[2]

    if job == id then
        return 'new', id
    end

    if phase and phase ~= '' then
        known[#known + 1] = account
    end

    if phase == 'queued' then
        coalesced = coalesced + 1
        return 'coalesced', job or ''
    end

    now = now or now_ms()
    if phase == 'running' then
        local next_id = call('HGET', ctl_key, 'next_id')
        if next_id == id then
            return 'rerun', id
        end
        if next_id and next_id ~= '' then
            coalesced = coalesced + 1
            return 'rerun', next_id
        end
        pass_full_memory()
        call('HSET', ctl_key, 'next_id', id)
        count('reruns')
        return 'rerun', id
    end

    if phase == 'retrying' then
        local enqueued_at, not_before = unpack(call('HMGET', ctl_key, 'enqueued_at', 'not_before'))
        local elem = element_of(account, job, enqueued_at)
        local due = tonumber(not_before) or 0
        if due <= now then
            call('ZREM', PREFIX .. 'delayed', elem)
            coalesced = coalesced + 1
            to_queue(account, {elem = elem, job = job}, 'LPUSH', now)
            start_over(account)
            return 'now', job
        end
        -- Its backoff may reach beyond the pause; what execute hurries starts when the pause ends.
        pass_full_memory()
        start_over(account)
        coalesced = coalesced + 1
        local score = tonumber(call('ZSCORE', PREFIX .. 'delayed', elem))
        if score and score > due then
            call('ZADD', PREFIX .. 'delayed', 'XX', not_before, elem)
            show(account, job, 'WORKING', 'retrying', now, {'next_attempt_at', iso(due)})
        end
        return 'coalesced', job
    end

    if call('LLEN', PREFIX .. 'queue') >= tonumber(queue_max) then
        return 'full', ''
    end
    start_job(account, id, attempts, 0, now)
    if not phase then
        -- What the run of a record that was lost told is not this job's. After the start: at full
        -- memory a removal as the first write would let this script pass.
        call('DEL', PREFIX .. 'report:' .. account)
    end
    count('enqueued')
    return 'new', id
end

-- At full memory a new job is refused, but what changes no more than a field passes. Of several
-- calls the first that passes would let all behind it pass: so then all are refused together, by a
-- write that may grow memory and changes nothing, and the caller sends each alone.
if is_batch then
    call('SETRANGE', PREFIX .. 'none', 0, '')
end
local answers = {enqueue(ARGV[1], ARGV[2])}
for i = 5, #ARGV, 2 do
    answers[i - 2], answers[i - 1] = enqueue(ARGV[i], ARGV[i + 1])
end
if #known > 0 then
    if not is_batch then
        pass_full_memory()
    end
    -- The audit looks at no other accounts: so an execute mends one that a hand has taken out.
    call('SADD', PREFIX .. 'active', unpack(known))
end
if coalesced > 0 then
    call('HINCRBY', PREFIX .. 'totals', 'coalesced', coalesced)
end
return table.concat(answers, ' ')
