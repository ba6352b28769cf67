-- DUMP: the state of the job machine as text, without what only grows (rev, counters, histories) and
-- with times as they are seen from now, as far as they still matter. Writes nothing.
--
-- KEYS  prefix
-- ARGV  now in ms, lease in ms, grace in ms
-- Returns the text.

local P, call = KEYS[1], redis.call
local now, lease_ms, grace_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local lines = {}

local function id_of(element)
    return element:match('"id":"(%x+)"') or element
end

-- How far ahead; behind by more than `least` is all the same.
local function ahead(ms, least)
    return string.format('%.0f', math.max(tonumber(ms) - now, -least))
end

local function list(key)
    local ids = {}
    for i, element in ipairs(call('LRANGE', key, 0, -1)) do
        ids[i] = id_of(element)
    end
    return table.concat(ids, ',')
end

local function scores(key, least)
    local flat, pairs_of = call('ZRANGE', key, 0, -1, 'WITHSCORES'), {}
    for i = 1, #flat, 2 do
        local score = flat[i + 1] == '0' and 'taken' or ahead(flat[i + 1], least)
        pairs_of[#pairs_of + 1] = id_of(flat[i]) .. '=' .. score
    end
    return table.concat(pairs_of, ',')
end

local function notes(key, read)
    local flat, pairs_of = call('HGETALL', key), {}
    for i = 1, #flat, 2 do
        pairs_of[#pairs_of + 1] = flat[i] .. '=' .. read(flat[i + 1])
    end
    table.sort(pairs_of)
    return table.concat(pairs_of, ',')
end

local function record(key)
    local fields = call('HMGET', key, 'phase', 'job', 'claim', 'worker', 'last_claim', 'last_end',
        'next_id', 'abort', 'tries', 'deaths', 'recovered')
    for i = 1, #fields do
        fields[i] = fields[i] or ''
    end
    local not_before, queued = unpack(call('HMGET', key, 'not_before', 'queued_ms'))
    fields[#fields + 1] = (not_before or '') ~= '' and ahead(not_before, 0) or ''
    fields[#fields + 1] = ahead(queued or '0', lease_ms)
    return table.concat(fields, ',')
end

local function members(key)
    local all = call('SMEMBERS', key)
    table.sort(all)
    return table.concat(all, ',')
end

local readers = {
    {'^ctl:', record},
    {'^queue$', list},
    {'^processing:', list},
    {'^delayed$', function(key) return scores(key, 0) end},
    {'^workers$', function(key) return scores(key, grace_ms) end},
    {'^active$', members},
    {'^aborting$', members},
    {'^audit$', function(key)
        return notes(key, function(value)
            return ahead(value:match('%d+$'), lease_ms)
        end)
    end},
}

local keys = call('KEYS', P .. '*')
table.sort(keys)
for _, key in ipairs(keys) do
    local name = key:sub(#P + 1)
    for _, reader in ipairs(readers) do
        if name:find(reader[1]) then
            lines[#lines + 1] = name .. ' ' .. reader[2](key)
        end
    end
end
return table.concat(lines, '\n')
