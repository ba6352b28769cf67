-- LOOK: all that the model's oracle must see of the job machine, in one answer. Writes nothing.
--
-- KEYS  prefix
-- ARGV  fewest and most places where a waiting or running job's element may be, 1 for a digest,
--       accounts
-- Returns for each account 18 texts: what is wrong with its keys (empty = nothing) and what struct
-- account_view has; then the length of the queue, the element that is taken next, the digest of all
-- values but `totals` and `audit` (or empty), and each registered worker with the end of its lease and whether it listens.

local P, call = KEYS[1], redis.call
local fewest, most = tonumber(ARGV[1]), tonumber(ARGV[2])

local queued, held, holder = {}, {}, {}
local queue = call('LRANGE', P .. 'queue', 0, -1)
for _, element in ipairs(queue) do
    queued[element] = (queued[element] or 0) + 1
end
local lists = P .. 'processing:'
for _, key in ipairs(call('KEYS', lists .. '*')) do
    for _, element in ipairs(call('LRANGE', key, 0, -1)) do
        held[element] = (held[element] or 0) + 1
        holder[element .. key:sub(#lists + 1)] = true
        holder[element] = key:sub(#lists + 1)
    end
end

local function is_lasting(name)
    return call('TTL', P .. name) == -1
end

local function what_is_wrong(account, state, shown, phase, elem, claim, worker, due)
    local works = state == 'WORKING'
    if (call('SISMEMBER', P .. 'active', account) == 1) ~= works then
        return 'active: a member that does not work, or the other way round'
    elseif shown ~= phase then
        return 'phase: the status and the record differ'
    elseif works == (phase == '') then
        return 'phase: not that of its state'
    elseif (claim ~= '') ~= (phase == 'running') then
        return 'claim: without a run, or a run without'
    elseif works and not (is_lasting('status:' .. account) and is_lasting('ctl:' .. account)) then
        return 'ttl: a key of a job that has not ended expires'
    elseif not works and (is_lasting('status:' .. account) or is_lasting('ctl:' .. account)) then
        return 'ttl: a key of an ended job never expires'
    elseif not works and call('SISMEMBER', P .. 'aborting', account) == 1 then
        return 'aborting: the job has ended'
    end
    local waits = due and 1 or 0
    local places = (queued[elem] or 0) + (held[elem] or 0) + waits
    if works and (places < fewest or places > most) then
        return 'places: the element is in ' .. places
    elseif not works and most == 1 and waits == 1 then
        return 'places: an ended job is in delayed'
    elseif fewest == 0 then
        return ''
    elseif phase == 'queued' and places == waits then
        return 'places: neither in the queue nor popped'
    elseif phase == 'running' and not holder[elem .. worker] then
        return 'places: not in the list of its worker'
    elseif phase == 'retrying' and waits == 0 then
        return 'places: not in delayed'
    end
    return ''
end

local function digest()
    local keys, values = call('KEYS', P .. '*'), {}
    table.sort(keys)
    for _, key in ipairs(keys) do
        if key ~= P .. 'totals' and key ~= P .. 'audit' then
            values[#values + 1] = key
            values[#values + 1] = call('DUMP', key)
        end
    end
    return redis.sha1hex(table.concat(values, '\n'))
end

local answer = {}
local function add(...)
    for _, value in ipairs({...}) do
        answer[#answer + 1] = value
    end
end

for i = 4, #ARGV do
    local account = ARGV[i]
    local state, shown, rev = unpack(call('HMGET', P .. 'status:' .. account, 'state', 'phase', 'rev'))
    local ctl = call('HMGET', P .. 'ctl:' .. account, 'phase', 'job', 'enqueued_at', 'claim', 'worker',
        'next_id', 'abort', 'tries', 'deaths', 'recovered', 'not_before')
    local phase, job, at, claim, worker = unpack(ctl)
    local elem = job and '{"id":"' .. job .. '","account":"' .. account
        .. '","action":"execute","enqueued_at":"' .. (at or '') .. '"}'
    local due = elem and call('ZSCORE', P .. 'delayed', elem)
    add(state and elem and what_is_wrong(account, state, shown, phase, elem, claim, worker, due)
        or '', state or 'READY', phase or '', job or '', rev or '0', claim or '', worker or '',
        ctl[6] or '', ctl[7] or '', ctl[8] or '0', ctl[9] or '0', ctl[10] or '', due or '0',
        ctl[11] or '', elem and queued[elem] or 0, elem and held[elem] or 0,
        elem and holder[elem] or '', elem or '')
end
add(#queue, queue[#queue] or '', ARGV[3] == '1' and digest() or '')
local workers = call('ZRANGE', P .. 'workers', 0, -1, 'WITHSCORES')
for i = 1, #workers, 2 do
    add(workers[i], workers[i + 1], call('SISMEMBER', 'model:listening', workers[i]))
end
return answer
