-- OVERVIEW: what waits, what failed, how many work: figures for an operator. Writes nothing.
--
-- KEYS  prefix
-- ARGV  (none)
-- Returns JSON text: {"at", "queue": {"length", "oldest_age_ms", "delayed", "next_due_ms", "dead",
-- "active"}, "workers", "totals": {...}}. oldest_age_ms is the age of the job that is taken next,
-- next_due_ms how long until the next delayed one is due (0 = now); null where there is none.

local now = now_ms()
local queue, delayed = PREFIX .. 'queue', PREFIX .. 'delayed'

local function age_of_next()
    local element = call('LINDEX', queue, -1)
    local account = element and parse_element(element)
    local enqueued_ms = account and tonumber(call('HGET', PREFIX .. 'ctl:' .. account, 'enqueued_ms'))
    return enqueued_ms and whole(math.max(0, now - enqueued_ms)) or 'null'
end

local function until_due()
    local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    return first[2] and whole(math.max(0, first[2] - now)) or 'null'
end

local totals = read_hash('totals')
local counted = {}
for _, name in ipairs({'enqueued', 'coalesced', 'reruns', 'finished', 'failed', 'aborted', 'retried',
    'recovered', 'fenced', 'clock_jumps', 'lease_ended', 'watch_ended', 'watch_wrong'}) do
    counted[#counted + 1] = '"' .. name .. '":' .. number(totals[name])
end

return '{"at":"' .. iso(now) .. '","queue":{"length":' .. number(call('LLEN', queue))
    .. ',"oldest_age_ms":' .. age_of_next() .. ',"delayed":' .. number(call('ZCARD', delayed))
    .. ',"next_due_ms":' .. until_due() .. ',"dead":' .. number(call('LLEN', PREFIX .. 'dead'))
    .. ',"active":' .. number(call('SCARD', PREFIX .. 'active')) .. '},"workers":'
    .. number(call('ZCARD', PREFIX .. 'workers')) .. ',"totals":{' .. table.concat(counted, ',') .. '}}'
